//! A new order, a lead that changes, and a submission.

use domain::order::Order;

use super::row::details;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_ORDER, SUBMIT_ORDER, UPDATE_PARTIAL];

const INSERT_ORDER: &str = "-- insert_order
INSERT INTO orders (merchant_id, id, customer_id, campaign_id, campaign_number, status, total_minor, sales_tax_minor,
    currency, email_lower, ip_address, routed_gateway_id, routed_profile_id, is_test, is_salvaged, guard_key,
    cascade_note, details, created_at, updated_at, subscription_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
ON CONFLICT (merchant_id, id) DO NOTHING";

/// Name of the step that fails when the order exists.
pub const ORDER_EXISTS: &str = "insert_order";

fn routed(order: &Order) -> [Value; 2] {
    [
        Value::id(order.routed.map(|routed| routed.gateway_id)),
        Value::id(order.routed.and_then(|routed| routed.profile_id)),
    ]
}

/// A new order; conflict when one of this id exists.
pub fn insert(order: &Order, guard_key: &str) -> Step {
    let [gateway, profile] = routed(order);
    Step::one(
        INSERT_ORDER,
        vec![
            order.merchant_id.into(),
            order.id.into(),
            order.customer_id.into(),
            order.campaign_id.into(),
            order.campaign_number.into(),
            order.status.as_str().into(),
            order.total.minor().into(),
            order.sales_tax.minor().into(),
            order.total.currency().code().into(),
            order.contact.email.to_lowercase().into(),
            Value::from(&order.contact.ip_address),
            gateway,
            profile,
            order.is_test.into(),
            order.is_salvaged.into(),
            guard_key.into(),
            Value::from(&order.cascade_note),
            details(order).into(),
            order.created_at.into(),
            order.updated_at.into(),
            Value::id(order.subscription_id),
        ],
    )
}

const SUBMIT_ORDER: &str = "-- submit_order
UPDATE orders
SET customer_id = $3,
    campaign_id = $4,
    campaign_number = $5,
    status = $6,
    total_minor = $7,
    sales_tax_minor = $8,
    currency = $9,
    email_lower = $10,
    ip_address = $11,
    routed_gateway_id = $12,
    routed_profile_id = $13,
    is_test = $14,
    guard_key = $15,
    details = $16,
    cascade_note = '',
    updated_at = $17
WHERE merchant_id = $1
    AND id = $2
    AND status IN ('partial', 'declined')";

/// Name of the step that fails when the order cannot be submitted (again).
pub const NOT_SUBMITTABLE: &str = "submit_order";

/// Submits a partial or declined order with what the import brought; conflict from any other status.
pub fn submit(order: &Order, guard_key: &str) -> Step {
    let [gateway, profile] = routed(order);
    Step::one(
        SUBMIT_ORDER,
        vec![
            order.merchant_id.into(),
            order.id.into(),
            order.customer_id.into(),
            order.campaign_id.into(),
            order.campaign_number.into(),
            order.status.as_str().into(),
            order.total.minor().into(),
            order.sales_tax.minor().into(),
            order.total.currency().code().into(),
            order.contact.email.to_lowercase().into(),
            Value::from(&order.contact.ip_address),
            gateway,
            profile,
            order.is_test.into(),
            guard_key.into(),
            details(order).into(),
            order.updated_at.into(),
        ],
    )
}

const UPDATE_PARTIAL: &str = "-- update_partial
UPDATE orders
SET email_lower = $3,
    ip_address = $4,
    details = $5,
    campaign_id = $6,
    campaign_number = $7,
    updated_at = $8
WHERE merchant_id = $1
    AND id = $2
    AND status = 'partial'";

/// Renews a partial order; conflict when it is no longer partial.
pub fn update_partial(order: &Order) -> Step {
    Step::one(
        UPDATE_PARTIAL,
        vec![
            order.merchant_id.into(),
            order.id.into(),
            order.contact.email.to_lowercase().into(),
            Value::from(&order.contact.ip_address),
            details(order).into(),
            order.campaign_id.into(),
            order.campaign_number.into(),
            order.updated_at.into(),
        ],
    )
}
