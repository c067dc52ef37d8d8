//! The daily comparison with the gateways' own books (M19); after a restored backup it lets automatic charging go on (M31).

use std::collections::HashSet;

use domain::attempt::{Attempt, AttemptState};
use domain::configuration::{Configuration, Gateway};
use domain::ids::{AttemptId, MerchantId};
use gateways::BookedApproval;
use jiff::{SignedDuration, Timestamp};
use storage::alerts::Alert;
use storage::{StoreError, Transaction, alerts, marks};

use crate::Charging;
use crate::restored::{CHARGING_HELD, HELD_SINCE_BEAT};

/// Compared once a day.
const EVERY_HOURS: i64 = 24;
/// Each comparison reads the books of so many hours: two days, so that none falls between.
const WINDOW_HOURS: i64 = 48;
/// After a restored backup the books of so many days are read.
const RESTORED_DAYS: i64 = 30;
/// Most open alerts that are looked through for repetitions.
const ALERTS_MAX: i64 = 2_000;
/// Name of the mark that keeps when the last comparison was made.
const RECONCILED_AT: &str = "reconciled_at";

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Approvals in the gateways' books.
    pub approvals: usize,
    /// Approvals with a reference of ours that we know nothing of.
    pub unknown: usize,
    /// Approvals whose attempt says otherwise.
    pub contradicting: usize,
    /// Gateways that could not be asked, each with why.
    pub unasked: Vec<String>,
}

impl Reconciliation {
    /// Whether nothing is unknown, nothing contradicts, and every gateway that keeps books was asked.
    pub fn is_clean(&self) -> bool {
        self.unknown == 0 && self.contradicting == 0 && self.unasked.is_empty()
    }
}

impl Charging {
    /// Compares every gateway's books since a moment with our attempts. What does not fit raises an alert, once.
    pub async fn reconcile_since(&self, since: Timestamp) -> Result<Reconciliation, StoreError> {
        let mut whole = Reconciliation::default();
        for merchant in self.store.list_merchants().await? {
            let provider = |kind: &str| self.connections.provider(kind);
            let capabilities = |kind: &str| provider(kind).map(|provider| provider.capabilities);
            let found = self.store.find_configuration(merchant.id, &capabilities).await?;
            let Some(configuration) = found else { continue };
            for gateway in &configuration.gateways {
                self.compare(&configuration, gateway, since, &mut whole).await?;
            }
        }
        Ok(whole)
    }

    /// The daily comparison, when it is due; none when it is not. After a restored backup it is due at once, reads a
    /// month, and lets automatic charging go on when it finds nothing wrong.
    pub async fn reconcile_due(&self) -> Result<Option<Reconciliation>, StoreError> {
        let now = self.minter.now();
        let held = self.store.find_mark(CHARGING_HELD).await?;
        let last = self.store.find_mark(RECONCILED_AT).await?;
        let last: Option<Timestamp> = last.and_then(|text| text.parse().ok());
        let fresh = last.is_some_and(|last| now.duration_since(last).as_hours() < EVERY_HOURS);
        // While charging is held, every hour: what stood in the way may have been cleared up.
        let tried = last.is_some_and(|last| now.duration_since(last).as_hours() < 1);
        if (held.is_none() && fresh) || (held.is_some() && tried) {
            return Ok(None);
        }
        let hours = if held.is_some() { RESTORED_DAYS.saturating_mul(24) } else { WINDOW_HOURS };
        let ago = |from: Timestamp, hours| {
            from.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
        };
        let mut since = ago(now, hours);
        if held.is_some()
            && let Some(last) = self.store.find_mark(HELD_SINCE_BEAT).await?
            && let Ok(last) = last.parse::<Timestamp>()
        {
            // An older backup: everything since its last heartbeat.
            since = since.min(ago(last, 24));
        }
        let found = self.reconcile_since(since).await?;
        let mut transaction =
            Transaction::new("reconciled").with(marks::set(RECONCILED_AT, &now.to_string()));
        if held.is_some() && found.is_clean() {
            tracing::info!("Reconciliation has passed; automatic charging goes on");
            transaction = transaction.with(marks::clear(CHARGING_HELD));
        }
        self.store.commit(transaction).await?;
        Ok(Some(found))
    }

