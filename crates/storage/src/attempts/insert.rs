//! The intent of an attempt.

use domain::attempt::Attempt;

use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_ATTEMPT];

const INSERT_ATTEMPT: &str = "-- insert_attempt
INSERT INTO attempts (merchant_id, id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind,
    amount_minor, currency, card_id, card_fingerprint, salvages, why, created_at, state, checks, next_check_at,
    needs_person, slot, deadline_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'sending', 0, $17, $18, $19, $20)
ON CONFLICT (merchant_id, payment_id, purpose)
    WHERE state IN ('sending', 'in_doubt', 'pending') OR (state = 'approved' AND reversed_at IS NULL)
DO NOTHING";

/// Name of the step that fails when the payment has a live attempt already.
pub const LIVE_ATTEMPT_EXISTS: &str = "insert_attempt";

/// The intent: a new attempt in state `sending`. Conflict when a live one of the same payment and purpose exists (M15).
pub fn insert(attempt: &Attempt) -> Step {
    Step::one(
        INSERT_ATTEMPT,
        vec![
            attempt.merchant_id.into(),
            attempt.id.into(),
            attempt.payment_id.into(),
            attempt.order_id.into(),
            attempt.purpose.as_str().into(),
            attempt.initiator.as_str().into(),
            attempt.route.as_str().into(),
            attempt.gateway_id.into(),
            Value::from(&attempt.gateway_kind),
            attempt.amount.minor().into(),
            attempt.amount.currency().code().into(),
            attempt.card_id.into(),
            Value::from(&attempt.card_fingerprint),
            Value::id(attempt.salvages),
            Value::from(&attempt.why),
            attempt.created_at.into(),
            Value::at(attempt.next_check_at),
            attempt.needs_person.into(),
            attempt.slot.into(),
            Value::at(attempt.deadline),
        ],
    )
}
