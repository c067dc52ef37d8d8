//! Captures, voids and refunds: intent, one call, outcome (M16).

mod end;
mod open;
pub(crate) mod undo;

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState};
use domain::declines::Reason;
use domain::money::Money;
use gateways::{Gateway, GatewayError, OperationFinding, OperationKind, OperationOutcome, OperationRequest};
use jiff::Timestamp;
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

/// A request that is about to be sent, and what its answer is about.
pub(crate) struct Call<'a> {
    /// Its intent is committed.
    pub(crate) operation: &'a Operation,
    /// What it is about.
    pub(crate) attempt: &'a Attempt,
    /// The request.
    pub(crate) request: OperationRequest,
    /// Who is asked.
    pub(crate) gateway: Arc<dyn Gateway>,
    /// Tells what follows when the attempt is approved.
    pub(crate) consequences: Option<&'a dyn Consequences>,
    /// When a refund that takes the place of a refused void is due.
    pub(crate) refund_at: Timestamp,
    /// The lease under which it is sent, if it is.
    pub(crate) fence: Option<Uuid>,
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
        let now = self.minter.now();
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
            created_at: now,
            sent_at: now,
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
        let Some(request) = self.request_of(operation, attempt).await? else {
            return self.doubt_operation(operation, "Its attempt is not approved.", true, fence).await;
        };
        if let Some(fence) = fence
            && !self.still_holds(operation, fence).await?
        {
            return Ok(());
        }
        let refund_at = self.minter.now();
        let call =
            Call { operation, attempt, request, gateway, consequences: Some(consequences), refund_at, fence };
        // The refund that follows a refused void is due now: the driver sends it.
        self.call_operation(&call).await.map(|_| ())
    }

    /// One call, and its outcome; the refund that takes the place of a refused void, if one does.
    pub(crate) async fn call_operation(&self, call: &Call<'_>) -> Result<Option<Operation>, StoreError> {
        let (operation, fence) = (call.operation, call.fence);
        let age_secs = self.minter.now().duration_since(operation.sent_at).as_secs();
        if fence.is_none() && age_secs >= self.take_up_after_secs() {
            // A machine that slept: the driver may have found it not done and sent it (M16).
            tracing::warn!(operation.id = %operation.id, "Operation {} was held up and is the driver's", operation.id);
            return Ok(None);
        }
        self.memory.take_unsent(operation.id);
        match call.gateway.operate(&call.request).await {
            Ok(OperationOutcome::Done { reference, text }) => {
                self.finish(operation, call.attempt, (reference, text), call.consequences, fence).await?;
            }
            Ok(OperationOutcome::Refused { code, text }) => return self.call_refused(call, code, text).await,
            Err(GatewayError::NotSent(error)) => {
                self.leave_open(operation, &format!("It was not sent: {error}."), false, true, fence).await?;
            }
            Err(GatewayError::Rejected(rejection)) if rejection.reason == Reason::RateLimited => {
                self.leave_open(operation, &rejection.text, false, true, fence).await?;
            }
            Err(GatewayError::Rejected(rejection)) => {
                return self.call_refused(call, rejection.code, rejection.text).await;
            }
            Err(GatewayError::InDoubt(_, error)) => {
                let words = format!("The answer was lost: {error}.");
                self.doubt_operation(operation, &words, false, fence).await?;
            }
        }
        Ok(None)
    }

    /// A void may be refused because an earlier one was done unseen: the gateway is asked before it is refunded, so that
    /// the two never both happen (M16). A capture that is sent again may be refused for the same reason.
    async fn call_refused(
        &self,
        call: &Call<'_>,
        code: String,
        text: String,
    ) -> Result<Option<Operation>, StoreError> {
        let (operation, attempt, fence) = (call.operation, call.attempt, call.fence);
        let is_again = fence.is_some();
        if call.request.kind == OperationKind::Void
            || (call.request.kind == OperationKind::Capture && is_again)
        {
            match call.gateway.inquire_operation(&call.request).await {
                OperationFinding::NotDone => {}
                OperationFinding::Done { reference } => {
                    self.finish(operation, attempt, (reference, text), call.consequences, fence).await?;
                    return Ok(None);
                }
                OperationFinding::Unknown(words) => {
                    let words = format!("The gateway refused it ({text}), and cannot say why: {words}");
                    self.doubt_operation(operation, &words, false, fence).await?;
                    return Ok(None);
                }
            }
        }
        self.refused(operation, attempt, (code, text), call.refund_at, fence).await
    }

    /// Works on an operation that is due: asks what became of it, and sends it only when it was not done. That its last
    /// request never left is believed only of this process: a restored backup may be older than the next one (M31).
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
        let (Some(gateway), Some(request)) = (gateway, self.request_of(operation, &attempt).await?) else {
            return self.doubt_operation(operation, UNUSABLE, true, held).await;
        };
        let never_left =
            self.memory.take_unsent(operation.id) && operation.code.as_deref() == Some(operations::NOT_SENT);
        let found =
            if never_left { OperationFinding::NotDone } else { gateway.inquire_operation(&request).await };
        match found {
            OperationFinding::Done { reference } => {
                let said = (reference, String::new());
                self.finish(operation, &attempt, said, Some(consequences), held).await?;
            }
            // What it was to give back has ended as not taken: nothing is sent on our own any more.
            OperationFinding::NotDone if !attempt.state.is_live() => {
                self.doubt_operation(operation, "Its attempt has ended otherwise.", true, held).await?;
            }
            OperationFinding::NotDone => {
                self.send_operation(operation, &attempt, consequences, held).await?;
            }
            OperationFinding::Unknown(words) => {
                self.doubt_operation(operation, &words, false, held).await?;
            }
        }
        self.end_undone(operation, &attempt, consequences).await
    }

    /// The request of an operation; none when the gateway's id of what it is about is not known.
    pub(crate) async fn request_of(
        &self,
        operation: &Operation,
        attempt: &Attempt,
    ) -> Result<Option<OperationRequest>, StoreError> {
        let reference = match &attempt.state {
            AttemptState::Approved { approval, .. } => Some(approval.reference.clone()),
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. } => {
                self.store.find_fence_facts(attempt.merchant_id, attempt.id).await?.1
            }
        };
        Ok(reference.and_then(|reference| request_as(operation, attempt, &reference)))
    }

    /// Keeps the lease until the call that is about to be made must have ended; false when it has gone to somebody else.
    async fn still_holds(&self, operation: &Operation, fence: Uuid) -> Result<bool, StoreError> {
        let until = self.lease_until();
        let hold = operations::hold(operation.merchant_id, operation.id, fence, until, self.minter.now());
        match self.store.commit(Transaction::new("hold_operation").with(hold)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict_in(operations::LEASE_LOST) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The request of an operation on what the gateway knows under this id.
fn request_as(operation: &Operation, attempt: &Attempt, gateway_reference: &str) -> Option<OperationRequest> {
    Some(OperationRequest {
        kind: OperationKind::parse(&operation.kind)?,
        reference: operation.id.base32(),
        idempotency_key: operation.id.uuid(),
        gateway_reference: gateway_reference.to_owned(),
        attempt_reference: attempt.id.base32(),
        amount: operation.amount,
        at: operation.sent_at,
    })
}
