//! A subscription as these calls answer it: a *purchase* (crm.md 2.4).

use domain::attempt::Attempt;
use domain::configuration::{Billing, CampaignProduct, Configuration};
use domain::money::Money;
use domain::order::{CardShown, Order, OrderItem};
use domain::plan::Trial;
use domain::subscription::{Subscription, SubscriptionStatus};
use serde_json::{Map, Value, json};
use storage::StoreError;

use super::Crm;
use super::account::AccountTime;
use super::numbers::number_of;
use super::order_object::{buyer, flag};

/// A subscription with what its object shows.
#[derive(Debug)]
pub(crate) struct Purchase {
    pub(crate) subscription: Subscription,
    /// The order that it began on.
    origin: Option<Order>,
    card: Option<CardShown>,
    /// The attempt of the current bill that may still come to something.
    open: Option<Attempt>,
}

impl Purchase {
    /// Reads what belongs to a subscription.
    pub(crate) async fn load(crm: &Crm, subscription: Subscription) -> Result<Self, StoreError> {
        let (store, merchant_id) = (crm.hub.store(), subscription.merchant_id);
        let origin = store.find_order(merchant_id, subscription.order_id).await?;
        let card = store.find_card(merchant_id, subscription.card_id).await?.map(|card| card.shown);
        let open = open_attempt(crm, &subscription).await?;
        Ok(Self { subscription, origin, card, open })
    }

    /// As the API tells it.
    pub(crate) fn object(&self, configuration: &Configuration) -> Value {
        let one = &self.subscription;
        let mut object = Map::new();
        let mut put = |fields: Value| {
            if let Value::Object(fields) = fields {
                object.extend(fields);
            }
        };
        if let Some(origin) = &self.origin {
            put(buyer(origin));
            let aff = origin.extra.iter().find(|(name, _)| name == "affId").map(|(_, value)| value);
            put(json!({ "affId": aff }));
        }
        put(product(configuration, one));
        put(self.billing(configuration));
        put(self.standing(configuration));
        let card = self.card.as_ref();
        let expires = card.and_then(|card| card.expires.split_once('-'));
        put(json!({
            "paySource": "CREDITCARD",
            "paySourceId": one.card_id.base32(),
            "cardType": card.map(|card| card.brand.to_ascii_uppercase()),
            "cardBin": card.map(|card| card.bin.as_str()),
            "cardLast4": card.map(|card| card.last_four.as_str()),
            "cardExpiryDate": expires.map(|(year, month)| format!("{month}/{year}")),
        }));
        Value::Object(object)
    }

    fn billing(&self, configuration: &Configuration) -> Value {
        let (one, terms) = (&self.subscription, &self.subscription.terms);
        let time = AccountTime::of(&configuration.account);
        let next = one.cycle.saturating_add(1);
        let planned = terms.plan.cycle(next);
        let price = terms.price.or_else(|| planned.map(|cycle| cycle.price));
        let shipping = terms.shipping.or_else(|| planned.map(|cycle| cycle.shipping));
        json!({
            "billingType": billing_type(configuration, one),
            "billingCycleType": billing_type(configuration, one),
            "trialType": terms.plan.trial.map(|trial| match trial {
                Trial::Standard => "STANDARD",
                Trial::Accelerated => "ACCELERATED",
            }),
            "billingCycleNumber": one.cycle,
            "finalBillingCycle": terms.final_cycle(),
            "billingIntervalDays": terms.delay_days(next),
            "nextBillDate": one.next_bill_at.map(|at| time.show(at)),
            "pauseDate": one.pause_at.map(|at| time.show(at)),
            "merchant": configuration.gateway(one.gateway_id).map(|gateway| gateway.title.as_str()),
            "merchantId": number_of(configuration, Some(one.gateway_id)),
            "price": price.map(Money::decimal),
            "priceNextOnly": flag(terms.price_once),
            "shippingPrice": shipping.map(Money::decimal),
            "totalAmount": terms.amount_of(next).ok().map(Money::decimal),
            "currencyCode": terms.currency.code(),
            "currencySymbol": terms.currency.symbol(),
        })
    }

    fn standing(&self, configuration: &Configuration) -> Value {
        let one = &self.subscription;
        let time = AccountTime::of(&configuration.account);
        let is_ended =
            matches!(one.status, SubscriptionStatus::Cancelled | SubscriptionStatus::CancellationScheduled);
        let reason = Some(one.stop_reason.as_str()).filter(|reason| !reason.is_empty());
        json!({
            "purchaseId": one.id.base32(),
            "orderId": one.order_id.base32(),
            "customerId": one.customer_id.base32(),
            "status": word(one.status),
            "recycleNumber": one.slot,
            "salvageStatus": self.salvage_status(),
            "heldReason": Some(one.held.as_str()).filter(|held| !held.is_empty()),
            "cancelReason": reason.filter(|_| is_ended),
            "failReason": reason.filter(|_| one.status == SubscriptionStatus::RecycleFailed),
            "dateCreated": time.show(one.created_at),
            "dateUpdated": time.show(one.updated_at),
        })
    }

