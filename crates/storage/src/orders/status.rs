//! An order's status: each change only from the states that allow it.

use domain::ids::{MerchantId, OrderId};
use domain::order::OrderStatus;
use jiff::Timestamp;

use crate::statement::Step;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    SET_ORDER_STATUS,
    COMPLETE_ORDER,
    COMPLETE_DECLINED_ORDER,
    STILL_DECLINED,
    DECLINE_ORDER,
    STILL_PENDING,
    CANCEL_ORDER,
];

const SET_ORDER_STATUS: &str = "-- set_order_status
UPDATE orders
SET status = $3,
    is_salvaged = $4,
    updated_at = $5
WHERE merchant_id = $1
    AND id = $2";

/// Where the order stands now, and whether a salvage gateway collected it.
pub fn set_status(
    merchant_id: MerchantId,
    id: OrderId,
    status: OrderStatus,
    is_salvaged: bool,
    at: Timestamp,
) -> Step {
    Step::one(
        SET_ORDER_STATUS,
        vec![merchant_id.into(), id.into(), status.as_str().into(), is_salvaged.into(), at.into()],
    )
}

const COMPLETE_ORDER: &str = "-- complete_order
UPDATE orders
SET status = 'complete',
    is_salvaged = $3,
    updated_at = $4
WHERE merchant_id = $1
    AND id = $2
    AND status = 'pending'";

/// Name of the step that fails when the order is not pending any more: somebody cancelled it meanwhile.
pub const NOT_PENDING: &str = "complete_order";

/// A pending order is paid; conflict from any other status.
pub fn complete(merchant_id: MerchantId, id: OrderId, is_salvaged: bool, at: Timestamp) -> Step {
    Step::one(COMPLETE_ORDER, vec![merchant_id.into(), id.into(), is_salvaged.into(), at.into()])
}

const COMPLETE_DECLINED_ORDER: &str = "-- complete_declined_order
UPDATE orders
SET status = 'complete',
    is_salvaged = $3,
    updated_at = $4
WHERE merchant_id = $1
    AND id = $2
    AND status = 'declined'";

/// Name of the step that fails when a declined order that a rerun pays is not declined any more.
pub const NOT_DECLINED: &str = "complete_declined_order";

/// A declined order is paid by a rerun (R115, R125); conflict from any other status.
pub fn complete_declined(merchant_id: MerchantId, id: OrderId, is_salvaged: bool, at: Timestamp) -> Step {
    Step::one(COMPLETE_DECLINED_ORDER, vec![merchant_id.into(), id.into(), is_salvaged.into(), at.into()])
}

const STILL_DECLINED: &str = "-- still_declined
UPDATE orders
SET updated_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND status = 'declined'";

/// Name of the step that fails when an order cannot be rerun: it is not declined any more.
pub const NO_LONGER_DECLINED: &str = "still_declined";

/// Requires that the order is still declined, for the rest of the transaction.
pub fn require_declined(merchant_id: MerchantId, id: OrderId, at: Timestamp) -> Step {
    Step::one(STILL_DECLINED, vec![merchant_id.into(), id.into(), at.into()])
}

const DECLINE_ORDER: &str = "-- decline_order
UPDATE orders
SET status = 'declined',
    cascade_note = $3,
    updated_at = $4
WHERE merchant_id = $1
    AND id = $2
    AND status = 'pending'";

/// A pending order is not paid, and why no cascade saved it; an order that was cancelled meanwhile stays cancelled.
pub fn decline(merchant_id: MerchantId, id: OrderId, note: &str, at: Timestamp) -> Step {
    Step::any(DECLINE_ORDER, vec![merchant_id.into(), id.into(), note.into(), at.into()])
}

const STILL_PENDING: &str = "-- still_pending
UPDATE orders
SET updated_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND status = 'pending'";

/// Name of the step that fails when nothing more may be sent for the order: it was cancelled meanwhile.
pub const NO_LONGER_PENDING: &str = "still_pending";

/// Requires that the order is still pending, for the rest of the transaction.
pub fn require_pending(merchant_id: MerchantId, id: OrderId, at: Timestamp) -> Step {
    Step::one(STILL_PENDING, vec![merchant_id.into(), id.into(), at.into()])
}

const CANCEL_ORDER: &str = "-- cancel_order
UPDATE orders
SET status = 'cancelled',
    updated_at = $4
WHERE merchant_id = $1
    AND id = $2
    AND status = $3";

/// Name of the step that fails when the order has changed since it was read.
pub const CHANGED_SINCE: &str = "cancel_order";

/// Cancels an order that is still as it was read; conflict when it has changed.
pub fn cancel(merchant_id: MerchantId, id: OrderId, from: OrderStatus, at: Timestamp) -> Step {
    Step::one(CANCEL_ORDER, vec![merchant_id.into(), id.into(), from.as_str().into(), at.into()])
}
