//! What keeps the same import from being charged twice (M3).

use domain::ids::{MerchantId, OrderId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[TAKE_GUARD, RENEW_GUARD, RELEASE_GUARD, FIND_GUARD];

const TAKE_GUARD: &str = "-- take_guard
INSERT INTO checkout_guards (merchant_id, guard_key, order_id, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, guard_key) DO UPDATE
SET order_id = excluded.order_id, created_at = excluded.created_at
WHERE checkout_guards.order_id = excluded.order_id
    OR (checkout_guards.created_at <= $5 AND NOT EXISTS (
        SELECT 1 FROM attempts
        WHERE attempts.merchant_id = checkout_guards.merchant_id
            AND attempts.order_id = checkout_guards.order_id
            AND attempts.state IN ('sending', 'in_doubt', 'pending')))";

/// Name of the step that fails when the same import is being charged, or was charged within the window.
pub const SAME_IMPORT: &str = "take_guard";

/// Takes the guard for an order; conflict while another order holds it since after `expired_before`, or has an attempt
/// whose outcome is still to come, however old.
pub fn take(
    merchant_id: MerchantId,
    guard_key: &str,
    order_id: OrderId,
    now: Timestamp,
    expired_before: Timestamp,
) -> Step {
    Step::one(
        TAKE_GUARD,
        vec![merchant_id.into(), guard_key.into(), order_id.into(), now.into(), expired_before.into()],
    )
}

const RENEW_GUARD: &str = "-- renew_guard
UPDATE checkout_guards
SET created_at = $3
WHERE merchant_id = $1
    AND order_id = $2
    AND guard_key IN (SELECT guard_key FROM orders WHERE merchant_id = $1 AND id = $2)";

/// Counts the window anew from a late approval.
pub fn renew(merchant_id: MerchantId, order_id: OrderId, now: Timestamp) -> Step {
    Step::any(RENEW_GUARD, vec![merchant_id.into(), order_id.into(), now.into()])
}

const RELEASE_GUARD: &str = "-- release_guard
DELETE FROM checkout_guards
WHERE merchant_id = $1
    AND order_id = $2
    AND guard_key IN (SELECT guard_key FROM orders WHERE merchant_id = $1 AND id = $2)";

/// Lets the same import be charged again: the order was declined.
pub fn release(merchant_id: MerchantId, order_id: OrderId) -> Step {
    Step::any(RELEASE_GUARD, vec![merchant_id.into(), order_id.into()])
}

const FIND_GUARD: &str = "-- find_guard
SELECT order_id
FROM checkout_guards
WHERE merchant_id = $1
    AND guard_key = $2
    AND (created_at > $3 OR EXISTS (
        SELECT 1 FROM attempts
        WHERE attempts.merchant_id = checkout_guards.merchant_id
            AND attempts.order_id = checkout_guards.order_id
            AND attempts.state IN ('sending', 'in_doubt', 'pending')))";

impl Store {
    /// The order that holds a guard since after `since`, or whose outcome is still to come.
    pub async fn find_guard(
        &self,
        merchant_id: MerchantId,
        guard_key: &str,
        since: Timestamp,
    ) -> Result<Option<OrderId>, StoreError> {
        let args = vec![merchant_id.into(), guard_key.into(), since.into()];
        self.query_one(Statement::new(FIND_GUARD, args)).await?.map(|row| row.id("order_id")).transpose()
    }
}
