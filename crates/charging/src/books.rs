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
/// Hours until what could not be compared is tried again; while automatic charging is held, one.
const AGAIN_HOURS: i64 = 6;
/// The kind of its alerts.
const KIND: &str = "reconciliation";
/// Most alerts that are looked through for repetitions.
const ALERTS_MAX: i64 = 2_000;
/// Name of the mark that keeps when the last whole comparison was made.
const RECONCILED_AT: &str = "reconciled_at";
/// Name of the mark that keeps when the last one was tried.
const TRIED_AT: &str = "reconciliation_tried_at";

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Approvals in the gateways' books.
    pub approvals: usize,
    /// Approvals and open charges with a reference of ours that we know nothing of.
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
        self.reconcile(since, true, true).await
    }

    /// `with_disabled`: gateways that are switched off are asked too. `tells_unasked`: one that could not be asked raises
    /// an alert.
    async fn reconcile(
        &self,
        since: Timestamp,
        with_disabled: bool,
        tells_unasked: bool,
    ) -> Result<Reconciliation, StoreError> {
        let mut whole = Reconciliation::default();
        for merchant in self.store.list_merchants().await? {
            let provider = |kind: &str| self.connections.provider(kind);
            let capabilities = |kind: &str| provider(kind).map(|provider| provider.capabilities);
            let found = self.store.find_configuration(merchant.id, &capabilities).await?;
            let Some(configuration) = found else { continue };
            let before = whole.unasked.len();
            for gateway in configuration.gateways.iter().filter(|one| with_disabled || one.enabled) {
                self.compare(&configuration, gateway, since, &mut whole).await?;
            }
            if tells_unasked {
                let words = whole
                    .unasked
                    .iter()
                    .skip(before)
                    .map(|words| (None, format!("Books that were not compared with ours: {words}.")));
                self.raise(merchant.id, words.collect(), false).await?;
            }
        }
        Ok(whole)
    }

    /// The daily comparison, when it is due; none when it is not. After a restored backup it is due at once, reads a
    /// month, and lets automatic charging go on when it finds nothing wrong. A gateway that cannot be asked is asked again
    /// some hours later, about everything since the last whole comparison; after two days, or while charging is held, a
    /// person is told.
    pub async fn reconcile_due(&self) -> Result<Option<Reconciliation>, StoreError> {
        let now = self.minter.now();
        let is_held = self.store.find_mark(CHARGING_HELD).await?.is_some();
        let last = self.moment(RECONCILED_AT).await?;
        let tried = self.moment(TRIED_AT).await?;
        let hours_since = |at: Timestamp| now.duration_since(at).as_hours();
        let again = if is_held { 1 } else { AGAIN_HOURS };
        let is_fresh = !is_held && last.is_some_and(|last| hours_since(last) < EVERY_HOURS);
        if is_fresh || tried.is_some_and(|tried| hours_since(tried) < again) {
            return Ok(None);
        }
        let since = self.compared_since(now, is_held, last).await?;
        let is_late = last.is_none_or(|last| hours_since(last) >= WINDOW_HOURS);
        let found = self.reconcile(since, is_held, is_held || is_late).await?;
        let mut transaction = Transaction::new("reconciled").with(marks::set(TRIED_AT, &now.to_string()));
        if found.unasked.is_empty() {
            transaction = transaction.with(marks::set(RECONCILED_AT, &now.to_string()));
        }
        if is_held && found.is_clean() {
            tracing::info!("Reconciliation has passed; automatic charging goes on");
            transaction = transaction.with(marks::clear(CHARGING_HELD));
        }
        self.store.commit(transaction).await?;
        Ok(Some(found))
    }

    /// From when on the books are read: a month after a restored backup, or since its last heartbeat when that is older;
    /// otherwise two days, or a day before the last whole comparison.
    async fn compared_since(
        &self,
        now: Timestamp,
        is_held: bool,
        last: Option<Timestamp>,
    ) -> Result<Timestamp, StoreError> {
        let ago = |from: Timestamp, hours| {
            from.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
        };
        let month = ago(now, RESTORED_DAYS.saturating_mul(24));
        if is_held {
            let beat = self.moment(HELD_SINCE_BEAT).await?;
            return Ok(beat.map_or(month, |beat| month.min(ago(beat, 24))));
        }
        let days = ago(now, WINDOW_HOURS);
        Ok(last.map_or(days, |last| days.min(ago(last, 24)).max(month)))
    }

    /// The moment that a mark keeps.
    async fn moment(&self, mark: &str) -> Result<Option<Timestamp>, StoreError> {
        let text = self.store.find_mark(mark).await?;
        Ok(text.and_then(|text| text.parse().ok()))
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
            whole.approvals = whole.approvals.saturating_add(usize::from(!entry.is_open));
            // Another system may use the same account: only references of our form are ours.
            let Ok(id) = entry.reference.parse::<AttemptId>() else { continue };
            let attempt = self.store.find_attempt(merchant_id, id).await?;
            let Some(words) = difference(gateway, &entry, attempt.as_ref()) else { continue };
            // Several merchants may use one account.
            if attempt.is_none() && self.store.is_attempt_known(id).await? {
                continue;
            }
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
        self.raise(merchant_id, raised, true).await
    }

    /// Raises alerts that are not open already. What is told `once` is not told again when a person has closed it either;
    /// a gateway that cannot be asked may come back, and fail again.
    async fn raise(
        &self,
        merchant_id: MerchantId,
        raised: Vec<(Option<Attempt>, String)>,
        once: bool,
    ) -> Result<(), StoreError> {
        if raised.is_empty() {
            return Ok(());
        }
        let open = self.store.list_open_alerts(merchant_id, ALERTS_MAX).await?;
        let mut known: HashSet<String> = open.into_iter().map(|alert| alert.words).collect();
        if once {
            known.extend(self.store.list_alert_words(merchant_id, KIND, ALERTS_MAX).await?);
        }
        let mut transaction = Transaction::new("reconciliation_alerts");
        for (attempt, words) in raised {
            if !known.insert(words.clone()) {
                continue;
            }
            transaction = transaction.with(alerts::insert(&Alert {
                merchant_id,
                id: self.minter.mint(),
                kind: KIND.to_owned(),
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
        if entry.is_open {
            return Some(format!(
                "Gateway {number} still works on {id} under our reference {}, and we know no such attempt. Cancel it there or wait for its end.",
                entry.reference
            ));
        }
        return Some(format!(
            "Gateway {number} took money for {id} under our reference {}, and we know no such attempt. Look it up and give it back or book it.",
            entry.reference
        ));
    };
    if entry.is_open {
        // Whatever comes of it is reported or found, and shown as a late approval when nobody expects it.
        return None;
    }
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
