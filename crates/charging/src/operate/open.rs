//! Captures, voids and refunds that stay in doubt: looked at again, and after the ladder by a person.

use storage::operations::{self, Operation};
use storage::{StoreError, Transaction};
use uuid::Uuid;

use crate::Charging;
use crate::deadlines::later;

/// How often what waits for a person is still looked at.
const SLOWLY_SECS: i64 = 21_600;
/// Asked again after these many seconds; then a person decides.
const ASK_AFTER_SECS: [i64; 5] = [60, 300, 1_800, 7_200, 43_200];

impl Charging {
    pub(super) async fn doubt_operation(
        &self,
        operation: &Operation,
        words: &str,
        person: bool,
        fence: Option<Uuid>,
    ) -> Result<(), StoreError> {
        self.leave_open(operation, words, person, false, fence).await
    }

    /// Leaves an operation in doubt. After the ladder a person is called, and it is still looked at now and then: what
    /// stood in the way may pass.
    pub(crate) async fn leave_open(
        &self,
        operation: &Operation,
        words: &str,
        person: bool,
        not_sent: bool,
        fence: Option<Uuid>,
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
            self.minter.now(),
            fence,
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
        if not_sent {
            self.memory.note_unsent(operation.id);
        }
        self.commit_operation(operation, transaction).await
    }
}
