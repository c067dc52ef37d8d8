//! The outcome of an attempt, written once, and its undoing.

use domain::attempt::Outcome;
use domain::ids::{AttemptId, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[SETTLE_ATTEMPT, REVERSE_ATTEMPT];

const SETTLE_ATTEMPT: &str = "-- settle_attempt
UPDATE attempts
SET state = $3,
    gateway_reference = COALESCE($4, gateway_reference),
    auth_code = $5,
    avs = $6,
    cvv = $7,
    text = $8,
    approved_minor = $9,
    code = $10,
    network_code = $11,
    advice_code = $12,
    reason = $13,
    class_read = $14,
    class = $15,
    map_id = $16,
    text_shown = $17,
    lapse = $18,
    settled_at = $19,
    next_check_at = NULL,
    needs_person = $20,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $21 OR lease_until <= $19)";

/// Name of the step that fails when the attempt was settled before.
pub const SETTLED_BEFORE: &str = "settle_attempt";

/// The outcome, written once. Conflict when it is settled already, or while somebody else's lease lasts: `fence` is the
/// caller's own, if it has one.
pub fn settle(
    merchant_id: MerchantId,
    id: AttemptId,
    outcome: &Outcome,
    at: Timestamp,
    fence: Option<Uuid>,
) -> Step {
    let mut args: Vec<Value> = vec![merchant_id.into(), id.into()];
    let none = || Value::Text(None);
    let state = match outcome {
        Outcome::Approved(_) => "approved",
        Outcome::Declined(_) => "declined",
        Outcome::NotExecuted(_) => "not_executed",
    };
    args.push(state.into());
    match outcome {
        Outcome::Approved(approval) => args.extend([
            Value::from(&approval.reference),
            Value::from(&approval.auth_code),
            Value::from(&approval.avs),
            Value::from(&approval.cvv),
            Value::from(&approval.text),
            approval.amount.minor().into(),
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
            Value::Id(None),
            none(),
            none(),
        ]),
        Outcome::Declined(decline) => args.extend([
            Value::Text(Some(decline.raw.reference.clone()).filter(|text| !text.is_empty())),
            none(),
            Value::from(&decline.raw.avs),
            Value::from(&decline.raw.cvv),
            Value::from(&decline.raw.text),
            Value::Int(None),
            Value::from(&decline.raw.code),
            decline.raw.network_code.clone().into(),
            decline.raw.advice_code.clone().into(),
            decline.reason.as_str().into(),
            decline.class_read.as_str().into(),
            decline.class.as_str().into(),
            Value::id(decline.map),
            Value::from(&decline.text_shown),
            none(),
        ]),
        Outcome::NotExecuted(lapse) => args.extend([
            none(),
            none(),
            none(),
            none(),
            Value::from(&lapse.text),
            Value::Int(None),
            Value::from(&lapse.code),
            none(),
            none(),
            Value::Text(lapse.reason.map(|reason| reason.as_str().to_owned())),
            none(),
            none(),
            Value::Id(None),
            none(),
            lapse.cause.as_str().into(),
        ]),
    }
    args.extend([at.into(), false.into(), Value::Id(fence)]);
    Step::one(SETTLE_ATTEMPT, args)
}

const REVERSE_ATTEMPT: &str = "-- reverse_attempt
UPDATE attempts
SET reversed_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND state = 'approved'
    AND reversed_at IS NULL";

/// Marks an approved attempt as undone in full: it is no longer live.
pub fn reverse(merchant_id: MerchantId, id: AttemptId, at: Timestamp) -> Step {
    Step::one(REVERSE_ATTEMPT, vec![merchant_id.into(), id.into(), at.into()])
}
