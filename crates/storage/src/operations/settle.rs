//! The end of a capture, void or refund, written once.

use domain::ids::{MerchantId, OperationId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[SETTLE_OPERATION];

const SETTLE_OPERATION: &str = "-- settle_operation
UPDATE operations
SET state = $3,
    gateway_reference = $4,
    code = $5,
    text = $6,
    settled_at = $7,
    next_check_at = NULL,
    needs_person = $8,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $9 OR lease_until <= $7)";

/// Name of the step that fails when the operation is settled already, or somebody else works on it.
pub const SETTLED_BEFORE: &str = "settle_operation";

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// `done`, `refused` or `not_executed`.
    pub state: &'static str,
    /// The gateway's id.
    pub gateway_reference: Option<String>,
    /// The gateway's code.
    pub code: Option<String>,
    /// The gateway's words.
    pub text: Option<String>,
}

/// Ends an operation once. Conflict when it is settled already, or while somebody else's lease lasts: `fence` is the
/// caller's own, if it has one.
pub fn settle(
    merchant_id: MerchantId,
    id: OperationId,
    settled: &Settled,
    at: Timestamp,
    fence: Option<Uuid>,
) -> Step {
    Step::one(
        SETTLE_OPERATION,
        vec![
            merchant_id.into(),
            id.into(),
            settled.state.into(),
            settled.gateway_reference.clone().into(),
            settled.code.clone().into(),
            settled.text.clone().into(),
            at.into(),
            false.into(),
            Value::Id(fence),
        ],
    )
}
