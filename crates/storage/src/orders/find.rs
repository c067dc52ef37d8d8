//! Finding orders: one, a page of those that a filter names, and those that bar another one.

use domain::ids::{MerchantId, OrderId};
use domain::order::{Order, OrderStatus};
use jiff::Timestamp;

use super::row::read;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[FIND_ORDER, LIST_ORDERS, COUNT_ORDERS, LIST_BOUGHT_SINCE, LIST_WITH_OPEN_RERUN];

const FIND_ORDER: &str = concat!(
    "-- find_order
SELECT ",
    columns!(),
    "
FROM orders
WHERE merchant_id = $1
    AND id = $2"
);

/// Which orders to list; an empty filter lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only this one.
    pub id: Option<OrderId>,
    /// Only this status.
    pub status: Option<OrderStatus>,
    /// Only this campaign number.
    pub campaign_number: Option<i64>,
    /// Only this e-mail address, any case.
    pub email: Option<String>,
    /// Only this IP address.
    pub ip_address: Option<String>,
    /// Only created at or after.
    pub created_from: Option<Timestamp>,
    /// Only created before.
    pub created_before: Option<Timestamp>,
    /// Only orders of billing cycles, or only new sales.
    pub is_rebill: Option<bool>,
    /// Only orders that a salvage gateway saved, or only others.
    pub is_salvaged: Option<bool>,
}

macro_rules! filter {
    () => {
        "
FROM orders
WHERE merchant_id = $1
    AND ($2 IS NULL OR id = $2)
    AND ($3 IS NULL OR status = $3)
    AND ($4 IS NULL OR campaign_number = $4)
    AND ($5 IS NULL OR email_lower = $5)
    AND ($6 IS NULL OR ip_address = $6)
    AND created_at >= $7
    AND created_at < $8
    AND ($9 IS NULL OR $9 = CASE WHEN subscription_id IS NULL THEN 'new_sale' ELSE 'rebill' END)
    AND ($10 IS NULL OR is_salvaged = $10)"
    };
}

const LIST_ORDERS: &str = concat!(
    "-- list_orders
SELECT ",
    columns!(),
    filter!(),
    "
ORDER BY created_at DESC, id DESC
LIMIT CAST($11 AS BIGINT) OFFSET CAST($12 AS BIGINT)"
);

const COUNT_ORDERS: &str = concat!(
    "-- count_orders
SELECT CAST(COUNT(*) AS BIGINT) AS found",
    filter!()
);

/// Most orders of one customer that are looked at.
const OF_CUSTOMER_MAX: i64 = 200;

const LIST_BOUGHT_SINCE: &str = concat!(
    "-- list_bought_since
SELECT ",
    columns!(),
    "
FROM orders
WHERE merchant_id = $1
    AND id <> $2
    AND (customer_id = $3 OR ($4 <> '' AND email_lower = $4))
    AND status IN ('pending', 'complete')
    AND subscription_id IS NULL
    AND NOT is_test
    AND (created_at > $5 OR (created_at = $5 AND id > $2) OR EXISTS (
        SELECT 1 FROM attempts
        WHERE attempts.merchant_id = orders.merchant_id
            AND attempts.order_id = orders.id
            AND attempts.route = 'rerun'
            AND attempts.state = 'approved'
            AND attempts.reversed_at IS NULL
            AND attempts.settled_at > $5))
ORDER BY created_at, id
LIMIT CAST($6 AS BIGINT)"
);

const LIST_WITH_OPEN_RERUN: &str = concat!(
    "-- list_with_open_rerun
SELECT ",
    columns!(),
    "
FROM orders
WHERE merchant_id = $1
    AND id <> $2
    AND (customer_id = $3 OR ($4 <> '' AND email_lower = $4))
    AND status = 'declined'
    AND EXISTS (
        SELECT 1 FROM attempts
        WHERE attempts.merchant_id = orders.merchant_id
            AND attempts.order_id = orders.id
            AND attempts.route = 'rerun'
            AND attempts.deadline_at IS NOT NULL
            AND attempts.state IN ('sending', 'in_doubt', 'pending'))
ORDER BY created_at, id
LIMIT CAST($5 AS BIGINT)"
);

fn customer_args(order: &Order) -> Vec<Value> {
    vec![
        order.merchant_id.into(),
        order.id.into(),
        order.customer_id.into(),
        order.contact.email.to_lowercase().into(),
    ]
}

fn filter_args(merchant_id: MerchantId, filter: &OrderFilter) -> Vec<Value> {
    vec![
        merchant_id.into(),
        Value::id(filter.id),
        Value::Text(filter.status.map(|status| status.as_str().to_owned())),
        filter.campaign_number.into(),
        Value::Text(filter.email.as_ref().map(|email| email.to_lowercase())),
        filter.ip_address.clone().into(),
        Value::Int(Some(filter.created_from.map_or(i64::MIN, Timestamp::as_microsecond))),
        Value::Int(Some(filter.created_before.map_or(i64::MAX, Timestamp::as_microsecond))),
        Value::Text(filter.is_rebill.map(|is| if is { "rebill" } else { "new_sale" }.to_owned())),
        Value::Bool(filter.is_salvaged),
    ]
}

impl Store {
    /// An order.
    pub async fn find_order(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
    ) -> Result<Option<Order>, StoreError> {
        let statement = Statement::new(FIND_ORDER, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Orders, newest first.
    pub async fn list_orders(
        &self,
        merchant_id: MerchantId,
        filter: &OrderFilter,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Order>, StoreError> {
        let mut args = filter_args(merchant_id, filter);
        args.extend([limit.into(), offset.into()]);
        self.query(Statement::new(LIST_ORDERS, args)).await?.iter().map(read).collect()
    }

    /// New sales that the customer of an order made after it and that are paid or under way, and older ones that a rerun
    /// has collected since (M24). The same customer is the same id, or the same e-mail address in any case.
    pub async fn list_bought_since(&self, order: &Order) -> Result<Vec<Order>, StoreError> {
        let mut args = customer_args(order);
        args.extend([order.created_at.into(), OF_CUSTOMER_MAX.into()]);
        self.query(Statement::new(LIST_BOUGHT_SINCE, args)).await?.iter().map(read).collect()
    }

    /// Other declined orders of the same customer that a salvage gateway works on for a rerun (M24).
    pub async fn list_with_open_rerun(&self, order: &Order) -> Result<Vec<Order>, StoreError> {
        let mut args = customer_args(order);
        args.push(OF_CUSTOMER_MAX.into());
        self.query(Statement::new(LIST_WITH_OPEN_RERUN, args)).await?.iter().map(read).collect()
    }

    /// How many orders a filter finds.
    pub async fn count_orders(
        &self,
        merchant_id: MerchantId,
        filter: &OrderFilter,
    ) -> Result<i64, StoreError> {
        let statement = Statement::new(COUNT_ORDERS, filter_args(merchant_id, filter));
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }
}
