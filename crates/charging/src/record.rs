//! Outcome and everything that follows from it: one transaction, or none.

use domain::attempt::{Attempt, Doubt, Outcome};
use domain::doubt::{Case, next_ask};
use storage::attempts::{self, InDoubt};
use storage::{Step, StoreError, Transaction};
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequence;

/// What a sale's approval brings with it: one change of a row of its own each, so none needs to see another's. Everything
/// else may lock, count, or begin an attempt, and runs in order.
const OF_AN_APPROVAL: &[&str] = &[
    "complete_order",
    "set_payment_state",
    "insert_event",
    "insert_fulfilment",
    "add_volume",
    "insert_subscription",
    "clear_declines",
    "insert_timeline",
];

fn is_of_an_approval(step: &Step) -> bool {
    OF_AN_APPROVAL.contains(&step.statement.name())
}

/// What came of recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is kept.
    Now,
    /// The attempt was settled before, or somebody else holds it: nothing was changed.
    Before,
}

impl Charging {
    /// Settles an attempt, once.
    pub async fn record(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        consequence: &Consequence,
        fence: Option<Uuid>,
    ) -> Result<Recorded, StoreError> {
        let at = self.minter.now();
        let transaction = Transaction::new("record_outcome")
            .with(attempts::settle(attempt.merchant_id, attempt.id, outcome, at, fence))
            .with_all(consequence.steps.iter().cloned());
        let independent = consequence.steps.iter().all(is_of_an_approval);
        self.commit_once(if independent { transaction.independent() } else { transaction }).await
    }

    /// Settles an attempt as approved and undone already.
    pub(crate) async fn record_undone(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        consequence: &Consequence,
        fence: Option<Uuid>,
    ) -> Result<Recorded, StoreError> {
        let at = self.minter.now();
        let transaction = Transaction::new("record_undone")
            .with(attempts::settle(attempt.merchant_id, attempt.id, outcome, at, fence))
            .with(attempts::reverse(attempt.merchant_id, attempt.id, at))
            .with_all(consequence.steps.iter().cloned());
        self.commit_once(transaction).await
    }

    /// Leaves an attempt in doubt, with what follows from that.
    pub async fn record_doubt(
        &self,
        attempt: &Attempt,
        known: &InDoubt,
        consequence: &Consequence,
        fence: Option<Uuid>,
    ) -> Result<Recorded, StoreError> {
        let transaction = Transaction::new("record_doubt")
            .with(attempts::doubt(attempt.merchant_id, attempt.id, known, fence))
            .with_all(consequence.steps.iter().cloned());
        self.commit_once(transaction).await
    }

    /// What is known of an attempt whose answer was just lost: asked about as soon as the ladder says.
    pub fn fresh_doubt(
        &self,
        attempt: &Attempt,
        doubt: Doubt,
        reference: Option<String>,
        words: String,
    ) -> InDoubt {
        let now = self.minter.now();
        let case = Case {
            doubt,
            sent_at: attempt.created_at,
            checks: attempt.checks,
            can_fence: false,
            fence_unknown_at: None,
        };
        InDoubt {
            doubt,
            since: now,
            gateway_reference: reference,
            text: Some(words),
            checks: attempt.checks,
            next_check_at: Some(next_ask(&case, now)),
            fence_unknown_at: None,
            needs_person: false,
        }
    }

    async fn commit_once(&self, transaction: Transaction) -> Result<Recorded, StoreError> {
        match self.store.commit(transaction.without_rows()).await {
            Ok(_) => Ok(Recorded::Now),
            Err(error)
                if error.is_conflict_in(attempts::SETTLED_BEFORE)
                    || error.is_conflict_in("doubt_attempt") =>
            {
                Ok(Recorded::Before)
            }
            Err(error) => Err(error),
        }
    }
}
