//! Payments: one debt each.

use domain::ids::{MerchantId, OrderId, PaymentId};
use domain::payment::{Payment, PaymentState};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Row;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_PAYMENT, SET_PAYMENT_STATE, FIND_PAYMENT, LIST_PAYMENTS_OF_ORDER];

const INSERT_PAYMENT: &str = "-- insert_payment
INSERT INTO payments (merchant_id, id, order_id, amount_minor, currency, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (merchant_id, id) DO NOTHING";

/// Name of the step that fails when the payment exists.
pub const PAYMENT_EXISTS: &str = "insert_payment";

/// A new debt; conflict when one of this id exists.
pub fn insert(payment: &Payment, at: Timestamp) -> Step {
    Step::one(
        INSERT_PAYMENT,
        vec![
            payment.merchant_id.into(),
            payment.id.into(),
            payment.order_id.into(),
            payment.amount.minor().into(),
            payment.amount.currency().code().into(),
            payment.state.as_str().into(),
            at.into(),
        ],
    )
}

const SET_PAYMENT_STATE: &str = "-- set_payment_state
UPDATE payments
SET state = $3, updated_at = $4
WHERE merchant_id = $1
    AND id = $2";

/// Where the debt stands now.
pub fn set_state(merchant_id: MerchantId, id: PaymentId, state: PaymentState, at: Timestamp) -> Step {
    Step::one(SET_PAYMENT_STATE, vec![merchant_id.into(), id.into(), state.as_str().into(), at.into()])
}

const FIND_PAYMENT: &str = "-- find_payment
SELECT merchant_id, id, order_id, amount_minor, currency, state
FROM payments
WHERE merchant_id = $1
    AND id = $2";

const LIST_PAYMENTS_OF_ORDER: &str = "-- list_payments_of_order
SELECT merchant_id, id, order_id, amount_minor, currency, state
FROM payments
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id";

impl Store {
    /// A payment.
    pub async fn find_payment(
        &self,
        merchant_id: MerchantId,
        id: PaymentId,
    ) -> Result<Option<Payment>, StoreError> {
        let statement = Statement::new(FIND_PAYMENT, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// All payments of an order, oldest first.
    pub async fn list_payments_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Payment>, StoreError> {
        let statement = Statement::new(LIST_PAYMENTS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Payment, StoreError> {
    Ok(Payment {
        id: row.id("id")?,
        merchant_id: row.id("merchant_id")?,
        order_id: row.id("order_id")?,
        amount: row.money("amount_minor", "currency")?,
        state: row.word("state", PaymentState::parse)?,
    })
}
