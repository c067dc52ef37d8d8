//! How a capture, void or refund ends: done, refused, or as a person found it.

use domain::attempt::{Attempt, AttemptState};
use gateways::OperationKind;
use jiff::Timestamp;
use storage::operations::{self, Operation, Settled};
use storage::{Step, StoreError, Transaction};
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;

/// How often the end of an operation is decided anew when another one of its attempt was done meanwhile.
const ROUNDS_MAX: usize = 4;

impl Charging {
    pub(super) async fn finish(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        said: (String, String),
        consequences: Option<&dyn Consequences>,
        fence: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let ended = self.commit_done(operation, attempt, said, consequences, fence, &[]).await;
        kept(operation, ended).map(|_| ())
    }

    /// Commits the end of an operation that was done, with `extra`.
    async fn commit_done(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        said: (String, String),
        consequences: Option<&dyn Consequences>,
        fence: Option<Uuid>,
        extra: &[Step],
    ) -> Result<(), StoreError> {
        let mut round = 1;
        loop {
            let done = self.done(operation, attempt, said.clone(), consequences, fence).await?;
            match self.store.commit(done.with_all(extra.iter().cloned())).await {
                Err(error) if error.is_conflict_in(operations::GIVEN_BACK_SINCE) && round < ROUNDS_MAX => {
                    round += 1;
                }
                ended => return ended.map(|_| ()),
            }
        }
    }

    /// The end of an operation that was done, with everything that follows. What is given back of an attempt in doubt has
    /// no consequence of its own: the attempt's end has (M14).
    async fn done(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        (reference, text): (String, String),
        consequences: Option<&dyn Consequences>,
        fence: Option<Uuid>,
    ) -> Result<Transaction, StoreError> {
        let at = self.minter.now();
        let settled =
            Settled { state: "done", gateway_reference: Some(reference), code: None, text: Some(text) };
        let settle = operations::settle(operation.merchant_id, operation.id, &settled, at, fence);
        let mut transaction = Transaction::new("operation_done");
        if operation.kind == OperationKind::Capture.as_str() {
            transaction = transaction.with(settle);
        } else {
            // Before the consequences, which look at the same: what changes in between is a conflict.
            let given_back = self.given_back_with(operation, attempt).await?;
            transaction = transaction
                .with(operations::lock_attempt(attempt.merchant_id, attempt.id))
                .with(settle)
                .with_all(given_back_steps(attempt, given_back, at));
        }
        match consequences {
            Some(consequences) if matches!(attempt.state, AttemptState::Approved { .. }) => {
                let consequence = consequences.operated(attempt, operation).await?;
                Ok(transaction.with_all(consequence.steps))
            }
            Some(_) | None => Ok(transaction),
        }
    }

    /// Minor units of an attempt that are given back when this operation is done; what is under way or in doubt has given
    /// nothing back yet.
    async fn given_back_with(&self, operation: &Operation, attempt: &Attempt) -> Result<i64, StoreError> {
        let others = self.store.list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        Ok(others
            .iter()
            .filter(|other| other.attempt_id == attempt.id && other.id != operation.id)
            .filter(|other| other.state == "done" && other.kind != OperationKind::Capture.as_str())
            .fold(operation.amount.minor(), |sum, other| sum.saturating_add(other.amount.minor())))
    }

    /// The steps that book a void or refund which somebody else did (Q33), with everything that follows. Conflict in
    /// [`operations::GIVEN_BACK_SINCE`] when another one was done meanwhile: make them anew.
    pub async fn booking(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        consequences: &dyn Consequences,
    ) -> Result<Vec<Step>, StoreError> {
        let at = self.minter.now();
        let given_back = self.given_back_with(operation, attempt).await?;
        let mut steps = operations::book(operation, at);
        steps.extend(given_back_steps(attempt, given_back, at));
        steps.extend(consequences.operated(attempt, operation).await?.steps);
        Ok(steps)
    }

    /// It was refused: somebody is told. A void that came too late, because the money has settled, is followed by a refund
    /// (M17), due at `refund_at`; it is returned when both are kept. Where there is no money to refund, nothing follows.
    pub(super) async fn refused(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        (code, text): (String, String),
        refund_at: Timestamp,
        fence: Option<Uuid>,
    ) -> Result<Option<Operation>, StoreError> {
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
        let transaction = Transaction::new("operation_refused")
            .with(operations::settle(operation.merchant_id, operation.id, &settled, at, fence))
            .with(storage::alerts::insert(&alert));
        if operation.kind != OperationKind::Void.as_str() {
            return self.keep_end(operation, transaction).await.map(|_| None);
        }
        let why = format!("Refund, as the void was refused. {}", operation.why);
        let refund = self.new_operation(OperationKind::Refund, attempt, operation.amount, &why);
        let with_refund = if matches!(attempt.state, AttemptState::Approved { .. }) {
            transaction.clone().with_all(operations::insert(&refund, refund_at))
        } else {
            transaction.clone().with_all(operations::undo(&refund, refund_at))
        };
        match self.keep_end(operation, with_refund).await {
            // A hold that nobody captured: there is nothing that could be refunded, and the alert calls a person.
            Err(error) if error.is_conflict_in(operations::MORE_THAN_TAKEN) => {
                self.keep_end(operation, transaction).await.map(|_| None)
            }
            ended => ended.map(|kept| kept.then_some(refund)),
        }
    }

    /// A person's finding about an operation in doubt: done, with the gateway's id, or not done. Conflict in
    /// [`operations::SETTLED_BEFORE`] when it is settled already, or being worked on at this moment.
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
                .with(operations::settle(operation.merchant_id, operation.id, &settled, at, None))
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
        let said = (reference.to_owned(), words);
        self.commit_done(operation, &attempt, said, Some(consequences), None, &extra).await?;
        self.end_undone(operation, &attempt, consequences).await
    }

    /// Commits what became of an operation. Whoever lost its lease, or comes after somebody else, changes nothing.
    pub(super) async fn commit_operation(
        &self,
        operation: &Operation,
        transaction: Transaction,
    ) -> Result<(), StoreError> {
        self.keep_end(operation, transaction).await.map(|_| ())
    }

    /// The same; whether it is kept.
    async fn keep_end(&self, operation: &Operation, transaction: Transaction) -> Result<bool, StoreError> {
        kept(operation, self.store.commit(transaction).await.map(|_| ()))
    }
}

/// Whether the end of an operation is kept: not when it is settled already, or somebody else works on it.
fn kept(operation: &Operation, ended: Result<(), StoreError>) -> Result<bool, StoreError> {
    match ended {
        Ok(()) => Ok(true),
        Err(error)
            if error.is_conflict_in(operations::SETTLED_BEFORE)
                || error.is_conflict_in(operations::NOT_HELD) =>
        {
            let id = operation.id;
            tracing::warn!(operation.id = %id, "Operation {id} is settled or worked on by somebody else");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// The steps after a void or refund was done: so much is given back in all, and only the whole undoes the attempt (M16).
fn given_back_steps(attempt: &Attempt, minor: i64, at: Timestamp) -> Vec<Step> {
    let (merchant_id, id) = (attempt.merchant_id, attempt.id);
    let mut steps = vec![operations::given_back(merchant_id, id, minor)];
    if let AttemptState::Approved { approval, reversed_at: None, .. } = &attempt.state
        && minor >= approval.amount.minor()
    {
        steps.push(storage::attempts::reverse(merchant_id, id, at));
    }
    steps
}
