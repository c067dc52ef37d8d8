//! The merchants' own order ids: one row each, which an evaluate and a cancel both lock.

use domain::ids::MerchantId;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[ENTER_ORDER, FENCE_ORDER, FIND_FENCE];

const ENTER_ORDER: &str = "-- enter_order
INSERT INTO external_orders (merchant_id, external_order_id, version, fenced_at)
VALUES ($1, $2, 1, NULL)
ON CONFLICT (merchant_id, external_order_id) DO UPDATE
SET version = external_orders.version + 1
WHERE external_orders.fenced_at IS NULL";

/// Name of the step that fails when the merchant has cancelled the order.
pub const CANCELLED_BEFORE: &str = "enter_order";

/// Locks the merchant's order id for the rest of the transaction; conflict once a cancel has fenced it (M8).
pub fn enter_order(merchant_id: MerchantId, external_order_id: &str) -> Step {
    Step::one(ENTER_ORDER, vec![merchant_id.into(), external_order_id.into()])
}

const FENCE_ORDER: &str = "-- fence_order
INSERT INTO external_orders (merchant_id, external_order_id, version, fenced_at)
VALUES ($1, $2, 1, $3)
ON CONFLICT (merchant_id, external_order_id) DO UPDATE
SET version = external_orders.version + 1,
    fenced_at = COALESCE(external_orders.fenced_at, excluded.fenced_at)";

/// Fences the merchant's order id for good, known or not: every later [`enter_order`] is a conflict (M8).
pub fn fence_order(merchant_id: MerchantId, external_order_id: &str, at: Timestamp) -> Step {
    Step::one(FENCE_ORDER, vec![merchant_id.into(), external_order_id.into(), at.into()])
}

const FIND_FENCE: &str = "-- find_order_fence
SELECT fenced_at
FROM external_orders
WHERE merchant_id = $1
    AND external_order_id = $2";

impl Store {
    /// When a cancel fenced the merchant's order id; none when it did not.
    pub async fn find_order_fence(
        &self,
        merchant_id: MerchantId,
        external_order_id: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let statement = Statement::new(FIND_FENCE, vec![merchant_id.into(), external_order_id.into()]);
        self.query_one(statement).await?.map_or(Ok(None), |row| row.opt_at("fenced_at"))
    }
}
