//! The intent of a capture, void or refund.

use jiff::Timestamp;

use super::Operation;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[LOCK_ATTEMPT, INSERT_OPERATION, WITHIN_CAPTURED];

pub(super) const LOCK_ATTEMPT: &str = "-- lock_attempt
UPDATE attempts
SET checks = checks
WHERE merchant_id = $1
    AND id = $2
    AND state = 'approved'
    AND reversed_at IS NULL";

const INSERT_OPERATION: &str = "-- insert_operation
INSERT INTO operations (merchant_id, id, attempt_id, order_id, kind, amount_minor, currency, why, state, created_at,
    checks, next_check_at, needs_person)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'sending', $9, 0, $10, $11)
ON CONFLICT (merchant_id, attempt_id) WHERE state IN ('sending', 'in_doubt') DO NOTHING";

pub(super) const WITHIN_CAPTURED: &str = "-- within_captured
SELECT approved_minor
FROM attempts
WHERE merchant_id = $1
    AND id = $2
    AND approved_minor >= (
        SELECT COALESCE(SUM(amount_minor), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2
            AND kind IN ('void', 'refund')
            AND state IN ('sending', 'in_doubt', 'done'))
    AND approved_minor >= (
        SELECT COALESCE(SUM(amount_minor), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2
            AND kind = 'capture'
            AND state IN ('sending', 'in_doubt', 'done'))
    AND (purpose = 'collect' OR (
        SELECT COALESCE(SUM(CASE WHEN kind = 'capture' AND state = 'done' THEN amount_minor
            WHEN kind = 'refund' AND state IN ('sending', 'in_doubt', 'done') THEN -amount_minor
            ELSE 0 END), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2) >= 0)";

/// Name of the step that fails when another operation of the attempt is live.
pub const LIVE_OPERATION_EXISTS: &str = "insert_operation";
/// Name of the step that fails when more would be given back than was taken, or captured than was held.
pub const MORE_THAN_TAKEN: &str = "within_captured";
/// Name of the step that fails when the attempt is not approved, or undone already.
pub const NOT_APPROVED: &str = "lock_attempt";

/// The intent of an operation: the attempt is approved and not undone, nothing else is live on it, voids and refunds
/// together stay within what was approved, captures too, and refunds of a hold within what was captured (M16). The
/// attempt's row is locked first, so that two refunds are counted one after the other.
pub fn insert(operation: &Operation, next_check_at: Timestamp) -> Vec<Step> {
    let key = || vec![operation.merchant_id.into(), operation.attempt_id.into()];
    vec![
        Step::one(LOCK_ATTEMPT, key()),
        Step::one(
            INSERT_OPERATION,
            vec![
                operation.merchant_id.into(),
                operation.id.into(),
                operation.attempt_id.into(),
                operation.order_id.into(),
                Value::from(&operation.kind),
                operation.amount.minor().into(),
                operation.amount.currency().code().into(),
                Value::from(&operation.why),
                operation.created_at.into(),
                next_check_at.into(),
                false.into(),
            ],
        ),
        Step::require(WITHIN_CAPTURED, key()),
    ]
}