    /// `PENDING` while a salvage gateway works on the current bill (Q3), `IN_DOUBT` while nobody knows, else `NONE`.
    fn salvage_status(&self) -> &'static str {
        match &self.open {
            Some(open) if open.salvages.is_some() => match open.state {
                domain::attempt::AttemptState::InDoubt { .. } => "IN_DOUBT",
                _ => "PENDING",
            },
            Some(_) | None => "NONE",
        }
    }
}

/// The attempt of the current bill that may still come to something.
pub(crate) async fn open_attempt(
    crm: &Crm,
    subscription: &Subscription,
) -> Result<Option<Attempt>, StoreError> {
    let Some(bill) = subscription.collecting else { return Ok(None) };
    let attempts = crm.hub.store().list_attempts_of_payment(subscription.merchant_id, bill).await?;
    Ok(attempts.into_iter().find(|attempt| attempt.state.is_open()))
}

/// A status as that API spells it, e.g. `RECYCLE_BILLING`.
pub(crate) fn word(status: SubscriptionStatus) -> String {
    status.as_str().to_ascii_uppercase()
}

/// `RECURRING` or `MULTI_PAY`.
pub(crate) fn billing_type(configuration: &Configuration, one: &Subscription) -> &'static str {
    let is_multi_pay = match product_of(configuration, one).map(|product| product.billing) {
        Some(Billing::MultiPay) => true,
        Some(Billing::Recurring) => false,
        // The product is gone or is sold otherwise by now: instalments are what ships once.
        Some(Billing::OneTime) | None => one.terms.plan.ships_once,
    };
    if is_multi_pay { "MULTI_PAY" } else { "RECURRING" }
}

fn product_of<'a>(configuration: &'a Configuration, one: &Subscription) -> Option<&'a CampaignProduct> {
    let campaign = configuration.campaign(one.campaign_id)?;
    campaign.products.iter().find(|product| product.id == one.product_id)
}

fn product(configuration: &Configuration, one: &Subscription) -> Value {
    let campaign = configuration.campaign(one.campaign_id);
    json!({
        "campaignId": campaign.map(|campaign| campaign.number),
        "campaignName": campaign.map(|campaign| campaign.title.as_str()),
        "productId": one.terms.product_number,
        "campaignProductId": one.terms.product_number,
        "productName": one.terms.name,
        "productSku": one.terms.sku,
        "productQty": one.terms.quantity,
    })
}

/// The subscriptions that an order shows: those that began on it, or the one whose cycle it bills.
pub(crate) async fn purchases_of(crm: &Crm, order: &Order) -> Result<Vec<Subscription>, StoreError> {
    let store = crm.hub.store();
    match order.subscription_id {
        Some(id) => Ok(store.find_subscription(order.merchant_id, id).await?.into_iter().collect()),
        None => store.list_subscriptions_of_order(order.merchant_id, order.id).await,
    }
}

/// For each item the subscription that began with it. A subscription that was put on another product since is matched
/// to the first recurring item that is left: they began in the order of the items.
pub(crate) fn matched<'a>(
    configuration: &Configuration,
    order: &Order,
    subscriptions: &'a [Subscription],
) -> Vec<Option<&'a Subscription>> {
    let mut left: Vec<&Subscription> = subscriptions.iter().collect();
    let mut take = |is_it: &dyn Fn(&Subscription) -> bool| {
        let at = left.iter().position(|one| is_it(one))?;
        Some(left.remove(at))
    };
    let mut found: Vec<Option<&Subscription>> =
        order.items.iter().map(|item| take(&|one| one.product_id == item.product_id)).collect();
    for (slot, item) in found.iter_mut().zip(&order.items) {
        if slot.is_none() && is_recurring(configuration, order, item) {
            *slot = take(&|_| true);
        }
    }
    found
}

/// Whether an item's product is billed again.
fn is_recurring(configuration: &Configuration, order: &Order, item: &OrderItem) -> bool {
    let products = configuration.campaign(order.campaign_id).map(|campaign| campaign.products.as_slice());
    let mut products = products.unwrap_or_default().iter();
    products.any(|product| product.id == item.product_id && product.billing != Billing::OneTime)
}
