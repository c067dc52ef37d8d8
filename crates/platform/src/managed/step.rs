//! One step of a managed recovery: at most one charge, committed before it is sent.

use std::sync::Arc;

use domain::attempt::{Attempt, Route};
use domain::card::Expiry;
use domain::payment::PaymentState;
use jiff::{SignedDuration, Timestamp};
use storage::platform::{self as rows, Managed, Recovery, RecoveryState};
use storage::{StoreError, Transaction, attempts, merchants};
use uuid::Uuid;

use super::ladder;
use crate::Platform;
use crate::evaluate::card::FoundCard;
use crate::evaluate::details;
use crate::rescue::plan::Plan;
use crate::rescue::{Rescue, budget};

/// How soon one is looked at again whose attempt is still open, seconds.
const OPEN_ATTEMPT_SECS: i64 = 300;
/// The same, when the merchant waits for its cancel, seconds.
const FENCED_SECS: i64 = 60;

/// How long after its end a recovery waits for an acquirer whose answer was lost, hours.
const DOUBT_HOURS_MAX: i64 = 24;

impl Platform {
    /// Ends it when its time is over or it was cancelled; otherwise asks one acquirer, unless an attempt is still open.
    pub(super) async fn step(self: &Arc<Self>, recovery: Recovery, fence: Uuid) -> Result<(), StoreError> {
        let Some(managed) = recovery.managed.clone() else { return Ok(()) };
        let (mid, now) = (recovery.merchant_id, self.now());
        let is_asking = self.has_open_attempt(&recovery).await?;
        let is_fenced = self.store().find_order_fence(mid, &recovery.external_order_id).await?.is_some();
        if is_fenced && !is_asking {
            return self.close_cancelled(&recovery).await;
        }
        // An acquirer that may have approved is cleared up before the end is told: a day at most.
        let patience = SignedDuration::from_hours(DOUBT_HOURS_MAX);
        let told_at = managed.expires_at.saturating_add(patience).unwrap_or(Timestamp::MAX);
        if now >= managed.expires_at && (!is_asking || now >= told_at) {
            let why = "Its time is over, and nobody approved.";
            return self.close(&recovery, RecoveryState::Expired, why).await;
        }
        if is_asking {
            let secs = if is_fenced { FENCED_SECS } else { OPEN_ATTEMPT_SECS };
            let at = now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX);
            let at = if now < managed.expires_at { at.min(managed.expires_at) } else { at };
            return self.postpone(&recovery, fence, at, None).await;
        }
        let next_at = ladder::next_at(recovery.created_at, managed.expires_at, now, now);
        let Some(card) = self.card_of(&recovery, &managed).await? else {
            let why = Some("Its card cannot be opened or has expired.");
            return self.postpone(&recovery, fence, next_at, why).await;
        };
        self.ask_one(recovery, managed, card, fence, next_at).await
    }

    async fn ask_one(
        self: &Arc<Self>,
        recovery: Recovery,
        managed: Managed,
        card: FoundCard,
        fence: Uuid,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        let kept = details::read(&recovery);
        let mid = recovery.merchant_id;
        let (is_recurring, contact) = (kept.is_recurring, kept.contact());
        let rescue = Rescue { mid, is_recurring, contact, card, recovery, began_at: self.now() };
        let fingerprint = &rescue.card.stored.fingerprint;
        if self.store().find_card_lock(mid, fingerprint, self.now()).await?.is_some() {
            let why = "The card's issuer has forbidden any further attempt with this card.";
            return self.close(&rescue.recovery, RecoveryState::Declined, why).await;
        }
        let (mut acquirers, version) = match self.plan(&rescue, false).await? {
            Plan::Ask { acquirers, version } => (acquirers, version),
            Plan::Answer { reason, .. } => {
                return self.postpone(&rescue.recovery, fence, next_at, Some(reason)).await;
            }
        };
        // Each step begins with another acquirer.
        let begin = usize::try_from(managed.steps).unwrap_or(0).checked_rem(acquirers.len()).unwrap_or(0);
        acquirers.rotate_left(begin);
        let Some(first) = acquirers.first() else { return Ok(()) };
        let number = managed.steps.saturating_add(1);
        let why = format!("Step {number} of a managed recovery; {} is asked.", first.words());
        let route = if managed.steps == 0 { Route::First } else { Route::Repeat };
        let attempt = self.first_attempt(&rescue, first, route, why);
        let intent = self.step_intent(&rescue, &attempt, fence, next_at, version);
        match self.store().commit(intent).await {
            Ok(_) => {
                let recovery = self.ask_all(&rescue, None, &acquirers, attempt).await?;
                self.close_if_fenced(&recovery).await
            }
            // Somebody else works on it.
            Err(error) if error.is_conflict_in(rows::LEASE_LOST) => Ok(()),
            Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                self.close_cancelled(&rescue.recovery).await
            }
            Err(error) if error.is_conflict_in(attempts::OVER_CARD_CAPS) => {
                self.postpone(&rescue.recovery, fence, next_at, Some(budget::CAPPED)).await
            }
            Err(error) if error.is_conflict_in(merchants::CONFIGURATION_CHANGED) => {
                self.postpone(&rescue.recovery, fence, self.now(), None).await
            }
            Err(error) if error.is_conflict_in(attempts::LIVE_ATTEMPT_EXISTS) => {
                self.postpone(&rescue.recovery, fence, next_at, None).await
            }
            Err(error) => Err(error),
        }
    }

    /// The intent: the step is counted and the next one due, the attempt begun, all under the lease, the merchant's order
    /// id and the card's budget.
    fn step_intent(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        fence: Uuid,
        next_at: Timestamp,
        version: i64,
    ) -> Transaction {
        let (mid, id) = (rescue.mid, rescue.recovery.id);
        Transaction::new("step_intent")
            .with(rows::enter_order(mid, &rescue.recovery.external_order_id))
            .with(merchants::check_version(mid, version))
            .with(rows::begin_step(mid, id, fence, next_at, &attempt.why, self.now()))
            .with(self.paying(attempt, PaymentState::Attempting))
            .with_all(self.within_caps(rescue, &attempt.gateway_kind))
            .with(attempts::insert(attempt))
    }

    /// The stored card, ready to be charged; none when it does not open or is past its end.
    async fn card_of(&self, recovery: &Recovery, managed: &Managed) -> Result<Option<FoundCard>, StoreError> {
        let Some(stored) = self.store().find_card(recovery.merchant_id, managed.card_id).await? else {
            return Ok(None);
        };
        let Some(number) = self.open_card(&stored) else { return Ok(None) };
        let expiry = Expiry::parse_year_month(&managed.card_expires).ok();
        let expiry = expiry.filter(|expiry| !expiry.is_past(self.now()));
        Ok(expiry.map(|expiry| FoundCard { stored, number, expiry, token: None, code: None }))
    }

    /// Whether an attempt of this recovery may still approve.
    pub(crate) async fn has_open_attempt(&self, recovery: &Recovery) -> Result<bool, StoreError> {
        let order = crate::order_of(recovery.id);
        let all = self.store().list_attempts_of_order(recovery.merchant_id, order).await?;
        Ok(all.iter().any(|attempt| attempt.state.is_open()))
    }
}
