//! Captures, voids and refunds whose outcome nobody knows yet.

use domain::ids::{MerchantId, OperationId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[DOUBT_OPERATION];

const DOUBT_OPERATION: &str = "-- doubt_operation
UPDATE operations
SET state = 'in_doubt',
    text = $3,
    checks = $4,
    next_check_at = $5,
    needs_person = $6,
    code = $7,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $9 OR lease_until <= $8)";

/// Name of the step that fails when the operation is settled, or somebody else works on it.
pub const NOT_HELD: &str = "doubt_operation";

/// The code of an operation whose request provably never left: sending it again is safe.
pub const NOT_SENT: &str = "not_sent";

/// What is known of an operation in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// In words.
    pub text: String,
    /// How often it was asked about or sent.
    pub checks: i64,
    /// When it is looked at again.
    pub next_check_at: Option<Timestamp>,
    /// Whether a person must decide.
    pub needs_person: bool,
    /// Whether the request provably never left.
    pub not_sent: bool,
}

/// Leaves an operation in doubt until `next_check_at`, or until a person decides, and gives a lease back. Conflict when
/// it is settled, or while somebody else's lease lasts.
pub fn doubt(
    merchant_id: MerchantId,
    id: OperationId,
    known: &Doubtful,
    at: Timestamp,
    fence: Option<Uuid>,
) -> Step {
    Step::one(
        DOUBT_OPERATION,
        vec![
            merchant_id.into(),
            id.into(),
            Value::from(&known.text),
            known.checks.into(),
            Value::at(known.next_check_at),
            known.needs_person.into(),
            Value::Text(known.not_sent.then(|| NOT_SENT.to_owned())),
            at.into(),
            Value::Id(fence),
        ],
    )
}
