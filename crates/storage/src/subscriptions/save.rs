//! Writing subscriptions.

use domain::subscription::Subscription;
use uuid::Uuid;

use super::terms::details;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_SUBSCRIPTION, UPDATE_SUBSCRIPTION];

const INSERT_SUBSCRIPTION: &str = "-- insert_subscription
INSERT INTO subscriptions (merchant_id, id, customer_id, order_id, campaign_id, product_id, status, stop_reason,
    gateway_id, card_id, card_fingerprint, cycle, collecting, slot, tries, next_bill_at, next_action_at, pause_at,
    initial_gateway_id, initial_reference, held, details, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25)
ON CONFLICT (merchant_id, id) DO NOTHING";

/// Name of the step that fails when the subscription exists.
pub const SUBSCRIPTION_EXISTS: &str = "insert_subscription";

/// A new subscription; conflict when one of this id exists.
pub fn insert(one: &Subscription) -> Step {
    Step::one(
        INSERT_SUBSCRIPTION,
        vec![
            one.merchant_id.into(),
            one.id.into(),
            one.customer_id.into(),
            one.order_id.into(),
            one.campaign_id.into(),
            one.product_id.into(),
            one.status.as_str().into(),
            Value::from(&one.stop_reason),
            one.gateway_id.into(),
            one.card_id.into(),
            Value::from(&one.card_fingerprint),
            one.cycle.into(),
            Value::id(one.collecting),
            one.slot.into(),
            one.tries.into(),
            Value::at(one.next_bill_at),
            Value::at(one.next_action_at),
            Value::at(one.pause_at),
            Value::id(one.initial.as_ref().map(|initial| initial.gateway_id)),
            Value::Text(one.initial.as_ref().map(|initial| initial.reference.clone())),
            Value::from(&one.held),
            details(&one.terms).into(),
            one.version.into(),
            one.created_at.into(),
            one.updated_at.into(),
        ],
    )
}

const UPDATE_SUBSCRIPTION: &str = "-- update_subscription
UPDATE subscriptions
SET product_id = $3,
    status = $4,
    stop_reason = $5,
    gateway_id = $6,
    card_id = $7,
    card_fingerprint = $8,
    cycle = $9,
    collecting = $10,
    slot = $11,
    tries = $12,
    next_bill_at = $13,
    next_action_at = $14,
    pause_at = $15,
    initial_gateway_id = $16,
    initial_reference = $17,
    held = $18,
    details = $19,
    version = version + 1,
    updated_at = $20,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND version = $21
    AND ($22 IS NULL OR lease_fence = $22)";

/// Name of the step that fails when the subscription was changed since it was read, or is leased by somebody else.
pub const CHANGED_SINCE: &str = "update_subscription";

/// Saves a subscription as it now is, and ends its lease. [`Subscription::version`] is the version that was read:
/// conflict when it has changed since, or when `fence` is given and holds no longer.
pub fn update(one: &Subscription, fence: Option<Uuid>) -> Step {
    Step::one(
        UPDATE_SUBSCRIPTION,
        vec![
            one.merchant_id.into(),
            one.id.into(),
            one.product_id.into(),
            one.status.as_str().into(),
            Value::from(&one.stop_reason),
            one.gateway_id.into(),
            one.card_id.into(),
            Value::from(&one.card_fingerprint),
            one.cycle.into(),
            Value::id(one.collecting),
            one.slot.into(),
            one.tries.into(),
            Value::at(one.next_bill_at),
            Value::at(one.next_action_at),
            Value::at(one.pause_at),
            Value::id(one.initial.as_ref().map(|initial| initial.gateway_id)),
            Value::Text(one.initial.as_ref().map(|initial| initial.reference.clone())),
            Value::from(&one.held),
            details(&one.terms).into(),
            one.updated_at.into(),
            one.version.into(),
            Value::Id(fence),
        ],
    )
}
