//! How a capture, void or refund ends: done, refused, or as a person found it.

use domain::attempt::{Attempt, AttemptState};
use gateways::OperationKind;
use storage::operations::{self, Operation, Settled};
use storage::{Step, StoreError, Transaction};
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;

impl Charging {
    pub(super) async fn finish(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        said: (String, String),
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let transaction = self.done(operation, attempt, said, consequences, fence).await?;
        self.commit_operation(operation, transaction).await
    }

    /// The end of an operation that was done, with everything that follows.
    async fn done(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        (reference, text): (String, String),
        consequences: &dyn Consequences,
        fence: Option<Uuid>,
    ) -> Result<Transaction, StoreError> {
        let at = self.minter.now();
        let settled =
            Settled { state: "done", gateway_reference: Some(reference), code: None, text: Some(text) };
        let mut transaction = Transaction::new("operation_done").with(operations::settle(
            operation.merchant_id,
            operation.id,
            &settled,
            at,
            fence,
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

    pub(super) async fn refused(
        &self,
        operation: &Operation,
        attempt: &Attempt,
        (code, text): (String, String),
        fence: Option<Uuid>,
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
            .with(operations::settle(operation.merchant_id, operation.id, &settled, at, fence))
            .with(storage::alerts::insert(&alert));
        if operation.kind == OperationKind::Void.as_str() {
            // Too late for a void: the money has settled, so it is refunded (M17). The driver sends it.
            let why = format!("Refund, as the void was refused. {}", operation.why);
            let refund = self.new_operation(OperationKind::Refund, attempt, operation.amount, &why);
            transaction = transaction.with_all(operations::insert(&refund, at));
        }
        self.commit_operation(operation, transaction).await
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
        let transaction = self
            .done(operation, &attempt, (reference.to_owned(), words), consequences, None)
            .await?
            .with_all(extra);
        self.store.commit(transaction).await.map(|_| ())
    }

    /// Commits what became of an operation. Whoever lost its lease, or comes after somebody else, changes nothing.
    pub(super) async fn commit_operation(
        &self,
        operation: &Operation,
        transaction: Transaction,
    ) -> Result<(), StoreError> {
        match self.store.commit(transaction).await {
            Ok(_) => Ok(()),
            Err(error)
                if error.is_conflict_in(operations::SETTLED_BEFORE)
                    || error.is_conflict_in(operations::NOT_HELD) =>
            {
                let id = operation.id;
                tracing::warn!(operation.id = %id, "Operation {id} is settled or worked on by somebody else");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
