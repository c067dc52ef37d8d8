//! Subscriptions: the continuity of one product (crm.md sections 2.4 and 3.3).

use jiff::Timestamp;

use crate::attempt::words;
use crate::ids::{
    CampaignId, CampaignProductId, CardId, CustomerId, GatewayId, MerchantId, OrderId, PaymentId,
    SubscriptionId,
};
use crate::money::{Currency, Money};
use crate::plan::Plan;

mod terms;
mod transitions;

pub use terms::NoAmount;
pub use transitions::{Refused, SubscriptionEvent};

/// Where a subscription stands (crm.md section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionStatus {
    /// Sold with a trial; not yet rebilled.
    Trial,
    /// Billed cycle by cycle.
    Active,
    /// Not billed until it is reactivated.
    Paused,
    /// Billed until the date of its pause.
    PauseScheduled,
    /// Its final cycle was billed.
    Complete,
    /// Ended by customer or merchant.
    Cancelled,
    /// Ends after the next bill.
    CancellationScheduled,
    /// The rebill was declined softly and is tried again.
    RecycleBilling,
    /// The rebill was not collected, and nothing tries any more.
    RecycleFailed,
}

words!(SubscriptionStatus {
    Trial = "trial",
    Active = "active",
    Paused = "paused",
    PauseScheduled = "pause_scheduled",
    Complete = "complete",
    Cancelled = "cancelled",
    CancellationScheduled = "cancellation_scheduled",
    RecycleBilling = "recycle_billing",
    RecycleFailed = "recycle_failed",
});

/// What was agreed at the sale, and what was changed since. Later changes of the product do not touch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The product's number in the CRM-compatible API.
    pub product_number: i64,
    /// Its name.
    pub name: String,
    /// Stock keeping unit; may be empty.
    pub sku: String,
    /// How many, at least 1.
    pub quantity: i64,
    /// The currency of its prices.
    pub currency: Currency,
    /// Whether something is shipped.
    pub is_shippable: bool,
    /// Its cycles.
    pub plan: Plan,
    /// Price of one in place of the cycle's.
    pub price: Option<Money>,
    /// Whether [`Self::price`] holds for the next bill only.
    pub price_once: bool,
    /// Shipping in place of the cycle's.
    pub shipping: Option<Money>,
    /// Days between bills in place of the cycle's.
    pub interval_days: Option<i64>,
    /// The last cycle in place of the plan's.
    pub final_cycle: Option<i64>,
    /// When it was sold: its time of day and day of the month are kept where the account or the plan says so.
    pub sold_at: Timestamp,
}

/// The approved first charge that later ones refer to (M30).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialCharge {
    /// The gateway that made it; only there does its id mean anything.
    pub gateway_id: GatewayId,
    /// The gateway's id of it.
    pub reference: String,
}

/// The continuity of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Who buys.
    pub customer_id: CustomerId,
    /// The order that it began on.
    pub order_id: OrderId,
    /// The catalogue.
    pub campaign_id: CampaignId,
    /// What is billed.
    pub product_id: CampaignProductId,
    /// Where it stands.
    pub status: SubscriptionStatus,
    /// Why it stopped, in one sentence; empty while it runs.
    pub stop_reason: String,
    /// The gateway that it rests on: an ordinary one, never moved by a salvage (M26).
    pub gateway_id: GatewayId,
    /// The stored card.
    pub card_id: CardId,
    /// The card's keyed fingerprint.
    pub card_fingerprint: String,
    /// What was agreed.
    pub terms: Terms,
    /// The last cycle that was paid; 1 after the checkout.
    pub cycle: i64,
    /// The debt of the next cycle, from its first attempt until it is paid.
    pub collecting: Option<PaymentId>,
    /// The recycle slot that is next or under way, 1 to 10; 0 outside recycle billing.
    pub slot: i64,
    /// Attempts in a row that provably did nothing: the same step is made again a few times.
    pub tries: i64,
    /// When it is billed next, as people see it.
    pub next_bill_at: Option<Timestamp>,
    /// When the billing run looks at it next; none while nothing is due or an attempt is under way.
    pub next_action_at: Option<Timestamp>,
    /// When a scheduled pause begins.
    pub pause_at: Option<Timestamp>,
    /// The approved charge that later ones refer to.
    pub initial: Option<InitialCharge>,
    /// What a rule holds back now, in one sentence; empty when nothing is held.
    pub held: String,
    /// Counts its changes: who has read an older one writes nothing.
    pub version: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
