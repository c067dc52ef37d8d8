//! What follows when the driver or a person clears up an attempt: it never makes a sale that nobody was told of (M29).

use std::sync::Arc;

use charging::{Consequence, Consequences, NoGateway};
use domain::attempt::{Attempt, AttemptState, Outcome, RawDecline};
use domain::payment::PaymentState;
use gateways::{Gateway, OperationKind, Reply};
use storage::operations::{self, Operation};
use storage::platform::{self as rows, Move, Recovery, RecoveryState};
use storage::{Step, StoreError};

use crate::evaluate::answered::DECLINED;
use crate::{Platform, decline, pretend, recovery_of};

/// Why a recovery is doubtful.
pub(crate) const LOST: &str = "An acquirer's answer was lost; an approval that turns up is undone.";
const UNDONE: &str = "An acquirer's answer was lost; it had approved, and that is undone.";

impl Platform {
    /// Moves the attempt's recovery from a state in which the merchant holds no approval.
    fn closing(&self, attempt: &Attempt, to: RecoveryState, why: &str) -> Vec<Step> {
        let from = &[RecoveryState::Processing, RecoveryState::Doubtful];
        let way = Move { from, to, answered: Some(DECLINED), reason: why, due_at: None };
        self.moves(attempt.merchant_id, recovery_of(attempt.order_id), way)
    }

    /// The merchant was told "declined", or nothing: an approval is voided.
    fn void_late(&self, attempt: &Attempt) -> Consequence {
        let why = "It proved approved after the merchant was told that it is declined.";
        let void = self.charging.new_operation(OperationKind::Void, attempt, attempt.amount, why);
        let mut steps = vec![self.paying(attempt, PaymentState::Paid)];
        steps.extend(self.closing(attempt, RecoveryState::Doubtful, LOST));
        steps.extend(operations::insert(&void, self.charging.operation_take_up_at()));
        Consequence { steps, then: vec![void] }
    }

    async fn recovery(&self, attempt: &Attempt) -> Result<Option<Recovery>, StoreError> {
        self.store().find_recovery(attempt.merchant_id, recovery_of(attempt.order_id)).await
    }

    async fn after_settling(&self, attempt: &Attempt, outcome: &Outcome) -> Result<Consequence, StoreError> {
        let managed = self.recovery(attempt).await?.filter(|one| one.managed.is_some());
        if let Outcome::Approved(_) = outcome {
            let Some(recovery) = managed else { return Ok(self.void_late(attempt)) };
            return self.approved_after_all(&recovery, attempt).await;
        }
        let mut steps = self.left_behind(attempt, outcome);
        steps.push(self.paying(attempt, PaymentState::Declined));
        let why = "An acquirer's answer was lost; it did not charge.";
        match managed {
            Some(recovery) => steps.extend(self.after_refusal(&recovery, attempt, outcome, why).await?),
            None => steps.extend(self.closing(attempt, RecoveryState::Declined, why)),
        }
        Ok(Consequence { steps, then: Vec::new() })
    }

    /// An open managed recovery is simply approved: nobody was told anything else. One that was cancelled or has ended
    /// is voided.
    async fn approved_after_all(
        &self,
        recovery: &Recovery,
        attempt: &Attempt,
    ) -> Result<Consequence, StoreError> {
        let (mid, external) = (recovery.merchant_id, &recovery.external_order_id);
        let is_fenced = self.store().find_order_fence(mid, external).await?.is_some();
        if recovery.state == RecoveryState::Open && !is_fenced {
            return self.success(recovery, attempt).await;
        }
        let mut consequence = self.void_late(attempt);
        if is_fenced {
            let (from, to) = (&[RecoveryState::Open], RecoveryState::Cancelled);
            let reason = "The merchant cancelled the order while its acquirer was being asked.";
            let way = Move { from, to, answered: None, reason, due_at: None };
            consequence.steps.extend(self.moves(mid, recovery.id, way));
        }
        Ok(consequence)
    }

    async fn after_doubt(&self, attempt: &Attempt) -> Result<Consequence, StoreError> {
        match self.recovery(attempt).await? {
            Some(recovery) => Ok(self.doubt(&recovery, attempt)),
            None => Ok(Consequence::default()),
        }
    }

    async fn after_undoing(&self, attempt: &Attempt) -> Result<Consequence, StoreError> {
        let mut steps = vec![self.paying(attempt, PaymentState::Reversed)];
        steps.extend(self.closing(attempt, RecoveryState::Declined, UNDONE));
        if let Some(recovery) = self.recovery(attempt).await?.filter(|one| one.managed.is_some()) {
            steps.extend(self.closing_steps(&recovery, RecoveryState::Declined, UNDONE));
        }
        Ok(Consequence { steps, then: Vec::new() })
    }

