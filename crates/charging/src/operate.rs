//! Captures, voids and refunds: intent, one call, outcome (M16).

use domain::attempt::{Attempt, AttemptState};
use domain::declines::Reason;
use domain::money::Money;
use gateways::{GatewayError, OperationFinding, OperationKind, OperationOutcome, OperationRequest};
use jiff::{SignedDuration, Timestamp};
use storage::operations::{self, Operation, Settled};
use storage::{Step, StoreError, Transaction};
use thiserror::Error;

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

/// How often what waits for a person is still looked at.
const SLOWLY_SECS: i64 = 21_600;
/// Asked again after these many seconds; then a person decides.
const ASK_AFTER_SECS: [i64; 5] = [60, 300, 1_800, 7_200, 43_200];

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

    /// When an operation that is still `sending` is taken up.
    pub fn operation_take_up_at(&self) -> Timestamp {
        later(self.minter.now(), crate::TAKE_UP_AFTER_SECS)
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
        self.send_operation(operation, attempt, consequences).await?;
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
            self.send_operation(operation, &fresh, consequences).await?;
        }
        Ok(())
    }

    async fn send_operation(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        consequences: &dyn Consequences,
    ) -> Result<(), StoreError> {
        let Some(gateway) = consequences.gateway_of(attempt).await else {
            return self.doubt_operation(operation, "Its gateway cannot be used any more.", true).await;
        };
        let Some(request) = Self::request_of(operation, attempt) else {
            return self.doubt_operation(operation, "Its attempt is not approved.", true).await;
        };
        match gateway.operate(&request).await {
            Ok(OperationOutcome::Done { reference, text }) => {
                self.finish(operation, attempt, reference, text, consequences).await
            }
            Ok(OperationOutcome::Refused { code, text }) => {
                self.refused(operation, attempt, code, text).await
            }
            Err(GatewayError::NotSent(error)) => {
                self.leave_open(operation, &format!("It was not sent: {error}."), false, true).await
            }
            Err(GatewayError::Rejected(rejection)) if rejection.reason == Reason::RateLimited => {
                self.leave_open(operation, &rejection.text, false, true).await
            }
            Err(GatewayError::Rejected(rejection)) => {
                self.refused(operation, attempt, rejection.code, rejection.text).await
            }
            Err(GatewayError::InDoubt(_, error)) => {
                self.doubt_operation(operation, &format!("The answer was lost: {error}."), false).await
            }
        }
    }

    /// Works on an operation that is due: asks what became of it, and sends it only when it was not done.
    pub(crate) async fn resolve_operation(
        &self,
        operation: &Operation,
        consequences: &dyn Consequences,
    ) -> Result<(), StoreError> {
        let Some(attempt) = self.store.find_attempt(operation.merchant_id, operation.attempt_id).await?
        else {
            return self.doubt_operation(operation, "Its attempt is unknown.", true).await;
        };
        let gateway = consequences.gateway_of(&attempt).await;
        let (Some(gateway), Some(request)) = (gateway, Self::request_of(operation, &attempt)) else {
            return self.doubt_operation(operation, "Its gateway cannot be used any more.", true).await;
        };
        if operation.code.as_deref() == Some(operations::NOT_SENT) {
            return self.send_operation(operation, &attempt, consequences).await;
        }
        match gateway.inquire_operation(&request).await {
            OperationFinding::Done { reference } => {
                self.finish(operation, &attempt, reference, String::new(), consequences).await
            }
            OperationFinding::NotDone => self.send_operation(operation, &attempt, consequences).await,
            OperationFinding::Unknown(words) => self.doubt_operation(operation, &words, false).await,
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

    async fn finish(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        reference: String,
        text: String,
        consequences: &dyn Consequences,
    ) -> Result<(), StoreError> {
        let transaction = self.done(operation, attempt, reference, text, consequences).await?;
        self.store.commit(transaction).await.map(|_| ())
    }

    /// The end of an operation that was done, with everything that follows.
    async fn done(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        reference: String,
        text: String,
        consequences: &dyn Consequences,
    ) -> Result<Transaction, StoreError> {
        let at = self.minter.now();
        let settled =
            Settled { state: "done", gateway_reference: Some(reference), code: None, text: Some(text) };
        let mut transaction = Transaction::new("operation_done").with(operations::settle(
            operation.merchant_id,
            operation.id,
            &settled,
            at,
        ));
        if self.undoes(operation, attempt).await? {
            transaction = transaction.with(storage::attempts::reverse(attempt.merchant_id, attempt.id, at));
        }
        let consequence = consequences.operated(attempt, operation).await?;
        Ok(transaction.with_all(consequence.steps))
    }

    /// Whether with this operation everything that was taken has been given back.
    async fn undoes(&self, operation: &Operation, attempt: &Attempt) -> Result<bool, StoreError> {
        let AttemptState::Approved { approval, reversed_at: None, .. } = &attempt.state else {
            return Ok(false);
        };
        if operation.kind == OperationKind::Capture.as_str() {
            return Ok(false);
        }
        let others = self.store.list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let given_back = others
            .iter()
            .filter(|other| other.attempt_id == attempt.id && other.id != operation.id)
            .filter(|other| other.state == "done" && other.kind != OperationKind::Capture.as_str())
            .fold(operation.amount.minor(), |sum, other| sum.saturating_add(other.amount.minor()));
        Ok(given_back >= approval.amount.minor())
    }

    async fn refused(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        code: String,
        text: String,
    ) -> Result<(), StoreError> {
        let at = self.minter.now();
        let alert = storage::alerts::Alert {
            merchant_id: operation.merchant_id,
            id: self.minter.mint(),
            kind: "operation_refused".to_owned(),
            order_id: Some(operation.order_id),
            attempt_id: Some(attempt.id),
            words: format!("The gateway refused the {} of {}: {text}", operation.kind, operation.amount),
            created_at: at,
        };
        let settled =
            Settled { state: "refused", gateway_reference: None, code: Some(code), text: Some(text) };
        let mut transaction = Transaction::new("operation_refused")
            .with(operations::settle(operation.merchant_id, operation.id, &settled, at))
            .with(storage::alerts::insert(&alert));
        if operation.kind == OperationKind::Void.as_str() {
            // Too late for a void: the money has settled, so it is refunded (M17). The driver sends it.
            let why = format!("Refund, as the void was refused. {}", operation.why);
            let refund = self.new_operation(OperationKind::Refund, attempt, operation.amount, &why);
            transaction = transaction.with_all(operations::insert(&refund, at));
        }
        self.store.commit(transaction).await.map(|_| ())
    }

    /// A person's finding about an operation in doubt: done, with the gateway's id, or not done.
    pub async fn resolve_operation_by_person(
        &self,
        operation: &Operation,
        done: Option<&str>,
        extra: Vec<Step>,
        consequences: &dyn Consequences,
    ) -> Result<(), StoreError> {
        let at = self.minter.now();
        let Some(reference) = done else {
            let settled = Settled { state: "not_executed", gateway_reference: None, code: None, text: None };
            let transaction = Transaction::new("operation_not_done")
                .with(operations::settle(operation.merchant_id, operation.id, &settled, at))
                .with_all(extra);
            return self.store.commit(transaction).await.map(|_| ());
        };
        let found = self.store.find_attempt(operation.merchant_id, operation.attempt_id).await?;
        let unknown = || StoreError::Inconsistent {
            table: "operations",
            column: "attempt_id",
            id: operation.id.to_string(),
        };
        let attempt = found.ok_or_else(unknown)?;
        let words = "A person has seen it at the gateway.".to_owned();
        let transaction =
            self.done(operation, &attempt, reference.to_owned(), words, consequences).await?.with_all(extra);
        self.store.commit(transaction).await.map(|_| ())
    }

    async fn doubt_operation(
        &self,
        operation: &Operation,
        words: &str,
        person: bool,
    ) -> Result<(), StoreError> {
        self.leave_open(operation, words, person, false).await
    }

    /// Leaves an operation in doubt. After the ladder a person is called, and it is still looked at now and then: what
    /// stood in the way may pass.
    async fn leave_open(
        &self,
        operation: &Operation,
        words: &str,
        person: bool,
        not_sent: bool,
    ) -> Result<(), StoreError> {
        let step =
            usize::try_from(operation.checks).ok().and_then(|place| ASK_AFTER_SECS.get(place).copied());
        let needs_person = person || step.is_none() || operation.needs_person;
        let wait = if needs_person { SLOWLY_SECS } else { step.unwrap_or(SLOWLY_SECS) };
        let known = operations::Doubtful {
            text: words.to_owned(),
            checks: operation.checks.saturating_add(1),
            next_check_at: Some(later(self.minter.now(), wait)),
            needs_person,
            not_sent,
        };
        let mut transaction = Transaction::new("operation_doubt").with(operations::doubt(
            operation.merchant_id,
            operation.id,
            &known,
        ));
        if needs_person && !operation.needs_person {
            transaction = transaction.with(storage::alerts::insert(&storage::alerts::Alert {
                merchant_id: operation.merchant_id,
                id: self.minter.mint(),
                kind: "operation_needs_person".to_owned(),
                order_id: Some(operation.order_id),
                attempt_id: Some(operation.attempt_id),
                words: format!(
                    "Nobody knows whether the {} of {} was done. {words} Look it up at the gateway, then run `recoup resolve operation {}`.",
                    operation.kind, operation.amount, operation.id
                ),
                created_at: self.minter.now(),
            }));
        }
        self.store.commit(transaction).await.map(|_| ())
    }
}

fn later(from: Timestamp, secs: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}
