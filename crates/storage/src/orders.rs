//! Orders: what customers bought.

use domain::contact::{Address, Contact};
use domain::ids::{MerchantId, OrderId};
use domain::money::{Currency, Money};
use domain::order::{CardShown, Order, OrderItem, OrderStatus, Routed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    INSERT_ORDER,
    SUBMIT_ORDER,
    SET_ORDER_STATUS,
    CANCEL_ORDER,
    DECLINE_ORDER,
    STILL_PENDING,
    COMPLETE_ORDER,
    COMPLETE_DECLINED_ORDER,
    STILL_DECLINED,
    UPDATE_PARTIAL,
    FIND_ORDER,
    LIST_ORDERS,
    COUNT_ORDERS,
    LIST_BOUGHT_SINCE,
    LIST_WITH_OPEN_RERUN,
];

/// The parts of an order that are only ever read and written whole.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    items: Vec<Item>,
    billing: Place,
    shipping: Place,
    email: String,
    phone: String,
    extra: Vec<(String, String)>,
    card: Option<Shown>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    product_id: Uuid,
    product_number: i64,
    name: String,
    sku: String,
    quantity: i64,
    price_minor: i64,
    shipping_minor: i64,
    is_shippable: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    brand: String,
    bin: String,
    last_four: String,
    expires: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Place {
    first_name: String,
    last_name: String,
    company: String,
    line1: String,
    line2: String,
    city: String,
    state: String,
    postal_code: String,
    country: String,
}

impl Place {
    fn of(address: &Address) -> Self {
        Self {
            first_name: address.first_name.clone(),
            last_name: address.last_name.clone(),
            company: address.company.clone(),
            line1: address.line1.clone(),
            line2: address.line2.clone(),
            city: address.city.clone(),
            state: address.state.clone(),
            postal_code: address.postal_code.clone(),
            country: address.country.clone(),
        }
    }

    fn address(self) -> Address {
        Address {
            first_name: self.first_name,
            last_name: self.last_name,
            company: self.company,
            line1: self.line1,
            line2: self.line2,
            city: self.city,
            state: self.state,
            postal_code: self.postal_code,
            country: self.country,
        }
    }
}

fn details(order: &Order) -> String {
    let item = |item: &OrderItem| Item {
        product_id: item.product_id.uuid(),
        product_number: item.product_number,
        name: item.name.clone(),
        sku: item.sku.clone(),
        quantity: item.quantity,
        price_minor: item.price.minor(),
        shipping_minor: item.shipping.minor(),
        is_shippable: item.is_shippable,
    };
    let shown = |card: &CardShown| Shown {
        brand: card.brand.clone(),
        bin: card.bin.clone(),
        last_four: card.last_four.clone(),
        expires: card.expires.clone(),
    };
    let whole = Details {
        items: order.items.iter().map(item).collect(),
        billing: Place::of(&order.contact.billing),
        shipping: Place::of(&order.contact.shipping),
        email: order.contact.email.clone(),
        phone: order.contact.phone.clone(),
        extra: order.extra.clone(),
        card: order.card.as_ref().map(shown),
    };
    serde_json::to_string(&whole).unwrap_or_default()
}

/// The columns that [`read`] reads, with this before each name.
macro_rules! order_columns {
    ($table:literal) => {
        order_columns!($table; merchant_id id customer_id campaign_id campaign_number status total_minor sales_tax_minor
            currency ip_address routed_gateway_id routed_profile_id is_test is_salvaged cascade_note details created_at
            updated_at)
    };
    ($table:literal; $($column:ident)+) => {
        concat!($($table, stringify!($column), ", ",)+ $table, "subscription_id")
    };
}
pub(crate) use order_columns;

macro_rules! columns {
    () => {
        order_columns!("")
    };
}

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
    AND ($9 IS NULL OR $9 = CASE WHEN subscription_id IS NULL THEN 'new_sale' ELSE 'rebill' END)"
    };
}

const LIST_ORDERS: &str = concat!(
    "-- list_orders
SELECT ",
    columns!(),
    filter!(),
    "
ORDER BY created_at DESC, id DESC
LIMIT $10 OFFSET $11"
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
LIMIT $6"
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
LIMIT $5"
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

/// An order from the row of [`order_columns`].
pub(crate) fn read(row: &Row) -> Result<Order, StoreError> {
    let id: OrderId = row.id("id")?;
    let wrong = |column| StoreError::Inconsistent { table: "orders", column, id: id.to_string() };
    let currency: Currency = row.word("currency", Currency::parse)?;
    let money = |minor| Money::new(minor, currency);
    let whole: Details = serde_json::from_str(&row.text("details")?).map_err(|_| wrong("details"))?;
    let item = |item: Item| OrderItem {
        product_id: domain::ids::CampaignProductId::from_uuid(item.product_id),
        product_number: item.product_number,
        name: item.name,
        sku: item.sku,
        quantity: item.quantity,
        price: money(item.price_minor),
        shipping: money(item.shipping_minor),
        is_shippable: item.is_shippable,
    };
    let gateway: Option<domain::ids::GatewayId> = row.opt_id("routed_gateway_id")?;
    let profile_id = row.opt_id("routed_profile_id")?;
    Ok(Order {
        id,
        merchant_id: row.id("merchant_id")?,
        customer_id: row.id("customer_id")?,
        subscription_id: row.opt_id("subscription_id")?,
        campaign_id: row.id("campaign_id")?,
        campaign_number: row.int("campaign_number")?,
        status: row.word("status", OrderStatus::parse)?,
        total: money(row.int("total_minor")?),
        sales_tax: money(row.int("sales_tax_minor")?),
        items: whole.items.into_iter().map(item).collect(),
        contact: Contact {
            billing: whole.billing.address(),
            shipping: whole.shipping.address(),
            email: whole.email,
            phone: whole.phone,
            ip_address: row.text("ip_address")?,
        },
        routed: gateway.map(|gateway_id| Routed { gateway_id, profile_id }),
        is_test: row.bool("is_test")?,
        is_salvaged: row.bool("is_salvaged")?,
        cascade_note: row.text("cascade_note")?,
        extra: whole.extra,
        card: whole.card.map(|card| CardShown {
            brand: card.brand,
            bin: card.bin,
            last_four: card.last_four,
            expires: card.expires,
        }),
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}