    async fn compare(
        &self,
        configuration: &Configuration,
        gateway: &Gateway,
        since: Timestamp,
        whole: &mut Reconciliation,
    ) -> Result<(), StoreError> {
        let merchant_id = configuration.merchant_id;
        let books = match self.connections.gateway(merchant_id, configuration.version, gateway).await {
            Ok(live) => live.list_approvals(since).await,
            Err(error) => Err(error.to_string()),
        };
        let books = match books {
            Ok(books) => books,
            Err(words) => {
                whole.unasked.push(format!("gateway {}: {words}", gateway.number));
                return Ok(());
            }
        };
        let mut raised = Vec::new();
        for entry in books {
            whole.approvals = whole.approvals.saturating_add(1);
            // Another system may use the same account: only references of our form are ours.
            let Ok(id) = entry.reference.parse::<AttemptId>() else { continue };
            let attempt = self.store.find_attempt(merchant_id, id).await?;
            let Some(words) = difference(gateway, &entry, attempt.as_ref()) else { continue };
            // A late approval is known, and kept or given back (M17).
            if let Some(attempt) = &attempt
                && self.store.find_late_approval(merchant_id, attempt.id).await?.is_some()
            {
                continue;
            }
            match attempt {
                Some(_) => whole.contradicting = whole.contradicting.saturating_add(1),
                None => whole.unknown = whole.unknown.saturating_add(1),
            }
            raised.push((attempt, words));
        }
        self.raise(merchant_id, raised).await
    }

    /// Raises alerts that are not open already.
    async fn raise(
        &self,
        merchant_id: MerchantId,
        raised: Vec<(Option<Attempt>, String)>,
    ) -> Result<(), StoreError> {
        if raised.is_empty() {
            return Ok(());
        }
        let open = self.store.list_open_alerts(merchant_id, ALERTS_MAX).await?;
        let known: HashSet<String> = open.into_iter().map(|alert| alert.words).collect();
        let mut transaction = Transaction::new("reconciliation_alerts");
        for (attempt, words) in raised {
            if known.contains(&words) {
                continue;
            }
            transaction = transaction.with(alerts::insert(&Alert {
                merchant_id,
                id: self.minter.mint(),
                kind: "reconciliation".to_owned(),
                order_id: attempt.as_ref().map(|attempt| attempt.order_id),
                attempt_id: attempt.as_ref().map(|attempt| attempt.id),
                words,
                created_at: self.minter.now(),
            }));
        }
        if !transaction.steps.is_empty() {
            self.store.commit(transaction).await?;
        }
        Ok(())
    }
}

/// What does not fit between an entry of the books and our attempt; none when all is well or still being worked on.
fn difference(gateway: &Gateway, entry: &BookedApproval, attempt: Option<&Attempt>) -> Option<String> {
    let (number, id) = (gateway.number, &entry.gateway_reference);
    let Some(attempt) = attempt else {
        return Some(format!(
            "Gateway {number} took money for {id} under our reference {}, and we know no such attempt. Look it up and give it back or book it.",
            entry.reference
        ));
    };
    match &attempt.state {
        // What was undone shows as zero in most books; where it does not, our own operations are the proof.
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Approved { reversed_at: Some(_), .. } => None,
        AttemptState::Approved { approval, .. } => {
            let fits = entry.net_minor.is_none_or(|minor| minor <= approval.amount.minor());
            (!fits).then(|| {
                format!(
                    "Gateway {number} took more for {id} than attempt {} asked for ({}).",
                    attempt.id, approval.amount
                )
            })
        }
        AttemptState::Declined { .. } | AttemptState::NotExecuted { .. } => Some(format!(
            "Gateway {number} took money for {id}, and attempt {} is {}. Look it up and give it back or book it.",
            attempt.id,
            attempt.state.name()
        )),
    }
}
