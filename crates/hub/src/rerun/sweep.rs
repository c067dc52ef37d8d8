//! Working on runs: a few items at once, merchant by merchant, resumable by any process (R118).

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState, Route};
use domain::order::Order;
use jiff::{SignedDuration, Timestamp};
use storage::runs::{self, Item, ItemVerdict, Run};
use storage::{StoreError, Transaction};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::batch::{KIND, lost_of, rerun_of};
use super::send::Extra;
use super::{Rerun, RerunAnswer};
use crate::{Hub, HubError};

/// Most merchants of one pass.
const MERCHANTS_MAX: i64 = 1_000;
/// Most items of a run under way at once.
const AT_ONCE_MAX: i64 = 8;
/// Lots of a run in one pass: then other merchants have their turn.
const LOTS_OF_A_PASS: usize = 4;
/// Calls that one item may take: the charge, and what makes sure of it.
const CALLS_OF_AN_ITEM: i64 = 6;
/// Seconds of a lease beside the calls.
const LEASE_SECS: i64 = 120;

/// What a pass over due runs did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunsSwept {
    /// Items that were given their verdict.
    pub items: usize,
}

impl RunsSwept {
    /// Whether nothing was due.
    pub fn is_idle(self) -> bool {
        self == Self::default()
    }
}

impl Hub {
    /// Works on the runs that are due at `now`, a few items of each. Any number of processes may do so; leases keep them
    /// apart, and an item whose process died is never sent twice.
    pub async fn sweep_runs(&self, now: Timestamp) -> Result<RunsSwept, HubError> {
        let mut swept = RunsSwept::default();
        // After a restored backup nothing charges by itself before reconciliation has passed (M31).
        if self.store().find_mark(charging::CHARGING_HELD).await?.is_some() {
            return Ok(swept);
        }
        for merchant_id in self.store().list_merchants_with_due_runs(now, MERCHANTS_MAX).await? {
            let fence = self.minter().uuid();
            let until = self.run_lease(now);
            let Some(run) = self.store().acquire_due_run(merchant_id, now, until, fence).await? else {
                continue;
            };
            let id = run.id;
            match self.step_run(run, fence).await {
                Ok(items) => swept.items = swept.items.saturating_add(items),
                Err(HubError::Store(error)) if error.is_conflict_in(runs::NOT_HELD) => continue,
                Err(error) => {
                    tracing::error!(run.id = %id, error = %error, "Run {id} did not go on; it comes again when its lease ends");
                    continue;
                }
            }
            let release = Transaction::new("release_run").with(runs::release(merchant_id, id, fence));
            self.store().commit(release).await?;
        }
        Ok(swept)
    }

    fn run_lease(&self, now: Timestamp) -> Timestamp {
        let calls = self.charging.connections.call_secs_max().saturating_mul(CALLS_OF_AN_ITEM);
        let secs = SignedDuration::from_secs(calls.saturating_add(LEASE_SECS));
        now.saturating_add(secs).unwrap_or(Timestamp::MAX)
    }

