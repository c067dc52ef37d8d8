//! Money that was given back at the gateway by somebody else: booked, never sent (Q33).

use jiff::Timestamp;

use super::Operation;
use super::insert::{LOCK_ATTEMPT, WITHIN_CAPTURED};
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[BOOK_OPERATION];

const BOOK_OPERATION: &str = "-- book_operation
INSERT INTO operations (merchant_id, id, attempt_id, order_id, kind, amount_minor, currency, why, state,
    gateway_reference, text, created_at, settled_at, checks, needs_person, is_external)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'done', $9, $10, $11, $11, 0, $12, $13)
ON CONFLICT (merchant_id, id) DO NOTHING";

/// Name of the step that fails when this refund is booked already.
pub const BOOKED_BEFORE: &str = "book_operation";

/// Books an operation as done by somebody else, in the same way as [`super::insert()`]: the attempt is approved and not
/// undone, and everything together stays within what was taken (M16). Nothing is sent.
pub fn book(operation: &Operation, at: Timestamp) -> Vec<Step> {
    let key = || vec![operation.merchant_id.into(), operation.attempt_id.into()];
    vec![
        Step::one(LOCK_ATTEMPT, key()),
        Step::one(
            BOOK_OPERATION,
            vec![
                operation.merchant_id.into(),
                operation.id.into(),
                operation.attempt_id.into(),
                operation.order_id.into(),
                Value::from(&operation.kind),
                operation.amount.minor().into(),
                operation.amount.currency().code().into(),
                Value::from(&operation.why),
                operation.gateway_reference.clone().into(),
                operation.text.clone().into(),
                at.into(),
                false.into(),
                true.into(),
            ],
        ),
        Step::require(WITHIN_CAPTURED, key()),
    ]
}
