//! Less was taken than was asked for: it is given back, and then the attempt was a lack of funds (M14, M16).
//!
//! A void first; a refund when the void is refused because the money has settled. Both are operations with a committed
//! intent, so a crash at any point leaves a row that says what may have been done, and it is asked about before anything
//! is sent again. The attempt stays in doubt until one of them is done, and a person is called when neither can be.

use std::sync::Arc;

use domain::attempt::{Approval, Attempt, AttemptState, Doubt, Outcome};
use domain::doubt::PERSON_AFTER_SECS;
use gateways::{Gateway, OperationKind};
use storage::attempts::InDoubt;
use storage::operations::{self, Operation};
use storage::{StoreError, Transaction, attempts};
use uuid::Uuid;

use super::{Call, request_as};
use crate::Charging;
use crate::consequences::Consequences;
use crate::send::{Answer, partial_decline, unconfirmed};

/// How far the giving back of an attempt in doubt has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undoing {
    /// Nothing was begun, or a person found that nothing was done: this comes next.
    Next(OperationKind),
    /// Under way or in doubt.
    UnderWay,
    /// Done by this operation.
    Done(Box<Operation>),
    /// Void and refund were refused.
    Refused,
}

impl Undoing {
    fn of(operations: &[Operation], attempt: &Attempt, first: OperationKind) -> Self {
        let ours = || {
            let about = operations.iter().filter(|one| one.attempt_id == attempt.id);
            about.filter(|one| one.kind != OperationKind::Capture.as_str())
        };
        let refused =
            |kind: OperationKind| ours().any(|one| one.kind == kind.as_str() && one.state == "refused");
        if let Some(done) = ours().find(|one| one.state == "done") {
            Self::Done(Box::new(done.clone()))
        } else if ours().any(|one| matches!(one.state.as_str(), "sending" | "in_doubt")) {
            Self::UnderWay
        } else if refused(OperationKind::Refund) {
            Self::Refused
        } else if refused(OperationKind::Void) {
            Self::Next(OperationKind::Refund)
        } else {
            Self::Next(first)
        }
    }
}

impl Charging {
    /// How far the giving back of an attempt has come; `first` is what begins it.
    pub(crate) async fn undoing(
        &self,
        attempt: &Attempt,
        first: OperationKind,
    ) -> Result<Undoing, StoreError> {
        let all = self.store.list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        Ok(Undoing::of(&all, attempt, first))
    }

    /// Less than asked was approved: it is given back, and counts as a lack of funds once that is confirmed (M14).
    pub(crate) async fn undo_partial(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        approval: &Approval,
        fence: Option<Uuid>,
    ) -> Answer {
        match self.give_back(gateway, attempt, approval, fence).await {
            Ok(Undoing::Done(_)) => Answer::Declined(partial_decline(approval)),
            Ok(Undoing::Refused) => unconfirmed(Doubt::Partial, approval, refused_words(approval)),
            Ok(Undoing::UnderWay | Undoing::Next(_)) => {
                unconfirmed(Doubt::Partial, approval, open_words(approval))
            }
            Err(error) => {
                tracing::error!(attempt.id = %attempt.id, error = %error, "Attempt {} could not be undone now", attempt.id);
                unconfirmed(Doubt::Partial, approval, open_words(approval))
            }
        }
    }

    async fn give_back(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        approval: &Approval,
        fence: Option<Uuid>,
    ) -> Result<Undoing, StoreError> {
        let first = if gateway.capabilities().void { OperationKind::Void } else { OperationKind::Refund };
        let Undoing::Next(kind) = self.undoing(attempt, first).await? else {
            return self.undoing(attempt, first).await;
        };
        let why = format!("Only {} of {} was approved.", approval.amount, attempt.amount);
        let mut operation = self.new_operation(kind, attempt, approval.amount, &why);
        let known = InDoubt {
            doubt: Doubt::Partial,
            since: self.minter.now(),
            gateway_reference: Some(approval.reference.clone()),
            text: Some(open_words(approval)),
            checks: attempt.checks,
            next_check_at: Some(self.operation_take_up_at()),
            fence_unknown_at: None,
            needs_person: attempt.needs_person,
        };
        let intent = Transaction::new("undo_partial")
            .with(attempts::doubt(attempt.merchant_id, attempt.id, &known, fence))
            .with_all(operations::undo(&operation, self.operation_take_up_at()));
        match self.store.commit(intent).await {
            Ok(_) => {}
            // Settled otherwise, in other hands, or begun by somebody else: nothing is sent from here.
            Err(StoreError::Conflict { .. }) => return Ok(Undoing::UnderWay),
            Err(error) => return Err(error),
        }
        while let Some(request) = request_as(&operation, attempt, &approval.reference) {
            let call = Call {
                operation: &operation,
                attempt,
                request,
                gateway: Arc::clone(gateway),
                consequences: None,
                refund_at: self.operation_take_up_at(),
                fence: None,
            };
            match self.call_operation(&call).await? {
                Some(refund) => operation = refund,
                None => break,
            }
        }
        self.undoing(attempt, first).await
    }

    /// What an attempt in doubt took was given back by this operation: it ends as a lack of funds, with everything that
    /// follows. Nothing happens when the operation is not done, or the attempt has ended.
    pub(super) async fn end_undone(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        consequences: &dyn Consequences,
    ) -> Result<(), StoreError> {
        if !attempt.state.is_open() || operation.kind == OperationKind::Capture.as_str() {
            return Ok(());
        }
        let stored = self.store.find_operation(operation.merchant_id, operation.id).await?;
        let Some(done) = stored.filter(|one| one.state == "done") else { return Ok(()) };
        // In other hands now: they find the operation done and end it.
        self.end(attempt, self.undone_outcome(attempt, &done, consequences).await?, consequences, None)
            .await
            .map(|_| ())
    }

    /// Whether what an open attempt took is being given back, or was.
    pub(crate) async fn is_given_back(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        Ok(match self.undoing(attempt, OperationKind::Void).await? {
            Undoing::UnderWay | Undoing::Done(_) => true,
            Undoing::Next(_) | Undoing::Refused => false,
        })
    }

    /// How an attempt ends whose money was given back by this operation.
    pub(crate) async fn undone_outcome(
        &self,
        attempt: &Attempt,
        operation: &Operation,
        consequences: &dyn Consequences,
    ) -> Result<Outcome, StoreError> {
        let (_, reference) = self.store.find_fence_facts(attempt.merchant_id, attempt.id).await?;
        let approval = Approval {
            reference: reference.unwrap_or_default(),
            auth_code: String::new(),
            avs: String::new(),
            cvv: String::new(),
            text: String::new(),
            amount: operation.amount,
        };
        consequences.read_decline(attempt, partial_decline(&approval)).await
    }

    /// Whether an attempt has been in doubt for so long that a person is called (M14).
    pub(crate) fn is_old_doubt(&self, attempt: &Attempt) -> bool {
        match attempt.state {
            AttemptState::InDoubt { since, .. } => {
                self.minter.now().duration_since(since).as_secs() >= PERSON_AFTER_SECS
            }
            AttemptState::Sending
            | AttemptState::Pending { .. }
            | AttemptState::Approved { .. }
            | AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. } => false,
        }
    }
}

fn open_words(approval: &Approval) -> String {
    format!("Only {} was approved; that it was given back is not confirmed yet.", approval.amount)
}

fn refused_words(approval: &Approval) -> String {
    format!("Only {} was approved, and the gateway refused to give it back.", approval.amount)
}
