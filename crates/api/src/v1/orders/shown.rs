//! An order as it is shown: in lists, and with everything that belongs to it.

use std::collections::BTreeMap;

use domain::order as d;
use hub::{Hub, OrderView};
use serde::Serialize;
use serde_json::Value;
use storage::StoreError;
use storage::operations::Operation as StoredOperation;
use utoipa::ToSchema;

use super::address::Address;
use crate::v1::attempts::Attempt;
use crate::v1::subscriptions::SubscriptionStatus;
use crate::v1::values::{Instant, Money, words};

words!(
    /// Where an order stands.
    OrderStatus of domain::order::OrderStatus {
        /// A checkout that never submitted payment.
        Partial,
        /// Payment under way or in doubt.
        Pending,
        /// Paid.
        Complete,
        /// Not paid.
        Declined,
        /// Paid and given back in full.
        Refunded,
        /// Cancelled.
        Cancelled,
    }
);

/// A line of an order as it was sold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Item {
    /// The campaign product.
    product_id: String,
    /// Its number.
    product_number: i64,
    /// Its name when it was sold.
    name: String,
    /// Stock keeping unit.
    sku: String,
    /// How many.
    quantity: i64,
    /// Price of the line.
    price: Money,
    /// Shipping of the line.
    shipping: Money,
    /// Whether something is shipped.
    is_shippable: bool,
}

/// What may be shown of a card.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CardShown {
    /// `visa`, `mastercard`, …
    brand: String,
    /// First six digits.
    bin: String,
    /// Last four digits.
    last_four: String,
    /// `YYYY-MM`.
    expires: String,
}

/// An order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Order {
    /// Its id.
    id: String,
    /// Who buys.
    customer_id: String,
    /// The subscription whose cycle it bills; absent for a sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_id: Option<String>,
    /// The campaign.
    campaign_id: String,
    /// The campaign's number.
    campaign_number: i64,
    /// Where it stands.
    status: OrderStatus,
    /// Everything that must be paid at checkout.
    total: Money,
    /// Sales tax within the total.
    sales_tax: Money,
    /// What was bought.
    items: Vec<Item>,
    /// Billing name and address.
    billing: Address,
    /// Shipping name and address.
    shipping: Address,
    /// E-mail address.
    email: String,
    /// Telephone.
    phone: String,
    /// The buyer's IP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    /// The card.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<CardShown>,
    /// The gateway first chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    routed_gateway_id: Option<String>,
    /// The gateway profile that chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    routed_gateway_profile_id: Option<String>,
    /// Whether a test card was used.
    is_test: bool,
    /// Whether a salvage gateway collected it.
    is_salvaged: bool,
    /// Why the cascade was skipped or ended.
    cascade_note: String,
    /// Your own fields.
    extra: BTreeMap<String, String>,
    /// When it was made.
    created_at: Instant,
    /// When it last changed.
    updated_at: Instant,
}

impl From<&d::Order> for Order {
    fn from(order: &d::Order) -> Self {
        let ip = &order.contact.ip_address;
        Self {
            id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            subscription_id: order.subscription_id.map(|id| id.to_string()),
            campaign_id: order.campaign_id.to_string(),
            campaign_number: order.campaign_number,
            status: order.status.into(),
            total: order.total.into(),
            sales_tax: order.sales_tax.into(),
            items: order.items.iter().map(Item::from).collect(),
            billing: (&order.contact.billing).into(),
            shipping: (&order.contact.shipping).into(),
            email: order.contact.email.clone(),
            phone: order.contact.phone.clone(),
            ip_address: (!ip.is_empty()).then(|| ip.clone()),
            card: order.card.as_ref().map(CardShown::from),
            routed_gateway_id: order.routed.map(|routed| routed.gateway_id.to_string()),
            routed_gateway_profile_id: order
                .routed
                .and_then(|routed| routed.profile_id)
                .map(|id| id.to_string()),
            is_test: order.is_test,
            is_salvaged: order.is_salvaged,
            cascade_note: order.cascade_note.clone(),
            extra: order.extra.iter().cloned().collect(),
            created_at: order.created_at.into(),
            updated_at: order.updated_at.into(),
        }
    }
}

impl From<&d::OrderItem> for Item {
    fn from(item: &d::OrderItem) -> Self {
        Self {
            product_id: item.product_id.to_string(),
            product_number: item.product_number,
            name: item.name.clone(),
            sku: item.sku.clone(),
            quantity: item.quantity,
            price: item.price.into(),
            shipping: item.shipping.into(),
            is_shippable: item.is_shippable,
        }
    }
}

impl From<&d::CardShown> for CardShown {
    fn from(card: &d::CardShown) -> Self {
        Self {
            brand: card.brand.clone(),
            bin: card.bin.clone(),
            last_four: card.last_four.clone(),
            expires: card.expires.clone(),
        }
    }
}

/// One debt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Payment {
    /// Its id.
    id: String,
    /// What is owed.
    amount: Money,
    /// `attempting`, `in_doubt`, `paid`, `declined` or `reversed`.
    state: String,
    /// The subscription that it bills; absent for a checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_id: Option<String>,
    /// The cycle that it bills.
    #[serde(skip_serializing_if = "Option::is_none")]
    cycle: Option<i64>,
}

/// A subscription that began on the order, in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BegunSubscription {
    /// Its id.
    id: String,
    /// The product that it bills.
    product_number: i64,
    /// Where it stands.
    status: SubscriptionStatus,
    /// The gateway that it rests on.
    gateway_id: String,
    /// The last cycle that was paid.
    cycle: i64,
    /// When it is billed next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_bill_at: Option<Instant>,
}

