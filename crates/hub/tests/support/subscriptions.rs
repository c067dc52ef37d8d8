//! A shop that sells subscriptions: an ordinary gateway that they rest on, and a salvage gateway that waits in Re-Attempt 4.

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState};
use domain::configuration::{Account, Billing, CampaignProduct, ProductKind, Target};
use domain::ids::{CampaignProductId, GatewayId};
use domain::order::Order;
use domain::plan::{Cycle, Plan};
use domain::recycle::{RecycleProfile, Reduction, Slot};
use domain::subscription::{Subscription, SubscriptionStatus};
use domain::{Clock, Currency, Money};
use gateways::fake::{Act, Ending, FakeGateway};
use jiff::{SignedDuration, Timestamp};
use recoup_hub::{Change, Hub, OrderView, Pass};
use storage::orders::OrderFilter;
use storage::subscriptions::SubscriptionFilter;
use storage::testing::On;

use crate::support::{SOFT, TestHub, tea};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
/// The price of product 7.
pub(crate) const PRICE: i64 = 2_999;

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// The shop's price every 30 days.
pub(crate) fn monthly() -> Plan {
    Plan::every(30, usd(PRICE), usd(0))
}

/// A trial of 7 days at 1.00, then the shop's price every 30 days.
pub(crate) fn trial(kind: domain::plan::Trial) -> Plan {
    let first = Cycle { delay_days: 7, price: usd(100), shipping: usd(0) };
    let later = Cycle { delay_days: 30, price: usd(PRICE), shipping: usd(0) };
    Plan { cycles: vec![first, later], trial: Some(kind), ..monthly() }
}

pub(crate) fn slot(days: i64, reduction: i64) -> Slot {
    Slot { days, reduction, skip: false }
}

/// Three re-attempts on the own gateway, one day apart, then Re-Attempt 4 at the salvage gateway.
pub(crate) fn recycling(own: GatewayId, salvage: GatewayId) -> RecycleProfile {
    RecycleProfile {
        id: domain::ids::RecycleProfileId::from_uuid(uuid::Uuid::from_u128(0x77)),
        number: 1,
        title: "Rebills".to_owned(),
        reduction: Reduction::Percent,
        minimum_price: None,
        bill_on_saturday: false,
        hold_recycle_price: false,
        gateways: vec![own],
        slots: vec![slot(1, 0), slot(1, 0), slot(1, 0), slot(1, 0)],
        final_slot: None,
        gateway_4_to_6: Some(salvage),
        gateway_7_to_9: None,
        gateway_final: None,
    }
}

/// A shop on a fresh database.
pub(crate) struct Shop {
    pub(crate) app: TestHub,
    pub(crate) own: GatewayId,
    pub(crate) gateway: Arc<FakeGateway>,
    pub(crate) salvage_id: GatewayId,
    pub(crate) salvage: Arc<FakeGateway>,
}

impl Shop {
    /// Sells product 7 with this plan, recycled as [`recycling`] says.
    pub(crate) async fn selling(on: On, billing: Billing, plan: Plan) -> Self {
        let app = TestHub::new(on).await;
        let (own, gateway) = app.gateway(1, "first").await;
        let (salvage_id, salvage) = app.salvage(2, "salvage").await;
        let shop = Self { app, own, gateway, salvage_id, salvage };
        shop.app.campaign_of(vec![shop.product(7, billing, plan)]).await;
        shop.recycle(|_| {}).await;
        shop
    }

    /// Sells product 7 every 30 days.
    pub(crate) async fn new(on: On) -> Self {
        Self::selling(on, Billing::Recurring, monthly()).await
    }

    /// Sells product 7 every 30 days; the first soft decline is handed over to the salvage gateway a day later.
    pub(crate) async fn handing_over(on: On) -> Self {
        let shop = Self::new(on).await;
        shop.hand_over_at_once().await;
        shop
    }

    pub(crate) async fn hand_over_at_once(&self) {
        self.recycle(|profile| profile.slots.iter_mut().take(3).for_each(|slot| slot.skip = true)).await;
    }

    pub(crate) fn product(&self, number: i64, billing: Billing, plan: Plan) -> CampaignProduct {
        CampaignProduct {
            id: self.app.hub.minter().mint::<CampaignProductId>(),
            number,
            name: format!("Tea {number}"),
            sku: "TEA".to_owned(),
            kind: ProductKind::Offer,
            billing,
            price: plan.cycles[0].price,
            shipping: plan.cycles[0].shipping,
            plan: Some(plan),
            is_shippable: true,
            target: Target::Gateway(self.own),
        }
    }

    /// Saves [`recycling`] with changes.
    pub(crate) async fn recycle(&self, adjust: impl FnOnce(&mut RecycleProfile)) {
        let mut profile = recycling(self.own, self.salvage_id);
        adjust(&mut profile);
        self.app.change(vec![Change::RecycleProfile(profile)]).await;
    }

    pub(crate) async fn account(&self, adjust: impl FnOnce(&mut Account)) {
        let mut account = self.app.hub.reload(self.app.merchant).await.unwrap().account.clone();
        adjust(&mut account);
        self.app.change(vec![Change::Account(account)]).await;
    }

    /// Sells one to Ann; the order and its subscription.
    pub(crate) async fn sell(&self) -> (OrderView, Subscription) {
        let view = self.app.import(tea()).await;
        let found = self.of_order(&view).await;
        assert_eq!(found.len(), 1);
        (view, found.into_iter().next().unwrap())
    }

