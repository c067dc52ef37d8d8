//! Subscriptions that begin with a paid new sale (crm.md section 3.3, R79).

use domain::attempt::Attempt;
use domain::calendar::{BillingTime, next_bill_at};
use domain::configuration::{Billing, CampaignProduct, Configuration};
use domain::ids::GatewayId;
use domain::order::{Order, OrderItem};
use domain::plan::Plan;
use domain::subscription::{Subscription, SubscriptionStatus, Terms};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use storage::{Step, subscriptions};

use crate::Hub;

/// Days between bills of a recurring product without a plan of its own.
const USUAL_DAYS: i64 = 30;

/// The account's time zone.
pub(crate) fn zone_of(configuration: &Configuration) -> TimeZone {
    TimeZone::get(&configuration.account.time_zone).unwrap_or(TimeZone::UTC)
}

/// The account's rule for the time of day.
pub(crate) fn billing_time<'a>(configuration: &Configuration, zone: &'a TimeZone) -> BillingTime<'a> {
    BillingTime {
        time_zone: zone,
        daily_minute: configuration.account.daily_rebill_minute,
        at_sale_time: configuration.account.rebill_at_sale_time,
    }
}

/// The gateway that a subscription rests on: the one that took the sale, or the first routed one when that salvages
/// declines only (R101, R107, Q45).
fn rests_on(configuration: &Configuration, order: &Order, attempt: &Attempt) -> GatewayId {
    let took = configuration.gateway(attempt.gateway_id);
    let ordinary = took.is_some_and(|gateway| gateway.capabilities.first_charge);
    let routed = order.routed.map(|routed| routed.gateway_id);
    if ordinary { attempt.gateway_id } else { routed.unwrap_or(attempt.gateway_id) }
}

/// What was agreed with this line of an order.
pub(crate) fn terms_of(product: &CampaignProduct, item: &OrderItem, sold_at: Timestamp) -> Terms {
    let plan = product.plan.clone();
    Terms {
        product_number: item.product_number,
        name: item.name.clone(),
        sku: item.sku.clone(),
        quantity: item.quantity,
        currency: item.price.currency(),
        is_shippable: item.is_shippable,
        plan: plan.unwrap_or_else(|| Plan::every(USUAL_DAYS, product.price, product.shipping)),
        price: None,
        price_once: false,
        shipping: None,
        interval_days: None,
        final_cycle: None,
        sold_at,
    }
}

impl Hub {
    /// The subscriptions of a sale that is paid now, by this attempt.
    pub(crate) fn subscriptions_begun(
        &self,
        configuration: &Configuration,
        order: &Order,
        attempt: &Attempt,
    ) -> Vec<Step> {
        let campaign = configuration.campaign(order.campaign_id);
        let mut steps = Vec::new();
        for item in &order.items {
            let products = campaign.map(|campaign| campaign.products.as_slice()).unwrap_or_default();
            let Some(product) = products.iter().find(|product| product.id == item.product_id) else {
                let words = format!(
                    "Order {} is paid, and its product {} is configured no more: if it was recurring, no subscription began.",
                    order.id, item.product_number
                );
                steps.push(self.alert(order, Some(attempt), "subscription_not_begun", words));
                continue;
            };
            if product.billing == Billing::OneTime {
                continue;
            }
            let subscription = self.begun(configuration, order, attempt, product, item);
            let words = match subscription.next_bill_at {
                Some(at) => format!("Subscription to {} began; next bill {at}.", item.name),
                None => format!("Subscription to {} is complete with its first bill.", item.name),
            };
            steps.push(subscriptions::insert(&subscription));
            steps.push(self.event_of(
                &subscription,
                "subscription_started",
                subscription.id.uuid(),
                order.id,
                Some(attempt),
                "",
            ));
            steps.push(self.tell(order, words));
        }
        steps
    }

    fn begun(
        &self,
        configuration: &Configuration,
        order: &Order,
        attempt: &Attempt,
        product: &CampaignProduct,
        item: &OrderItem,
    ) -> Subscription {
        let now = self.minter().now();
        let terms = terms_of(product, item, now);
        let zone = zone_of(configuration);
        let next = next_bill_at(&terms, 1, now, &billing_time(configuration, &zone));
        let status = match (next, terms.plan.trial) {
            (None, _) => SubscriptionStatus::Complete,
            (Some(_), Some(_)) => SubscriptionStatus::Trial,
            (Some(_), None) => SubscriptionStatus::Active,
        };
        Subscription {
            id: self.minter().mint(),
            merchant_id: order.merchant_id,
            customer_id: order.customer_id,
            order_id: order.id,
            campaign_id: order.campaign_id,
            product_id: product.id,
            status,
            stop_reason: String::new(),
            gateway_id: rests_on(configuration, order, attempt),
            card_id: attempt.card_id,
            card_fingerprint: attempt.card_fingerprint.clone(),
            terms,
            cycle: 1,
            collecting: None,
            slot: 0,
            tries: 0,
            next_bill_at: next,
            next_action_at: next,
            pause_at: None,
            // Looked up when the first rebill is made: an approval's id is not part of this decision.
            initial: None,
            held: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}
