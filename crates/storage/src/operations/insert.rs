//! The intent of a capture, void or refund.

use jiff::Timestamp;

use super::Operation;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[LOCK_ATTEMPT, INSERT_OPERATION, WITHIN_CAPTURED, LOCK_DOUBT, INSERT_UNDOING];

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
        Step::one(INSERT_OPERATION, intent(operation, next_check_at)),
        Step::require(WITHIN_CAPTURED, key()),
    ]
}

const LOCK_DOUBT: &str = "-- lock_doubt
UPDATE attempts
SET checks = checks
WHERE merchant_id = $1
    AND id = $2
    AND state = 'in_doubt'";

const INSERT_UNDOING: &str = "-- insert_undoing
INSERT INTO operations (merchant_id, id, attempt_id, order_id, kind, amount_minor, currency, why, state, created_at,
    checks, next_check_at, needs_person)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'sending', $9, 0, $10, $11
FROM attempts
WHERE attempts.merchant_id = $1
    AND attempts.id = $3
    AND attempts.state = 'in_doubt'
    AND attempts.amount_minor >= $6
    AND NOT EXISTS (
        SELECT 1 FROM operations
        WHERE operations.merchant_id = $1
            AND operations.attempt_id = $3
            AND operations.kind IN ('void', 'refund')
            AND (operations.state IN ('sending', 'in_doubt', 'done')
                OR (operations.kind = 'refund' AND operations.state = 'refused')))
ON CONFLICT (merchant_id, attempt_id) WHERE state IN ('sending', 'in_doubt') DO NOTHING";

/// Name of the step that fails when the attempt is not in doubt any more.
pub const NOT_IN_DOUBT: &str = "lock_doubt";
/// Name of the step that fails when what the attempt took is being given back, was given back, or its refund was refused.
pub const UNDOING_EXISTS: &str = "insert_undoing";

/// The intent of a void or refund of an attempt in doubt that took less than was asked for (M14, M16): it is given back
/// at most once, and one of the two at a time. A void that was refused may be followed by a refund, a refund by nothing.
pub fn undo(operation: &Operation, next_check_at: Timestamp) -> [Step; 2] {
    [
        Step::one(LOCK_DOUBT, vec![operation.merchant_id.into(), operation.attempt_id.into()]),
        Step::one(INSERT_UNDOING, intent(operation, next_check_at)),
    ]
}

fn intent(operation: &Operation, next_check_at: Timestamp) -> Vec<Value> {
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
    ]
}
