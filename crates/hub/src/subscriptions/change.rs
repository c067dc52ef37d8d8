//! What may be changed of a running subscription (`/purchase/update/`).

use domain::calendar::next_run;
use domain::ids::{MerchantId, SubscriptionId};
use domain::money::Money;
use domain::placement::{Place, Problem, may_stand, refusal};
use domain::subscription::{Subscription, SubscriptionStatus};
use jiff::Timestamp;

use super::edit::{Edited, Seen, refuse_while_open};
use crate::Hub;
use crate::billing::{billing_time, zone_of};
use crate::people::PersonError;

/// Longest interval between bills, days.
const INTERVAL_DAYS_MAX: i64 = domain::plan::DELAY_DAYS_MAX;

/// Changes of a subscription; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// Price of one.
    pub price: Option<Money>,
    /// Whether the price holds for the next bill only.
    pub price_once: bool,
    /// Shipping of a bill.
    pub shipping: Option<Money>,
    /// When it is billed next.
    pub next_bill_at: Option<Timestamp>,
    /// Days between bills.
    pub interval_days: Option<i64>,
    /// The last cycle.
    pub final_cycle: Option<i64>,
    /// The gateway it rests on, by number; an ordinary one (R43).
    pub gateway: Option<i64>,
    /// Into recycle billing again, or out of it; nothing else can be set by hand.
    pub status: Option<SubscriptionStatus>,
}

impl Hub {
    /// What is wrong with a change, field by field, without making it.
    pub async fn check_subscription_change(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        change: &SubscriptionChange,
    ) -> Result<Vec<Problem>, PersonError> {
        let seen = self.seen(merchant_id, id).await?;
        Ok(problems_of(&seen, change, self.minter().now()))
    }

    /// Changes a subscription; all problems are told at once.
    pub async fn change_subscription(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        change: &SubscriptionChange,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        self.edit(merchant_id, id, actor, note, |seen| {
            let problems = problems_of(seen, change, now);
            if !problems.is_empty() {
                return Err(PersonError::Invalid(problems));
            }
            // A price for the next bill only would be used up by the bill that is open, at the old price.
            if change.status.is_some() || change.next_bill_at.is_some() || change.price_once {
                refuse_while_open(seen, "changing status, date or the price of the next bill only")?;
            }
            let mut said = Vec::new();
            let mut next = Subscription { updated_at: now, ..seen.subscription.clone() };
            set_terms(&mut next, change, &mut said);
            if let Some(gateway) =
                change.gateway.and_then(|number| seen.configuration.gateway_numbered(number))
            {
                next.gateway_id = gateway.id;
                said.push(format!("gateway {}", gateway.number));
            }
            if let Some(at) = change.next_bill_at {
                next.next_bill_at = Some(at);
                next.next_action_at = Some(next.pause_at.map_or(at, |pause| pause.min(at)));
                said.push(format!("next bill {at}"));
            }
            if let Some(status) = change.status {
                set_status(seen, &mut next, status, now)?;
                said.push(format!("status {}", status.as_str()));
            }
            if said.is_empty() {
                said.push("nothing".to_owned());
            }
            Ok(Edited::new(next, "", format!("Changed: {}.", said.join(", "))))
        })
        .await
    }
}

