//! What follows when the driver or a person clears up an attempt: it never makes a sale that nobody was told of (M29).

use std::sync::Arc;

use charging::{Consequence, Consequences};
use domain::attempt::{Attempt, AttemptState, Outcome, RawDecline};
use domain::payment::PaymentState;
use gateways::{Gateway, OperationKind, Reply};
use storage::operations::{self, Operation};
use storage::platform::{self as rows, RecoveryState};
use storage::{Step, StoreError, payments};

use crate::evaluate::answered::DECLINED;
use crate::{Platform, decline, pretend, recovery_of};

/// Why a recovery is doubtful.
pub(crate) const LOST: &str = "An acquirer's answer was lost; an approval that turns up is undone.";
const UNDONE: &str = "An acquirer's answer was lost; it had approved, and that is undone.";

impl Platform {
    fn paying(&self, attempt: &Attempt, state: PaymentState) -> Step {
        payments::set_state(attempt.merchant_id, attempt.payment_id, state, self.now())
    }

    /// Moves the attempt's recovery from a state in which the merchant holds no approval.
    fn closing(&self, attempt: &Attempt, to: RecoveryState, why: &str) -> Step {
        let from = [RecoveryState::Processing, RecoveryState::Doubtful];
        let id = recovery_of(attempt.order_id);
        rows::move_recovery(attempt.merchant_id, id, &from, to, Some(DECLINED), why, self.now())
    }

    /// The merchant was told "declined", or nothing: an approval is voided.
    fn void_late(&self, attempt: &Attempt) -> Consequence {
        let why = "It proved approved after the merchant was told that it is declined.";
        let void = self.charging.new_operation(OperationKind::Void, attempt, attempt.amount, why);
        let mut steps = vec![
            self.paying(attempt, PaymentState::Paid),
            self.closing(attempt, RecoveryState::Doubtful, LOST),
        ];
        steps.extend(operations::insert(&void, self.charging.operation_take_up_at()));
        Consequence { steps, then: vec![void] }
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
        let reversed = || self.paying(attempt, PaymentState::Reversed);
        let moved = |from: &[RecoveryState], to, why| rows::move_recovery(mid, id, from, to, None, why, now);
        let steps = match OperationKind::parse(&operation.kind) {
            Some(OperationKind::Capture) => {
                let why = "The money that was held is captured.";
                vec![moved(&[RecoveryState::CaptureRequired], RecoveryState::Approved, why)]
            }
            Some(OperationKind::Void) => vec![
                reversed(),
                // Approved: a capture and a cancel came at the same time.
                moved(
                    &[RecoveryState::CaptureRequired, RecoveryState::Approved],
                    RecoveryState::Cancelled,
                    "The merchant cancelled; the hold is void.",
                ),
                moved(&[RecoveryState::Doubtful], RecoveryState::Declined, UNDONE),
            ],
            Some(OperationKind::Refund) => {
                let mut steps = vec![rows::refund_recovery(mid, id, operation.amount.minor(), now)];
                if whole {
                    steps.push(reversed());
                }
                steps
            }
            None => Vec::new(),
        };
        Ok(Consequence { steps, then: Vec::new() })
    }
}

impl Consequences for Platform {
    fn settled<'a>(
        &'a self,
        attempt: &'a Attempt,
        outcome: &'a Outcome,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            Ok(match outcome {
                Outcome::Approved(_) => self.void_late(attempt),
                Outcome::Declined(_) | Outcome::NotExecuted(_) => {
                    let mut steps = self.left_behind(attempt, outcome);
                    steps.push(self.paying(attempt, PaymentState::Declined));
                    let why = "An acquirer's answer was lost; it did not charge.";
                    steps.push(self.closing(attempt, RecoveryState::Declined, why));
                    Consequence { steps, then: Vec::new() }
                }
            })
        })
    }

    fn undone<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            let steps = vec![
                self.paying(attempt, PaymentState::Reversed),
                self.closing(attempt, RecoveryState::Declined, UNDONE),
            ];
            Ok(Consequence { steps, then: Vec::new() })
        })
    }

    fn doubted<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            let steps = vec![
                self.paying(attempt, PaymentState::InDoubt),
                self.closing(attempt, RecoveryState::Doubtful, LOST),
            ];
            Ok(Consequence { steps, then: Vec::new() })
        })
    }

    fn operated<'a>(
        &'a self,
        attempt: &'a Attempt,
        operation: &'a Operation,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(self.after_operation(attempt, operation))
    }

    fn gateway_of<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Option<Arc<dyn Gateway>>> {
        Box::pin(async move {
            if attempt.gateway_kind == pretend::KIND {
                let pretend: Arc<dyn Gateway> = Arc::<pretend::PretendAcquirer>::clone(&self.pretend);
                return self.settings.sandbox.then_some(pretend);
            }
            let configuration = self.configuration(attempt.merchant_id).await.ok()??;
            let configured = configuration.gateway(attempt.gateway_id)?;
            self.charging
                .connections
                .gateway(attempt.merchant_id, configuration.version, configured)
                .await
                .ok()
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
