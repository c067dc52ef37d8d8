//! Attempts whose outcome nobody knows yet.

use domain::attempt::Doubt;
use domain::ids::{AttemptId, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[DOUBT_ATTEMPT, WAIT_ATTEMPT];

const DOUBT_ATTEMPT: &str = "-- doubt_attempt
UPDATE attempts
SET state = 'in_doubt',
    doubt = COALESCE(doubt, $3),
    doubt_since = COALESCE(doubt_since, $4),
    gateway_reference = COALESCE($5, gateway_reference),
    text = COALESCE($6, text),
    checks = $7,
    next_check_at = CASE
        WHEN cancel_asked_at IS NOT NULL AND $8 > $4 + 600000000 THEN $4 + 600000000
        ELSE $8 END,
    fence_unknown_at = COALESCE(fence_unknown_at, $9),
    needs_person = $10,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $11 OR lease_until <= $4)";

/// What is known about an attempt in doubt, and when to ask next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
    /// Why; kept from the first time.
    pub doubt: Doubt,
    /// Now: since when, kept from the first time.
    pub since: Timestamp,
    /// The gateway's id, when an unclear answer gave one.
    pub gateway_reference: Option<String>,
    /// What is known, in words.
    pub text: Option<String>,
    /// How often the gateway was asked.
    pub checks: i64,
    /// When to ask again.
    pub next_check_at: Option<Timestamp>,
    /// When a fence was first answered with "unknown"; kept from the first time.
    pub fence_unknown_at: Option<Timestamp>,
    /// Whether a person must decide.
    pub needs_person: bool,
}

/// Leaves an open attempt in doubt, and gives a lease back. Conflict when it is settled, or while somebody else's lease
/// lasts.
pub fn doubt(merchant_id: MerchantId, id: AttemptId, known: &InDoubt, fence: Option<Uuid>) -> Step {
    Step::one(
        DOUBT_ATTEMPT,
        vec![
            merchant_id.into(),
            id.into(),
            known.doubt.as_str().into(),
            known.since.into(),
            known.gateway_reference.clone().into(),
            known.text.clone().into(),
            known.checks.into(),
            Value::at(known.next_check_at),
            Value::at(known.fence_unknown_at),
            known.needs_person.into(),
            Value::Id(fence),
        ],
    )
}

const WAIT_ATTEMPT: &str = "-- wait_attempt
UPDATE attempts
SET next_check_at = $3,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL";

/// Sets when an open attempt is looked at again.
pub fn wait(merchant_id: MerchantId, id: AttemptId, next_check_at: Timestamp) -> Step {
    Step::one(WAIT_ATTEMPT, vec![merchant_id.into(), id.into(), next_check_at.into()])
}