fn problems_of(seen: &Seen, change: &SubscriptionChange, now: Timestamp) -> Vec<Problem> {
    let before = &seen.subscription;
    let mut problems = Vec::new();
    for (field, amount) in [("price", change.price), ("shipping", change.shipping)] {
        let Some(amount) = amount else { continue };
        if amount.currency() != before.terms.currency || amount.is_negative() {
            let words = format!("an amount is 0 or more in {}", before.terms.currency);
            problems.push(Problem::new(field, words));
        }
    }
    if change.price_once && change.price.is_none() {
        problems.push(Problem::new("price", "give the price that holds for the next bill only"));
    }
    if change.interval_days.is_some_and(|days| !(1..=INTERVAL_DAYS_MAX).contains(&days)) {
        let words = format!("an interval is 1 to {INTERVAL_DAYS_MAX} days");
        problems.push(Problem::new("interval_days", words));
    }
    if change.final_cycle.is_some_and(|last| last <= before.cycle) {
        let words = format!("cycle {} is paid; the final cycle comes after it", before.cycle);
        problems.push(Problem::new("final_cycle", words));
    }
    if change.next_bill_at.is_some_and(|at| at <= now) {
        problems.push(Problem::new("next_bill_at", "the next bill lies in the future; bill now instead"));
    }
    let dated = change.next_bill_at.is_some();
    let runs = before.status.is_billable() || before.status == SubscriptionStatus::RecycleBilling;
    if dated && !runs {
        let words = format!("a subscription that is {} has no next bill", before.status.as_str());
        problems.push(Problem::new("next_bill_at", words));
    }
    match change.gateway.map(|number| (number, seen.configuration.gateway_numbered(number))) {
        Some((number, None)) => {
            problems.push(Problem::new("gateway", format!("there is no gateway with the number {number}")));
        }
        Some((_, Some(gateway))) if !may_stand(&gateway.capabilities, Place::Subscription) => {
            problems.push(Problem::new("gateway", refusal(gateway, Place::Subscription)));
        }
        Some(_) | None => {}
    }
    problems
}

fn set_terms(next: &mut Subscription, change: &SubscriptionChange, said: &mut Vec<String>) {
    if let Some(price) = change.price {
        next.terms.price = Some(price);
        next.terms.price_once = change.price_once;
        let once = if change.price_once { " for the next bill" } else { "" };
        said.push(format!("price {price}{once}"));
    }
    if let Some(shipping) = change.shipping {
        next.terms.shipping = Some(shipping);
        said.push(format!("shipping {shipping}"));
    }
    if let Some(days) = change.interval_days {
        next.terms.interval_days = Some(days);
        said.push(format!("every {days} days"));
    }
    if let Some(last) = change.final_cycle {
        next.terms.final_cycle = Some(last);
        said.push(format!("final cycle {last}"));
    }
}

/// Into recycle billing again, in the next run (crm.md section 8), or out of it.
fn set_status(
    seen: &Seen,
    next: &mut Subscription,
    status: SubscriptionStatus,
    now: Timestamp,
) -> Result<(), PersonError> {
    let before = &seen.subscription;
    let refuse = |words: String| Err(PersonError::Conflict(words));
    match status {
        SubscriptionStatus::RecycleBilling => {
            let queued = matches!(
                before.status,
                SubscriptionStatus::RecycleFailed | SubscriptionStatus::RecycleBilling
            );
            if !queued || before.collecting.is_none() {
                return refuse("only a declined bill can be recycled again".to_owned());
            }
            let profile = seen.configuration.recycle_profile_of(before.gateway_id);
            let Some(slot) = profile.and_then(|profile| profile.next_slot(0)) else {
                return refuse("no recycle profile serves its gateway".to_owned());
            };
            let zone = zone_of(&seen.configuration);
            let at = next_run(now, &billing_time(&seen.configuration, &zone), before.terms.sold_at);
            next.status = status;
            if before.status == SubscriptionStatus::RecycleFailed {
                // Why it had failed; of any other status it is the customer's wish to end after this bill.
                next.stop_reason = String::new();
            }
            next.slot = slot;
            next.tries = 0;
            next.next_bill_at = Some(at);
            next.next_action_at = Some(at);
        }
        SubscriptionStatus::RecycleFailed => {
            let event = domain::subscription::SubscriptionEvent::Fail;
            let failed = before.status.on(event, before.terms.plan.trial.is_some());
            next.status = failed.map_err(|refused| PersonError::Conflict(refused.to_string()))?;
            "Set by hand.".clone_into(&mut next.stop_reason);
            next.next_bill_at = None;
            next.next_action_at = None;
        }
        SubscriptionStatus::Trial
        | SubscriptionStatus::Active
        | SubscriptionStatus::Paused
        | SubscriptionStatus::PauseScheduled
        | SubscriptionStatus::Complete
        | SubscriptionStatus::Cancelled
        | SubscriptionStatus::CancellationScheduled => {
            return refuse(
                "only recycle_billing and recycle_failed can be set by hand; use pause, cancel or reactivate"
                    .to_owned(),
            );
        }
    }
    Ok(())
}