    /// Whether everything that was taken is given back with this operation.
    async fn is_whole(&self, attempt: &Attempt, operation: &Operation) -> Result<bool, StoreError> {
        let AttemptState::Approved { approval, .. } = &attempt.state else { return Ok(false) };
        let all = self.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let given_back = all
            .iter()
            .filter(|one| one.attempt_id == attempt.id && one.id != operation.id && one.state == "done")
            .filter(|one| one.kind != OperationKind::Capture.as_str())
            .fold(operation.amount.minor(), |sum, one| sum.saturating_add(one.amount.minor()));
        Ok(given_back >= approval.amount.minor())
    }

    async fn after_operation(
        &self,
        attempt: &Attempt,
        operation: &Operation,
    ) -> Result<Consequence, StoreError> {
        let (mid, id, now) = (attempt.merchant_id, recovery_of(attempt.order_id), self.now());
        let whole = self.is_whole(attempt, operation).await?;
        let moved = |from: &[RecoveryState], to, reason| {
            self.moves(mid, id, Move { from, to, answered: None, reason, due_at: None })
        };
        let mut steps = Vec::new();
        match OperationKind::parse(&operation.kind) {
            Some(OperationKind::Capture) => {
                let why = "The money that was held is captured.";
                steps.extend(moved(&[RecoveryState::CaptureRequired], RecoveryState::Approved, why));
            }
            Some(OperationKind::Void) => {
                steps.push(self.paying(attempt, PaymentState::Reversed));
                // Approved: a capture and a cancel came at the same time.
                let held = [RecoveryState::CaptureRequired, RecoveryState::Approved];
                steps.extend(moved(&held, RecoveryState::Cancelled, &operation.why));
                steps.extend(moved(&[RecoveryState::Doubtful], RecoveryState::Declined, UNDONE));
            }
            Some(OperationKind::Refund) => {
                let recovery = self.recovery(attempt).await?;
                steps.push(rows::refund_recovery(mid, id, operation.amount.minor(), now));
                if recovery.is_some_and(|one| one.state == RecoveryState::Approved) {
                    steps.push(self.tell_refund(attempt, operation));
                }
                if whole {
                    steps.push(self.paying(attempt, PaymentState::Reversed));
                    steps.extend(moved(&[RecoveryState::Doubtful], RecoveryState::Declined, UNDONE));
                }
            }
            None => {}
        }
        Ok(Consequence { steps, then: Vec::new() })
    }
}

impl Consequences for Platform {
    fn settled<'a>(
        &'a self,
        attempt: &'a Attempt,
        outcome: &'a Outcome,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(self.after_settling(attempt, outcome))
    }

    fn undone<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(self.after_undoing(attempt))
    }

    fn doubted<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(self.after_doubt(attempt))
    }

    fn operated<'a>(
        &'a self,
        attempt: &'a Attempt,
        operation: &'a Operation,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(self.after_operation(attempt, operation))
    }

    fn gateway_of<'a>(
        &'a self,
        attempt: &'a Attempt,
    ) -> Reply<'a, Result<Option<Arc<dyn Gateway>>, StoreError>> {
        Box::pin(async move {
            if attempt.gateway_kind == pretend::KIND {
                let pretend: Arc<dyn Gateway> = Arc::<pretend::PretendAcquirer>::clone(&self.pretend);
                return Ok(self.settings.sandbox.then_some(pretend));
            }
            let Some(configuration) = self.configuration(attempt.merchant_id).await? else { return Ok(None) };
            let Some(configured) = configuration.gateway(attempt.gateway_id) else { return Ok(None) };
            let connections = &self.charging.connections;
            match connections.gateway(attempt.merchant_id, configuration.version, configured).await {
                Ok(live) => Ok(Some(live)),
                Err(NoGateway::Store(error)) => Err(error),
                Err(NoGateway::Settings(_) | NoGateway::Vault(_) | NoGateway::MovableClock) => Ok(None),
            }
        })
    }

    fn read_decline<'a>(
        &'a self,
        attempt: &'a Attempt,
        raw: RawDecline,
    ) -> Reply<'a, Result<Outcome, StoreError>> {
        Box::pin(async move {
            let card = self.store().find_card(attempt.merchant_id, attempt.card_id).await?;
            let brand = card.map(|card| card.shown.brand).unwrap_or_default();
            Ok(decline::read(attempt, &brand, raw))
        })
    }
}