impl From<&domain::subscription::Subscription> for BegunSubscription {
    fn from(one: &domain::subscription::Subscription) -> Self {
        Self {
            id: one.id.to_string(),
            product_number: one.terms.product_number,
            status: one.status.into(),
            gateway_id: one.gateway_id.to_string(),
            cycle: one.cycle,
            next_bill_at: one.next_bill_at.map(Instant::from),
        }
    }
}

/// A line of the order's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    /// When.
    at: Instant,
    /// What happened.
    words: String,
}

/// A capture, void or refund.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Operation {
    /// Its id.
    id: String,
    /// The approved attempt.
    attempt_id: String,
    /// `capture`, `void` or `refund`.
    kind: String,
    /// How much.
    amount: Money,
    /// Why.
    why: String,
    /// `sending`, `in_doubt`, `done`, `refused` or `not_executed`.
    state: String,
    /// The gateway's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_reference: Option<String>,
    /// The gateway's code when it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The gateway's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// When its intent was committed.
    created_at: Instant,
    /// Whether a person must decide.
    needs_person: bool,
}

impl From<StoredOperation> for Operation {
    fn from(operation: StoredOperation) -> Self {
        Self {
            id: operation.id.to_string(),
            attempt_id: operation.attempt_id.to_string(),
            kind: operation.kind,
            amount: operation.amount.into(),
            why: operation.why,
            state: operation.state,
            gateway_reference: operation.gateway_reference,
            code: operation.code,
            text: operation.text,
            created_at: operation.created_at.into(),
            needs_person: operation.needs_person,
        }
    }
}

/// A shipment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Fulfilment {
    /// Its id.
    id: String,
    /// The payment that earned it.
    payment_id: String,
    /// `hold` or `cancelled`.
    state: String,
    /// When it was made.
    created_at: Instant,
}

/// Something that happened, to be told to the merchant once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its id.
    id: String,
    /// Its kind, e.g. `new_sale`.
    kind: String,
    /// What is told.
    body: Value,
    /// When it happened.
    created_at: Instant,
}

/// An order with everything that belongs to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderDetail {
    /// The order.
    #[serde(flatten)]
    order: Order,
    /// `paid`, `declined`, `in_doubt`, `attempting`, `reversed` or `none`.
    payment_status: String,
    /// `in_doubt` while a salvage is in doubt, `pending` while one is open, else `none`.
    salvage_status: String,
    /// What the buyer reads after a decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_text: Option<String>,
    /// Debts, oldest first.
    payments: Vec<Payment>,
    /// Subscriptions that began on it, oldest first.
    subscriptions: Vec<BegunSubscription>,
    /// Attempts, oldest first.
    attempts: Vec<Attempt>,
    /// Captures, voids and refunds, oldest first.
    operations: Vec<Operation>,
    /// Shipments, oldest first.
    fulfilments: Vec<Fulfilment>,
    /// Events, oldest first.
    events: Vec<Event>,
    /// The history in sentences, oldest first.
    timeline: Vec<TimelineEntry>,
}

impl OrderDetail {
    /// Reads what the view does not hold.
    pub(crate) async fn load(hub: &Hub, view: OrderView) -> Result<Self, StoreError> {
        let (merchant_id, id) = (view.order.merchant_id, view.order.id);
        let store = hub.store();
        let operations = store.list_operations_of_order(merchant_id, id).await?;
        let fulfilments = store.list_fulfilments_of_order(merchant_id, id).await?;
        let events = store.list_events_of_order(merchant_id, id).await?;
        let timeline = store.list_timeline_of_order(merchant_id, id).await?;
        let subscriptions = store.list_subscriptions_of_order(merchant_id, id).await?;
        let declined = view.order.status == d::OrderStatus::Declined;
        let payment = |payment: &domain::payment::Payment| Payment {
            id: payment.id.to_string(),
            amount: payment.amount.into(),
            state: payment.state.as_str().to_owned(),
            subscription_id: payment.cycle.map(|(id, _)| id.to_string()),
            cycle: payment.cycle.map(|(_, cycle)| cycle),
        };
        Ok(Self {
            order: Order::from(&view.order),
            payment_status: view.payment_status().to_owned(),
            salvage_status: view.salvage_status().to_owned(),
            decline_text: declined.then(|| view.decline_text()),
            payments: view.payments.iter().map(payment).collect(),
            subscriptions: subscriptions.iter().map(BegunSubscription::from).collect(),
            attempts: view.attempts.iter().map(Attempt::from).collect(),
            operations: operations.into_iter().map(Operation::from).collect(),
            fulfilments: fulfilments.into_iter().map(Fulfilment::from).collect(),
            events: events.into_iter().map(Event::from).collect(),
            timeline: timeline
                .into_iter()
                .map(|line| TimelineEntry { at: line.at.into(), words: line.words })
                .collect(),
        })
    }
}

impl From<storage::fulfilments::Fulfilment> for Fulfilment {
    fn from(fulfilment: storage::fulfilments::Fulfilment) -> Self {
        Self {
            id: fulfilment.id.to_string(),
            payment_id: fulfilment.payment_id.to_string(),
            state: fulfilment.state.as_str().to_owned(),
            created_at: fulfilment.created_at.into(),
        }
    }
}

impl From<storage::events::Event> for Event {
    fn from(event: storage::events::Event) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind,
            body: serde_json::from_str(&event.body).unwrap_or(Value::Null),
            created_at: event.created_at.into(),
        }
    }
}
