//! Orders: what a customer bought.

use jiff::Timestamp;

use crate::attempt::words;
use crate::contact::Contact;
use crate::ids::{
    CampaignId, CampaignProductId, CustomerId, GatewayId, GatewayProfileId, MerchantId, OrderId,
    SubscriptionId,
};
use crate::money::Money;

/// Where an order stands (crm.md section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// A checkout that never submitted payment.
    Partial,
    /// Payment under way, in doubt, or waiting for review.
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

words!(OrderStatus {
    Partial = "partial",
    Pending = "pending",
    Complete = "complete",
    Declined = "declined",
    Refunded = "refunded",
    Cancelled = "cancelled",
});

/// One line of an order: a campaign product as it was sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// The campaign product.
    pub product_id: CampaignProductId,
    /// Its number in the CRM-compatible API.
    pub product_number: i64,
    /// Its name when it was sold.
    pub name: String,
    /// Stock keeping unit; may be empty.
    pub sku: String,
    /// How many, at least 1.
    pub quantity: i64,
    /// Price of the line: unit price times quantity.
    pub price: Money,
    /// Shipping of the line.
    pub shipping: Money,
    /// Whether something is shipped for it.
    pub is_shippable: bool,
}

/// How an order's first charge was routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed {
    /// The gateway first chosen: subscriptions rest on it (M26).
    pub gateway_id: GatewayId,
    /// The gateway profile that chose it.
    pub profile_id: Option<GatewayProfileId>,
}

/// What a customer bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Who buys.
    pub customer_id: CustomerId,
    /// The subscription whose cycle it bills; none for a new sale.
    pub subscription_id: Option<SubscriptionId>,
    /// The catalogue.
    pub campaign_id: CampaignId,
    /// The catalogue's number in the CRM-compatible API.
    pub campaign_number: i64,
    /// Where it stands.
    pub status: OrderStatus,
    /// Everything that must be paid at checkout.
    pub total: Money,
    /// Sales tax within the total.
    pub sales_tax: Money,
    /// What was bought.
    pub items: Vec<OrderItem>,
    /// Who buys, and where things go.
    pub contact: Contact,
    /// How the first charge was routed; none while partial.
    pub routed: Option<Routed>,
    /// Whether a test card was used: no gateway, no fulfilment, no event (R149).
    pub is_test: bool,
    /// Whether a salvage gateway collected it (Q37).
    pub is_salvaged: bool,
    /// Why the cascade was skipped or ended, when it was: one sentence.
    pub cascade_note: String,
    /// The merchant's own fields (`custom1` …, affiliate ids), by name.
    pub extra: Vec<(String, String)>,
    /// The card's brand, first six and last four, and expiry, for showing; empty while partial.
    pub card: Option<CardShown>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What may be shown of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardShown {
    /// Brand word, e.g. `visa`.
    pub brand: String,
    /// First six digits.
    pub bin: String,
    /// Last four digits.
    pub last_four: String,
    /// Expiry as `YYYY-MM`.
    pub expires: String,
}

/// Where a shipment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FulfilmentState {
    /// Made; not yet sent to the warehouse.
    Hold,
    /// Cancelled before it was sent.
    Cancelled,
}

words!(FulfilmentState { Hold = "hold", Cancelled = "cancelled" });
