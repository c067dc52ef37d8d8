//! Work that fails again and again: looked at less and less often, and shown to a person.
//!
//! A step that fails leaves its row as it was, so without this the same row would fail for ever, unseen. A store that does
//! not answer is no such failure: nothing could be written then, and the work comes again when its lease ends.

use domain::attempt::{Attempt, AttemptState, Doubt};
use domain::doubt::PERSON_AFTER_SECS;
use domain::ids::{AttemptId, MerchantId, OperationId};
use jiff::Timestamp;
use storage::alerts::Alert;
use storage::attempts::{self, InDoubt};
use storage::inbound_reports::alert_once;
use storage::operations::{self, Doubtful, Operation};
use storage::{Step, StoreError, Transaction};
use uuid::Uuid;

use crate::Charging;
use crate::deadlines::later;

/// Looked at again after so many seconds; after the last of them a person is called.
const AGAIN_AFTER_SECS: [i64; 4] = [60, 300, 1_800, 7_200];
/// How often what waits for a person is still looked at, seconds.
const SLOWLY_SECS: i64 = 21_600;
/// The kind of the alert about work that fails again and again.
const STUCK: &str = "work_stuck";

/// What to do about a row whose step has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// It is worked on again then.
    pub again_at: Timestamp,
    /// Whether a person is called: it has failed too often, or for a day.
    pub needs_person: bool,
}

/// Whether the database did not answer: then nothing can be written about it either.
pub fn is_outage(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) => true,
        StoreError::Conflict { .. } | StoreError::Inconsistent { .. } => false,
    }
}

impl Charging {
    /// A step of the work on this row has failed: when it is looked at again, and whether a person is called. Failures are
    /// counted in this process; after a restart they are counted anew.
    pub fn stumbled(&self, id: Uuid) -> Stuck {
        let now = self.minter.now();
        let failing = self.memory.failed(id, now);
        let rung = failing.and_then(|one| AGAIN_AFTER_SECS.get(one.count.saturating_sub(1)).copied());
        let is_old = failing.is_some_and(|one| now.duration_since(one.since).as_secs() >= PERSON_AFTER_SECS);
        match rung.filter(|_| !is_old) {
            Some(secs) => Stuck { again_at: later(now, secs), needs_person: false },
            None => Stuck { again_at: later(now, SLOWLY_SECS), needs_person: true },
        }
    }

    /// The work on this row went well.
    pub fn went_well(&self, id: Uuid) {
        self.memory.went_well(id);
    }

    /// An alert about work that fails again and again, raised once while it is open. The words say what it is about, and
    /// are the same every time.
    pub fn alert_stuck(&self, merchant_id: MerchantId, words: String) -> Step {
        self.stuck_alert(merchant_id, None, words)
    }

    fn stuck_alert(&self, merchant_id: MerchantId, about: Option<&Attempt>, words: String) -> Step {
        alert_once(&Alert {
            merchant_id,
            id: self.minter.mint(),
            kind: STUCK.to_owned(),
            order_id: about.map(|attempt| attempt.order_id),
            attempt_id: about.map(|attempt| attempt.id),
            words,
            created_at: self.minter.now(),
        })
    }

    /// The work on an attempt has failed: it is left alone for longer each time, and then shown to a person. What it is
    /// and what is known of it stays.
    pub(crate) async fn attempt_stumbled(
        &self,
        attempt: &Attempt,
        error: &str,
        fence: Uuid,
    ) -> Result<(), StoreError> {
        let stuck = self.stumbled(attempt.id.uuid());
        let (merchant_id, id, now) = (attempt.merchant_id, attempt.id, self.minter.now());
        let mut transaction = Transaction::new("attempt_stumbled");
        if matches!(attempt.state, AttemptState::Pending { .. }) && !stuck.needs_person {
            transaction = transaction.with(attempts::poll(merchant_id, id, stuck.again_at, Some(fence), now));
            return self.store.commit(transaction).await.map(|_| ());
        }
        let known = InDoubt {
            doubt: Doubt::Crash,
            since: now,
            gateway_reference: None,
            text: Some(format!("It could not be worked on: {error}.")),
            checks: attempt.checks,
            next_check_at: Some(stuck.again_at),
            fence_unknown_at: None,
            needs_person: attempt.needs_person || stuck.needs_person,
        };
        transaction = transaction.with(attempts::doubt(merchant_id, id, &known, Some(fence)));
        if stuck.needs_person {
            let words = format!(
                "Attempt {id} cannot be worked on: {error}. Look it up at the gateway, then resolve it."
            );
            transaction = transaction.with(self.stuck_alert(merchant_id, Some(attempt), words));
        }
        match self.store.commit(transaction).await {
            // Settled meanwhile, or in other hands: they go on with it.
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The work on an operation has failed: it stays in doubt, as if its gateway could not tell.
    pub(crate) async fn operation_stumbled(
        &self,
        operation: &Operation,
        error: &str,
        fence: Uuid,
    ) -> Result<(), StoreError> {
        let stuck = self.stumbled(operation.id.uuid());
        let not_sent = operation.code.as_deref() == Some(operations::NOT_SENT);
        let words = format!("It could not be worked on: {error}.");
        self.leave_open(operation, &words, stuck.needs_person, not_sent, Some(fence)).await
    }

    /// A leased row cannot even be read. It is named in the error: it is shown to a person at once and left alone for
    /// long, so that the rows that were leased with it are worked on when their lease ends. Whether that was possible.
    pub(crate) async fn set_aside(
        &self,
        merchant_id: MerchantId,
        error: &StoreError,
        fence: Uuid,
    ) -> Result<bool, StoreError> {
        let StoreError::Inconsistent { table, column, id } = error else { return Ok(false) };
        let (now, words) = (self.minter.now(), format!("{error}: nothing can be done with it."));
        let at = later(now, SLOWLY_SECS);
        let aside = match (*table, id.parse::<AttemptId>(), id.parse::<OperationId>()) {
            ("attempts", Ok(id), _) => attempts::poll(merchant_id, id, at, Some(fence), now),
            ("operations", _, Ok(id)) => {
                let known = Doubtful {
                    text: format!("Its column {column} fits no state."),
                    checks: 0,
                    next_check_at: Some(at),
                    needs_person: true,
                    not_sent: false,
                };
                operations::doubt(merchant_id, id, &known, now, Some(fence))
            }
            _ => return Ok(false),
        };
        let transaction =
            Transaction::new("set_aside").with(aside).with(self.alert_stuck(merchant_id, words));
        self.store.commit(transaction).await.map(|_| true)
    }
}