    pub(crate) async fn of_order(&self, view: &OrderView) -> Vec<Subscription> {
        let store = self.app.hub.store();
        store.list_subscriptions_of_order(self.app.merchant, view.order.id).await.unwrap()
    }

    /// Sells one to somebody else, with the same card; its subscription.
    pub(crate) async fn sell_to(&self, email: &str) -> Subscription {
        let mut import = tea();
        email.clone_into(&mut import.contact.email);
        let view = self.app.import(import).await;
        self.of_order(&view).await.remove(0)
    }

    /// All subscriptions, newest first.
    pub(crate) async fn subscriptions(&self) -> Vec<Subscription> {
        let (store, filter) = (self.app.hub.store(), SubscriptionFilter::default());
        store.list_subscriptions(self.app.merchant, &filter, 100, 0).await.unwrap()
    }

    /// It as it now stands.
    pub(crate) async fn again(&self, one: &Subscription) -> Subscription {
        let store = self.app.hub.store();
        store.find_subscription(self.app.merchant, one.id).await.unwrap().unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Moves the clock and runs the billing run and the driver until both are idle.
    pub(crate) async fn bill(&self, secs: i64) {
        self.app.clock.advance(SignedDuration::from_secs(secs));
        settle(&self.app.hub).await;
    }

    /// Moves the clock to the moment when the subscription is due, and bills.
    pub(crate) async fn due(&self, one: &Subscription) -> Subscription {
        let at = self.again(one).await.next_action_at.expect("it is due at some time");
        let secs = at.duration_since(self.now()).as_secs();
        assert!(secs >= 0, "it was due before");
        self.bill(secs).await;
        self.again(one).await
    }

    /// Sells one, lets its rebill decline, and hands it over to the salvage gateway, which works on it.
    pub(crate) async fn handed_over(&self) -> (OrderView, Subscription) {
        let (view, one) = self.sell().await;
        (view, self.hand_over(&one).await)
    }

    /// Lets the next bill decline, and hands it over to the salvage gateway, which works on it.
    pub(crate) async fn hand_over(&self, one: &Subscription) -> Subscription {
        self.gateway.script([SOFT]);
        let declined = self.due(one).await;
        assert_eq!((declined.status, declined.slot), (SubscriptionStatus::RecycleBilling, 4));
        self.salvage.script([Act::Pend]);
        let open = self.due(one).await;
        assert_eq!((open.status, open.next_action_at), (SubscriptionStatus::RecycleBilling, None));
        open
    }

    /// How the newest open salvage ends; told by the next poll.
    pub(crate) async fn ends(&self, ending: Ending) {
        let reference = self.salvage.requests().last().unwrap().reference.clone();
        self.salvage.end(&reference, &ending);
        self.poll().await;
    }

    /// Moves the clock to the next look at an open salvage.
    pub(crate) async fn poll(&self) {
        self.bill(12 * 3_600).await;
    }

    /// The attempts of the bill that is being collected.
    pub(crate) async fn attempts(&self, one: &Subscription) -> Vec<Attempt> {
        let payment = self.again(one).await.collecting.expect("a bill is being collected");
        self.app.hub.store().list_attempts_of_payment(self.app.merchant, payment).await.unwrap()
    }

    /// The orders of rebills, oldest first.
    pub(crate) async fn rebills(&self) -> Vec<Order> {
        let (store, filter) = (self.app.hub.store(), OrderFilter::default());
        let mut all = store.list_orders(self.app.merchant, &filter, 100, 0).await.unwrap();
        all.retain(|order| order.subscription_id.is_some());
        all.reverse();
        all
    }

    /// The kinds of the events of an order.
    pub(crate) async fn told(&self, order: &Order) -> Vec<String> {
        let store = self.app.hub.store();
        let events = store.list_events_of_order(self.app.merchant, order.id).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    /// The kinds of open alerts.
    pub(crate) async fn alerts(&self) -> Vec<String> {
        let alerts = self.app.hub.store().list_open_alerts(self.app.merchant, 50).await.unwrap();
        alerts.into_iter().map(|alert| alert.kind).collect()
    }

    /// How often something was shipped for an order.
    pub(crate) async fn shipped(&self, order: &Order) -> usize {
        let store = self.app.hub.store();
        store.list_fulfilments_of_order(self.app.merchant, order.id).await.unwrap().len()
    }

    /// No invariant is broken, and neither the driver nor the billing run has anything left to do now.
    pub(crate) async fn end(self) {
        assert_eq!(self.app.hub.sweep_subscriptions().await.unwrap().subscriptions, 0, "a bill is left over");
        self.app.end().await;
    }
}

/// Passes over everything that is due until nothing is; what was done.
pub(crate) async fn settle(hub: &Hub) -> Pass {
    let mut sum = Pass::default();
    for _ in 0..1_000 {
        let pass = hub.pass().await.unwrap();
        if pass.is_idle() {
            return sum;
        }
        sum.attempts += pass.attempts;
        sum.subscriptions += pass.subscriptions;
    }
    panic!("there is always something due");
}

/// Minor units that a gateway took and kept.
pub(crate) fn kept(gateway: &FakeGateway) -> i64 {
    gateway.booked().iter().map(|one| one.minor).sum()
}

/// The states of attempts, by name.
pub(crate) fn states(attempts: &[Attempt]) -> Vec<&'static str> {
    attempts.iter().map(|attempt| attempt.state.name()).collect()
}

/// Whether an attempt provably did nothing.
pub(crate) fn lapsed(attempt: &Attempt) -> bool {
    matches!(attempt.state, AttemptState::NotExecuted { .. })
}
