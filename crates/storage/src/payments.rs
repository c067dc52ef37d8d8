//! Payments: one debt each.

use domain::ids::{MerchantId, OrderId, PaymentId, SubscriptionId};
use domain::payment::{Payment, PaymentState};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[INSERT_PAYMENT, SET_PAYMENT_STATE, PAY_PAYMENT, FIND_PAYMENT, LIST_PAYMENTS_OF_ORDER, LIST_BILLS];

const INSERT_PAYMENT: &str = "-- insert_payment
INSERT INTO payments (merchant_id, id, order_id, amount_minor, currency, state, created_at, updated_at,
    subscription_id, cycle)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
ON CONFLICT DO NOTHING";

/// Name of the step that fails when the payment exists.
pub const PAYMENT_EXISTS: &str = "insert_payment";

/// A new debt; conflict when one of this id exists, or one of the same subscription and cycle.
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
            Value::id(payment.cycle.map(|(subscription, _)| subscription)),
            payment.cycle.map(|(_, cycle)| cycle).into(),
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

const PAY_PAYMENT: &str = "-- pay_payment
UPDATE payments
SET state = 'paid', amount_minor = $3, updated_at = $4
WHERE merchant_id = $1
    AND id = $2
    AND state <> 'paid'";

/// Name of the step that fails when the debt is paid already.
pub const PAID_BEFORE: &str = "pay_payment";

/// The debt is paid with this amount: a recycled bill may be reduced (R89). Conflict when it is paid already.
pub fn pay(merchant_id: MerchantId, id: PaymentId, minor: i64, at: Timestamp) -> Step {
    Step::one(PAY_PAYMENT, vec![merchant_id.into(), id.into(), minor.into(), at.into()])
}

const FIND_PAYMENT: &str = "-- find_payment
SELECT merchant_id, id, order_id, amount_minor, currency, state, subscription_id, cycle
FROM payments
WHERE merchant_id = $1
    AND id = $2";

const LIST_PAYMENTS_OF_ORDER: &str = "-- list_payments_of_order
SELECT merchant_id, id, order_id, amount_minor, currency, state, subscription_id, cycle
FROM payments
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id";

const LIST_BILLS: &str = "-- list_bills
SELECT merchant_id, id, order_id, amount_minor, currency, state, subscription_id, cycle
FROM payments
WHERE merchant_id = $1
    AND subscription_id = $2
ORDER BY cycle DESC
LIMIT CAST($3 AS BIGINT)";

impl Store {
    /// The bills of a subscription, the newest cycle first: one debt per cycle. Cycle 1 is a debt of its order.
    pub async fn list_bills(
        &self,
        merchant_id: MerchantId,
        subscription_id: SubscriptionId,
        limit: i64,
    ) -> Result<Vec<Payment>, StoreError> {
        let args = vec![merchant_id.into(), subscription_id.into(), limit.into()];
        self.query(Statement::new(LIST_BILLS, args)).await?.iter().map(read).collect()
    }

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
    let subscription: Option<SubscriptionId> = row.opt_id("subscription_id")?;
    Ok(Payment {
        id: row.id("id")?,
        merchant_id: row.id("merchant_id")?,
        order_id: row.id("order_id")?,
        amount: row.money("amount_minor", "currency")?,
        state: row.word("state", PaymentState::parse)?,
        cycle: subscription.zip(row.opt_int("cycle")?),
    })
}
