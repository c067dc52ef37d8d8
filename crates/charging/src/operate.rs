//! Captures, voids and refunds: intent, one call, outcome (M16).

mod end;
mod open;

use domain::attempt::{Attempt, AttemptState};
use domain::declines::Reason;
use domain::money::Money;
use gateways::{GatewayError, OperationFinding, OperationKind, OperationOutcome, OperationRequest};
use storage::operations::{self, Operation};
use storage::{Step, StoreError, Transaction};
use thiserror::Error;
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;

/// Why an operation was not even begun.
#[derive(Debug, Error)]
pub enum OperateError {
    /// The attempt is not approved, or undone already.
    #[error("only an approved payment that was not undone can be captured, voided or refunded")]
    NotApproved,
    /// Another operation of the attempt is under way or in doubt.
    #[error("another capture, void or refund of this payment is still under way")]
    Busy,
    /// More would be given back than was taken.
    #[error("this is more than is left of the payment")]
    TooMuch,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is said of an operation whose gateway is gone.
const UNUSABLE: &str = "Its gateway cannot be used any more.";

impl Charging {
    /// A new operation as a value; its intent is [`operations::insert`].
    pub fn new_operation(
        &self,
        kind: OperationKind,
        attempt: &Attempt,
        amount: Money,
        why: &str,
    ) -> Operation {
        Operation {
            merchant_id: attempt.merchant_id,
            id: self.minter.mint(),
            attempt_id: attempt.id,
            order_id: attempt.order_id,
            kind: kind.as_str().to_owned(),
            amount,
            why: why.to_owned(),
            state: "sending".to_owned(),
            gateway_reference: None,
            code: None,
            text: None,
            created_at: self.minter.now(),
            checks: 0,
            needs_person: false,
        }
    }

    /// Begins and sends an operation: committed intent, one call, outcome.
    pub async fn operate(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        consequences: &dyn Consequences,
    ) -> Result<Operation, OperateError> {
        self.operate_with(operation, attempt, Vec::new(), consequences).await
    }

    /// [`Self::operate`] with steps that commit with the intent, such as who asked for it and why.
    pub async fn operate_with(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        extra: Vec<Step>,
        consequences: &dyn Consequences,
    ) -> Result<Operation, OperateError> {
        let intent = Transaction::new("operation_intent")
            .with_all(operations::insert(operation, self.operation_take_up_at()))
            .with_all(extra);
        match self.store.commit(intent).await {
            Ok(_) => {}
            Err(error) if error.is_conflict_in(operations::NOT_APPROVED) => {
                return Err(OperateError::NotApproved);
            }
            Err(error) if error.is_conflict_in(operations::LIVE_OPERATION_EXISTS) => {
                return Err(OperateError::Busy);
            }
            Err(error) if error.is_conflict_in(operations::MORE_THAN_TAKEN) => {
                return Err(OperateError::TooMuch);
            }
            Err(error) => return Err(error.into()),
        }
        self.send_operation(operation, attempt, consequences, None).await?;
        let stored = self.store.find_operation(operation.merchant_id, operation.id).await?;
        Ok(stored.unwrap_or_else(|| operation.clone()))
    }

    /// Sends operations whose intent was committed with an outcome.
    pub(crate) async fn run_operations(
        &self,
        attempt: &Attempt,
        then: &[Operation],
        consequences: &dyn Consequences,
    ) -> Result<(), StoreError> {
        for operation in then {
            let Some(fresh) = self.store.find_attempt(attempt.merchant_id, attempt.id).await? else {
                continue;
            };
            self.send_operation(operation, &fresh, consequences, None).await?;
        }
        Ok(())
    }

    /// One call, and its outcome. Who sends under a lease keeps it until the call must have ended; who has lost it sends
    /// nothing.
    pub(super) async fn send_operation(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let Some(gateway) = consequences.gateway_of(attempt).await? else {
            return self.doubt_operation(operation, UNUSABLE, true, fence).await;
        };
        let Some(request) = Self::request_of(operation, attempt) else {
            return self.doubt_operation(operation, "Its attempt is not approved.", true, fence).await;
        };
        if let Some(fence) = fence
            && !self.still_holds(operation, fence).await?
        {
            return Ok(());
        }
        match gateway.operate(&request).await {
            Ok(OperationOutcome::Done { reference, text }) => {
                self.finish(operation, attempt, (reference, text), consequences, fence).await
            }
            Ok(OperationOutcome::Refused { code, text }) => {
                self.refused(operation, attempt, (code, text), fence).await
            }
            Err(GatewayError::NotSent(error)) => {
                self.leave_open(operation, &format!("It was not sent: {error}."), false, true, fence).await
            }
            Err(GatewayError::Rejected(rejection)) if rejection.reason == Reason::RateLimited => {
                self.leave_open(operation, &rejection.text, false, true, fence).await
            }
            Err(GatewayError::Rejected(rejection)) => {
                self.refused(operation, attempt, (rejection.code, rejection.text), fence).await
            }
            Err(GatewayError::InDoubt(_, error)) => {
                self.doubt_operation(operation, &format!("The answer was lost: {error}."), false, fence).await
            }
        }
    }

    /// Works on an operation that is due: asks what became of it, and sends it only when it was not done.
    pub(crate) async fn resolve_operation(
        &self,
        operation: &Operation,
        consequences: &dyn Consequences,
        fence: Uuid,
    ) -> Result<(), StoreError> {
        let held = Some(fence);
        let Some(attempt) = self.store.find_attempt(operation.merchant_id, operation.attempt_id).await?
        else {
            return self.doubt_operation(operation, "Its attempt is unknown.", true, held).await;
        };
        let gateway = consequences.gateway_of(&attempt).await?;
        let (Some(gateway), Some(request)) = (gateway, Self::request_of(operation, &attempt)) else {
            return self.doubt_operation(operation, UNUSABLE, true, held).await;
        };
        if operation.code.as_deref() == Some(operations::NOT_SENT) {
            return self.send_operation(operation, &attempt, consequences, held).await;
        }
        match gateway.inquire_operation(&request).await {
            OperationFinding::Done { reference } => {
                self.finish(operation, &attempt, (reference, String::new()), consequences, held).await
            }
            OperationFinding::NotDone => self.send_operation(operation, &attempt, consequences, held).await,
            OperationFinding::Unknown(words) => self.doubt_operation(operation, &words, false, held).await,
        }
    }

    fn request_of(operation: &Operation, attempt: &Attempt) -> Option<OperationRequest> {
        let AttemptState::Approved { approval, .. } = &attempt.state else { return None };
        Some(OperationRequest {
            kind: OperationKind::parse(&operation.kind)?,
            reference: operation.id.base32(),
            idempotency_key: operation.id.uuid(),
            gateway_reference: approval.reference.clone(),
            attempt_reference: attempt.id.base32(),
            amount: operation.amount,
            at: operation.created_at,
        })
    }

    /// Keeps the lease until the call that is about to be made must have ended; false when it has gone to somebody else.
    async fn still_holds(&self, operation: &Operation, fence: Uuid) -> Result<bool, StoreError> {
        let until = self.lease_until();
        let hold = operations::hold(operation.merchant_id, operation.id, fence, until);
        match self.store.commit(Transaction::new("hold_operation").with(hold)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict_in(operations::LEASE_LOST) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
