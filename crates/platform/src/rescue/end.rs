//! How a rescue ends: each end is one transaction with the outcome of its last attempt.

use charging::{Consequence, Recorded};
use domain::attempt::{Attempt, Outcome, Purpose};
use domain::payment::PaymentState;
use gateways::OperationKind;
use storage::attempts::InDoubt;
use storage::platform::{self as rows, Recovery, RecoveryState};
use storage::{Step, StoreError, Transaction, operations, payments};

use crate::Platform;
use crate::evaluate::answered;
use crate::rescue::{Begun, Rescue};

/// States in which nobody was told that it is approved.
const OPEN: [RecoveryState; 2] = [RecoveryState::Processing, RecoveryState::Doubtful];
const CANCELLED: &str = "The merchant cancelled the order before it was evaluated.";

impl Platform {
    /// No acquirer is asked: the recovery is stored with its answer.
    pub(crate) async fn answer_at_once(
        &self,
        rescue: Rescue,
        state: RecoveryState,
        status: &str,
        reason: &str,
    ) -> Result<Begun, StoreError> {
        let Rescue { recovery, .. } = rescue;
        let recovery = Recovery {
            state,
            answered: Some(status.to_owned()),
            reason: reason.to_owned(),
            payment_id: None,
            ..recovery
        };
        let mut transaction = Transaction::new("answer_at_once");
        if state != RecoveryState::Declined {
            transaction =
                transaction.with(rows::enter_order(recovery.merchant_id, &recovery.external_order_id));
        }
        match self.store().commit(transaction.with(rows::insert_recovery(&recovery))).await {
            Ok(_) => Ok(Begun::Answered(Box::new(recovery))),
            Err(error) if error.is_conflict_in(rows::RECOVERY_EXISTS) => Ok(Begun::Elsewhere),
            Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                self.store_cancelled(recovery).await
            }
            Err(error) => Err(error),
        }
    }

    /// A cancel came first: nothing is charged for this order, ever (M8).
    pub(crate) async fn refuse_cancelled(&self, rescue: Rescue) -> Result<Begun, StoreError> {
        self.store_cancelled(rescue.recovery).await
    }

    async fn store_cancelled(&self, recovery: Recovery) -> Result<Begun, StoreError> {
        let recovery = Recovery {
            state: RecoveryState::Declined,
            answered: Some(answered::DECLINED.to_owned()),
            reason: CANCELLED.to_owned(),
            payment_id: None,
            ..recovery
        };
        let transaction = Transaction::new("refuse_cancelled").with(rows::insert_recovery(&recovery));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(Begun::Answered(Box::new(recovery))),
            Err(error) if error.is_conflict_in(rows::RECOVERY_EXISTS) => Ok(Begun::Elsewhere),
            Err(error) => Err(error),
        }
    }

    /// Approved: told so, unless the merchant has cancelled meanwhile, or a driver has given it up; then it is voided.
    pub(crate) async fn approved(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<Recovery, StoreError> {
        let (state, status, reason) = match attempt.purpose {
            Purpose::Collect => (RecoveryState::Approved, answered::APPROVED, "An acquirer approved it."),
            Purpose::Hold => {
                (RecoveryState::CaptureRequired, answered::CAPTURE_REQUIRED, "An acquirer holds the money.")
            }
        };
        let consequence = Consequence {
            steps: vec![
                rows::enter_order(rescue.mid, &rescue.recovery.external_order_id),
                self.payment(attempt, PaymentState::Paid),
                rows::require_move(self.moved(rescue, &[RecoveryState::Processing], state, status, reason)),
            ],
            then: Vec::new(),
        };
        match self.charging.record(attempt, &outcome, &consequence, None).await {
            Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                let why = "The merchant cancelled the order while its acquirer was being asked.";
                self.approved_too_late(rescue, attempt, &outcome, RecoveryState::Cancelled, why).await?;
            }
            Err(error) if error.is_conflict_in(rows::MOVED_BEFORE) => {
                let why = "The acquirer approved after the order had been given up.";
                self.approved_too_late(rescue, attempt, &outcome, RecoveryState::Doubtful, why).await?;
            }
            Ok(Recorded::Now | Recorded::Before) => {}
            Err(error) => return Err(error),
        }
        self.as_stored(rescue).await
    }

    /// The void's intent commits with the approval and is due at once: the driver sends it.
    async fn approved_too_late(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        outcome: &Outcome,
        state: RecoveryState,
        why: &str,
    ) -> Result<(), StoreError> {
        let void = self.charging.new_operation(OperationKind::Void, attempt, attempt.amount, why);
        let mut steps = vec![
            self.payment(attempt, PaymentState::Paid),
            self.moved(rescue, &OPEN, state, answered::DECLINED, why),
        ];
        steps.extend(operations::insert(&void, self.now()));
        let consequence = Consequence { steps, then: Vec::new() };
        self.charging.record(attempt, outcome, &consequence, None).await.map(|_| ())
    }

    /// Nobody approved.
    pub(crate) async fn declined(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        outcome: &Outcome,
        why: &str,
    ) -> Result<Recovery, StoreError> {
        let mut steps = self.left_behind(attempt, outcome);
        steps.push(self.payment(attempt, PaymentState::Declined));
        steps.push(self.moved(rescue, &OPEN, RecoveryState::Declined, answered::DECLINED, why));
        let consequence = Consequence { steps, then: Vec::new() };
        self.charging.record(attempt, outcome, &consequence, None).await?;
        self.as_stored(rescue).await
    }

    /// An answer was lost: the routes end, the merchant is told "declined", and an approval is undone later (M29).
    pub(crate) async fn doubtful(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        known: &InDoubt,
    ) -> Result<Recovery, StoreError> {
        let consequence = Consequence {
            steps: vec![
                self.payment(attempt, PaymentState::InDoubt),
                self.moved(
                    rescue,
                    &OPEN,
                    RecoveryState::Doubtful,
                    answered::DECLINED,
                    crate::aftermath::LOST,
                ),
            ],
            then: Vec::new(),
        };
        self.charging.record_doubt(attempt, known, &consequence, None).await?;
        self.as_stored(rescue).await
    }

    fn payment(&self, attempt: &Attempt, state: PaymentState) -> Step {
        payments::set_state(attempt.merchant_id, attempt.payment_id, state, self.now())
    }

    fn moved(
        &self,
        rescue: &Rescue,
        from: &[RecoveryState],
        to: RecoveryState,
        status: &str,
        reason: &str,
    ) -> Step {
        let id = rescue.recovery.id;
        rows::move_recovery(rescue.mid, id, from, to, Some(status), reason, self.now())
    }
}
