//! Fulfilments: one per paid payment with something to ship.

use domain::ids::{FulfilmentId, MerchantId, OrderId, PaymentId};
use domain::order::FulfilmentState;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[INSERT_FULFILMENT, CANCEL_FULFILMENTS, CANCEL_FULFILMENT_OF_PAYMENT, LIST_FULFILMENTS_OF_ORDER];

/// A shipment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: FulfilmentId,
    /// Its order.
    pub order_id: OrderId,
    /// The payment that earned it.
    pub payment_id: PaymentId,
    /// Where it stands.
    pub state: FulfilmentState,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT_FULFILMENT: &str = "-- insert_fulfilment
INSERT INTO fulfilments (merchant_id, id, order_id, payment_id, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, 'hold', $5, $5)
ON CONFLICT (merchant_id, payment_id) DO NOTHING";

/// A shipment on hold; conflict when the payment has earned one already.
pub fn insert(fulfilment: &Fulfilment) -> Step {
    Step::one(
        INSERT_FULFILMENT,
        vec![
            fulfilment.merchant_id.into(),
            fulfilment.id.into(),
            fulfilment.order_id.into(),
            fulfilment.payment_id.into(),
            fulfilment.created_at.into(),
        ],
    )
}

const CANCEL_FULFILMENTS: &str = "-- cancel_fulfilments
UPDATE fulfilments
SET state = 'cancelled', updated_at = $3
WHERE merchant_id = $1
    AND order_id = $2
    AND state = 'hold'";

/// Cancels what has not been sent to the warehouse.
pub fn cancel_all(merchant_id: MerchantId, order_id: OrderId, at: Timestamp) -> Step {
    Step::any(CANCEL_FULFILMENTS, vec![merchant_id.into(), order_id.into(), at.into()])
}

const CANCEL_FULFILMENT_OF_PAYMENT: &str = "-- cancel_fulfilment_of_payment
UPDATE fulfilments
SET state = 'cancelled', updated_at = $3
WHERE merchant_id = $1
    AND payment_id = $2
    AND state = 'hold'";

/// Cancels what one payment earned and has not been sent to the warehouse.
pub fn cancel_of_payment(merchant_id: MerchantId, payment_id: PaymentId, at: Timestamp) -> Step {
    Step::any(CANCEL_FULFILMENT_OF_PAYMENT, vec![merchant_id.into(), payment_id.into(), at.into()])
}

const LIST_FULFILMENTS_OF_ORDER: &str = "-- list_fulfilments_of_order
SELECT merchant_id, id, order_id, payment_id, state, created_at
FROM fulfilments
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id";

impl Store {
    /// All fulfilments of an order, oldest first.
    pub async fn list_fulfilments_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        let statement = Statement::new(LIST_FULFILMENTS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        let rows = self.query(statement).await?;
        let read = |row: &crate::Row| {
            Ok(Fulfilment {
                merchant_id: row.id("merchant_id")?,
                id: row.id("id")?,
                order_id: row.id("order_id")?,
                payment_id: row.id("payment_id")?,
                state: row.word("state", FulfilmentState::parse)?,
                created_at: row.at("created_at")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
