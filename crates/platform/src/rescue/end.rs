//! How a rescue ends: each end is one transaction with the outcome of its last attempt.

use charging::{Consequence, Recorded};
use domain::attempt::{Attempt, Outcome, Purpose};
use domain::ids::MerchantId;
use domain::payment::PaymentState;
use gateways::OperationKind;
use jiff::{SignedDuration, Timestamp};
use storage::attempts::InDoubt;
use storage::platform::{self as rows, Move, Recovery, RecoveryState};
use storage::{Step, StoreError, Transaction, operations, payments};

use crate::Platform;
use crate::evaluate::answered;
use crate::rescue::{Begun, Rescue};

/// States in which the merchant waits for the answer to its evaluate, or was told "declined" for a doubt.
const UNANSWERED: [RecoveryState; 2] = [RecoveryState::Processing, RecoveryState::Doubtful];
/// States in which an attempt of ours may approve.
const ASKING: [RecoveryState; 2] = [RecoveryState::Processing, RecoveryState::Open];
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
        let email = rescue.contact.email;
        let recovery = Recovery {
            state,
            answered: Some(status.to_owned()),
            reason: reason.to_owned(),
            payment_id: None,
            due_at: None,
            ..rescue.recovery
        };
        let mut transaction = Transaction::new("answer_at_once");
        if state != RecoveryState::Declined {
            transaction =
                transaction.with(rows::enter_order(recovery.merchant_id, &recovery.external_order_id));
        }
        match self.store().commit(transaction.with(rows::insert_recovery(&recovery, &email))).await {
            Ok(_) => Ok(Begun::Answered(Box::new(recovery))),
            Err(error) if error.is_conflict_in(rows::RECOVERY_EXISTS) => Ok(Begun::Elsewhere),
            Err(error) if error.is_conflict_in(rows::CANCELLED_BEFORE) => {
                self.store_cancelled(recovery, &email).await
            }
            Err(error) => Err(error),
        }
    }

    /// A cancel came first: nothing is charged for this order, ever (M8).
    pub(crate) async fn refuse_cancelled(&self, rescue: Rescue) -> Result<Begun, StoreError> {
        self.store_cancelled(rescue.recovery, &rescue.contact.email).await
    }

    async fn store_cancelled(&self, recovery: Recovery, email: &str) -> Result<Begun, StoreError> {
        let recovery = Recovery {
            state: RecoveryState::Declined,
            answered: Some(answered::DECLINED.to_owned()),
            reason: CANCELLED.to_owned(),
            payment_id: None,
            due_at: None,
            ..recovery
        };
        let transaction = Transaction::new("refuse_cancelled").with(rows::insert_recovery(&recovery, email));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(Begun::Answered(Box::new(recovery))),
            Err(error) if error.is_conflict_in(rows::RECOVERY_EXISTS) => Ok(Begun::Elsewhere),
            Err(error) => Err(error),
        }
    }

    /// Approved: told so, unless the merchant has cancelled meanwhile, or it has ended otherwise; then it is voided.
    pub(crate) async fn approved(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<Recovery, StoreError> {
        let consequence = self.success(&rescue.recovery, attempt).await?;
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

    /// What follows from an approval in time; a conflict when the order was cancelled, or the recovery has ended.
    pub(crate) async fn success(
        &self,
        recovery: &Recovery,
        attempt: &Attempt,
    ) -> Result<Consequence, StoreError> {
        let mid = recovery.merchant_id;
        let (to, status, reason) = match attempt.purpose {
            Purpose::Collect => (RecoveryState::Approved, answered::APPROVED, "An acquirer approved it."),
            Purpose::Hold => {
                (RecoveryState::CaptureRequired, answered::CAPTURE_REQUIRED, "An acquirer holds the money.")
            }
        };
        let due_at = match attempt.purpose {
            Purpose::Collect => None,
            Purpose::Hold => Some(self.capture_ends_at(mid).await?),
        };
        let way = Move { from: &ASKING, to, answered: Some(status), reason, due_at };
        let mut steps = vec![
            rows::enter_order(mid, &recovery.external_order_id),
            self.paying(attempt, PaymentState::Paid),
        ];
        steps.extend(self.must_move(mid, recovery.id, way));
        Ok(Consequence { steps, then: Vec::new() })
    }

    /// When a hold of now is voided unless it is captured.
    async fn capture_ends_at(&self, mid: MerchantId) -> Result<Timestamp, StoreError> {
        let account = self.store().find_platform_account(mid).await?;
        let secs = account.map_or(0, |account| account.capture_window_secs);
        Ok(self.now().saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX))
    }

    /// The void's intent commits with the approval and is due at once: the driver sends it.
    async fn approved_too_late(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        outcome: &Outcome,
        to: RecoveryState,
        why: &str,
    ) -> Result<(), StoreError> {
        let void = self.charging.new_operation(OperationKind::Void, attempt, attempt.amount, why);
        let cancelled = [RecoveryState::Processing, RecoveryState::Doubtful, RecoveryState::Open];
        let from: &[RecoveryState] = if to == RecoveryState::Cancelled { &cancelled } else { &UNANSWERED };
        let way = Move { from, to, answered: Some(answered::DECLINED), reason: why, due_at: None };
        let mut steps = vec![self.paying(attempt, PaymentState::Paid)];
        steps.extend(self.moves(rescue.mid, rescue.recovery.id, way));
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
        steps.push(self.paying(attempt, PaymentState::Declined));
        if rescue.is_managed() {
            steps.extend(self.after_refusal(&rescue.recovery, attempt, outcome, why).await?);
        } else {
            let (from, to) = (&UNANSWERED, RecoveryState::Declined);
            let way = Move { from, to, answered: Some(answered::DECLINED), reason: why, due_at: None };
            steps.extend(self.moves(rescue.mid, rescue.recovery.id, way));
        }
        let consequence = Consequence { steps, then: Vec::new() };
        self.charging.record(attempt, outcome, &consequence, None).await?;
        self.as_stored(rescue).await
    }

    /// An answer was lost: the routes end, the merchant is told "declined", and an approval is undone later (M29). A
    /// managed recovery stays open instead: nobody was told anything.
    pub(crate) async fn doubtful(
        &self,
        rescue: &Rescue,
        attempt: &Attempt,
        known: &InDoubt,
    ) -> Result<Recovery, StoreError> {
        let consequence = self.doubt(&rescue.recovery, attempt);
        self.charging.record_doubt(attempt, known, &consequence, None).await?;
        self.as_stored(rescue).await
    }

    /// What follows from a doubt.
    pub(crate) fn doubt(&self, recovery: &Recovery, attempt: &Attempt) -> Consequence {
        let way = if recovery.managed.is_some() {
            let (from, to): (&[RecoveryState], _) = (&[RecoveryState::Open], RecoveryState::Open);
            let reason = "An acquirer's answer was lost; it is being asked about.";
            Move { from, to, answered: None, reason, due_at: None }
        } else {
            let (from, to) = (&UNANSWERED, RecoveryState::Doubtful);
            Move {
                from,
                to,
                answered: Some(answered::DECLINED),
                reason: crate::aftermath::LOST,
                due_at: None,
            }
        };
        let mut steps = vec![self.paying(attempt, PaymentState::InDoubt)];
        steps.extend(self.moves(recovery.merchant_id, recovery.id, way));
        Consequence { steps, then: Vec::new() }
    }

    pub(crate) fn paying(&self, attempt: &Attempt, state: PaymentState) -> Step {
        payments::set_state(attempt.merchant_id, attempt.payment_id, state, self.now())
    }
}