    /// A few lots of a run; how many items were given their verdict.
    async fn step_run(&self, run: Run, fence: Uuid) -> Result<usize, HubError> {
        if run.kind != KIND {
            let id = run.id.to_string();
            return Err(StoreError::Inconsistent { table: "runs", column: "kind", id }.into());
        }
        let rerun = Arc::new(rerun_of(&run)?);
        let run = Arc::new(run);
        let (mut done, mut items) = (run.done_count, 0_usize);
        for _ in 0..LOTS_OF_A_PASS {
            let lot = self.next_lot(&run, done).await?;
            let Some(last) = lot.last() else { break };
            let to = last.item.position;
            items = items.saturating_add(lot.len());
            let mut steps = JoinSet::new();
            for entry in lot {
                let (hub, run, rerun) = (self.clone(), Arc::clone(&run), Arc::clone(&rerun));
                steps.spawn(async move { hub.work_item(&run, &rerun, entry).await });
            }
            let mut failed = None;
            while let Some(ended) = steps.join_next().await {
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed = Some(error),
                    Err(_) => failed = Some(HubError::Interrupted),
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
            let now = self.minter().now();
            let advance = runs::advance(run.merchant_id, run.id, fence, to, now, self.run_lease(now));
            self.store().commit(Transaction::new("advance_run").with(advance)).await?;
            done = to;
            if done >= run.item_count {
                break;
            }
        }
        Ok(items)
    }

    /// The next items, up to the first that is of a customer who is in the lot already: what one of them comes to is
    /// part of the verdict on the next (M24).
    async fn next_lot(&self, run: &Run, done: i64) -> Result<Vec<Entry>, HubError> {
        let items = self.store().list_run_items(run.merchant_id, run.id, done, None, AT_ONCE_MAX).await?;
        let mut lot = Vec::new();
        let mut customers = BTreeSet::new();
        for item in items {
            let order = match self.store().find_order(run.merchant_id, item.order_id).await {
                // One order that cannot be read does not stop the rest (R118).
                Err(StoreError::Inconsistent { .. }) => None,
                other => other?,
            };
            if let Some(order) = &order {
                let email = order.contact.email.to_lowercase();
                let known = customers.contains(&order.customer_id.base32()) || customers.contains(&email);
                if known {
                    break;
                }
                customers.insert(order.customer_id.base32());
                if !email.is_empty() {
                    customers.insert(email);
                }
            }
            lot.push(Entry { item, order });
        }
        Ok(lot)
    }

    /// Gives one item its verdict.
    async fn work_item(&self, run: &Run, rerun: &Rerun, entry: Entry) -> Result<(), HubError> {
        let (item, merchant_id) = (entry.item, run.merchant_id);
        if item.is_finished() {
            return Ok(());
        }
        let (verdict, words) = if entry.order.is_none() {
            (ItemVerdict::Skipped, "There is no order with this id that can be read.".to_owned())
        } else if item.verdict == ItemVerdict::Waiting {
            let begin = [runs::begin_item(merchant_id, run.id, item.position)];
            let extra = Extra { steps: &begin, lost: lost_of(run)? };
            match self.rerun_with(merchant_id, item.order_id, rerun, &run.actor, extra).await {
                Ok(RerunAnswer::Attempted { attempt, .. }) => verdict_of(&attempt),
                Ok(RerunAnswer::Skipped(skip)) => (ItemVerdict::Skipped, skip.words),
                // Somebody else has begun it, or the run was cancelled: its verdict is theirs.
                Err(HubError::Store(error)) if error.is_conflict_in(runs::ITEM_TAKEN) => return Ok(()),
                Err(HubError::Store(error @ StoreError::Inconsistent { .. })) => {
                    (ItemVerdict::Skipped, format!("Its records cannot be read: {error}."))
                }
                Err(error) => return Err(error),
            }
        } else {
            // Begun by a process that died: its attempt is worked on by the driver, and nothing is sent again.
            let attempts = self.store().list_attempts_of_order(merchant_id, item.order_id).await?;
            let rerun = attempts.iter().rev().find(|attempt| attempt.route == Route::Rerun);
            rerun.map_or((ItemVerdict::InDoubt, "It was under way.".to_owned()), verdict_of)
        };
        let finish = runs::finish_item(merchant_id, run.id, item.position, verdict, &words);
        self.store().commit(Transaction::new("finish_run_item").with(finish)).await?;
        Ok(())
    }
}

/// An item with its order; none when there is no such order.
struct Entry {
    item: Item,
    order: Option<Order>,
}

/// The verdict of an attempt as it stands, and why in one sentence.
fn verdict_of(attempt: &Attempt) -> (ItemVerdict, String) {
    match &attempt.state {
        AttemptState::Approved { reversed_at: None, .. } => {
            (ItemVerdict::Approved, format!("Approved: {}.", attempt.amount))
        }
        AttemptState::Approved { .. } => {
            (ItemVerdict::Declined, "Approved too late, and given back.".to_owned())
        }
        AttemptState::Declined { decline, .. } => {
            let (text, reason) = (&decline.text_shown, decline.reason.as_str());
            (ItemVerdict::Declined, format!("Declined: {text} ({reason})."))
        }
        AttemptState::NotExecuted { lapse, .. } => {
            (ItemVerdict::Declined, format!("Nothing was charged. {}", lapse.text))
        }
        AttemptState::Pending { .. } => {
            let until = attempt.deadline.map_or_else(String::new, |at| format!(" until {at}"));
            (ItemVerdict::Pending, format!("The salvage gateway works on it{until}."))
        }
        AttemptState::Sending | AttemptState::InDoubt { .. } => {
            (ItemVerdict::InDoubt, "The gateway's answer was lost; it is being resolved.".to_owned())
        }
    }
}
