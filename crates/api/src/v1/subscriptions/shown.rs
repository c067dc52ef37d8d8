//! A subscription as it is shown: in lists, and with its attempt plan and history.

use domain::configuration::Configuration;
use domain::subscription as d;
use hub::{Hub, HubError};
use serde::Serialize;
use utoipa::ToSchema;

use super::history::PaidCycle;
use super::plan::AttemptPlan;
use crate::v1::campaigns::plan::Plan;
use crate::v1::orders::CardShown;
use crate::v1::values::{Instant, Money, words};

words!(
    /// Where a subscription stands.
    SubscriptionStatus of domain::subscription::SubscriptionStatus {
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
);

/// What was agreed at the sale and changed since.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Terms {
    /// What was sold: cycles, trial, days.
    plan: Plan,
    /// Price of one in place of the cycle's.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    /// Whether that price holds for the next bill only.
    price_once: bool,
    /// Shipping in place of the cycle's.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping: Option<Money>,
    /// Days between bills in place of the cycle's.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_days: Option<i64>,
    /// The last cycle; without it there is no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    final_cycle: Option<i64>,
}

/// A subscription.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Subscription {
    /// Its id.
    id: String,
    /// Who buys.
    customer_id: String,
    /// The order that it began on.
    order_id: String,
    /// The campaign.
    campaign_id: String,
    /// The campaign's product that is billed.
    product_id: String,
    /// The product's number.
    product_number: i64,
    /// The product's name.
    product_name: String,
    /// Stock keeping unit.
    sku: String,
    /// How many.
    quantity: i64,
    /// Where it stands.
    status: SubscriptionStatus,
    /// Why it stopped, or will; empty while it runs.
    stop_reason: String,
    /// The gateway that it rests on: an ordinary one, also after a salvage.
    gateway_id: String,
    /// The stored card.
    card_id: String,
    /// The last cycle that was paid; 1 after the checkout.
    cycle: i64,
    /// The recycle slot that is next or under way, 1 to 10; 0 outside recycle billing.
    slot: i64,
    /// When it is billed next. While a salvage gateway works on a bill: its deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_bill_at: Option<Instant>,
    /// What the next bill is; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_amount: Option<Money>,
    /// When a scheduled pause begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_at: Option<Instant>,
    /// What a rule holds back now, and why; empty when nothing is held.
    held: String,
    /// What was agreed.
    terms: Terms,
    /// When it began.
    created_at: Instant,
    /// When it last changed.
    updated_at: Instant,
}

impl From<&d::Subscription> for Subscription {
    fn from(one: &d::Subscription) -> Self {
        let terms = &one.terms;
        let next = one.next_bill_at.and_then(|_| terms.amount_of(one.cycle.saturating_add(1)).ok());
        Self {
            id: one.id.to_string(),
            customer_id: one.customer_id.to_string(),
            order_id: one.order_id.to_string(),
            campaign_id: one.campaign_id.to_string(),
            product_id: one.product_id.to_string(),
            product_number: terms.product_number,
            product_name: terms.name.clone(),
            sku: terms.sku.clone(),
            quantity: terms.quantity,
            status: one.status.into(),
            stop_reason: one.stop_reason.clone(),
            gateway_id: one.gateway_id.to_string(),
            card_id: one.card_id.to_string(),
            cycle: one.cycle,
            slot: one.slot,
            next_bill_at: one.next_bill_at.map(Instant::from),
            next_amount: next.map(Money::from),
            pause_at: one.pause_at.map(Instant::from),
            held: one.held.clone(),
            terms: Terms {
                plan: Plan::show(&terms.plan),
                price: terms.price.map(Money::from),
                price_once: terms.price_once,
                shipping: terms.shipping.map(Money::from),
                interval_days: terms.interval_days,
                final_cycle: terms.final_cycle(),
            },
            created_at: one.created_at.into(),
            updated_at: one.updated_at.into(),
        }
    }
}

/// A subscription with its attempt plan and its paid cycles.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SubscriptionDetail {
    /// The subscription.
    #[serde(flatten)]
    subscription: Subscription,
    /// The card that is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<CardShown>,
    /// What was tried for the current bill, what is held back, and what comes next.
    attempt_plan: AttemptPlan,
    /// Cycles that were paid, the newest first; at most 24.
    history: Vec<PaidCycle>,
}

impl SubscriptionDetail {
    /// Reads what belongs to a subscription.
    pub(crate) async fn load(hub: &Hub, one: d::Subscription) -> Result<Self, HubError> {
        let configuration = hub.configuration(one.merchant_id).await?;
        let card = hub.store().find_card(one.merchant_id, one.card_id).await?;
        Self::with(hub, &configuration, &one, card.map(|card| CardShown::from(&card.shown))).await
    }

    async fn with(
        hub: &Hub,
        configuration: &Configuration,
        one: &d::Subscription,
        card: Option<CardShown>,
    ) -> Result<Self, HubError> {
        Ok(Self {
            subscription: Subscription::from(one),
            card,
            attempt_plan: AttemptPlan::load(hub, configuration, one).await?,
            history: PaidCycle::list(hub, one).await?,
        })
    }
}
