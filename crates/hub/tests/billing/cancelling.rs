//! Cancelling an order: what it bills again ends first, and what stopped halfway is finished by whoever cancels again.

use domain::attempt::AttemptState;
use domain::configuration::Billing;
use domain::order::OrderStatus;
use domain::plan::{Plan, Trial};
use domain::subscription::SubscriptionStatus;
use gateways::fake::Act;
use recoup_hub::{Change, PersonError};
use rstest::rstest;
use storage::testing::On;
use storage::{Transaction, orders};

use crate::shop::{DAY, PRICE, Shop, kept, monthly, trial, usd};

/// The gateway's refusal of a refund.
const NO: Act = Act::Decline("300", "too late");

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_cancelled_order_whose_subscription_was_left_is_finished_by_the_next_call(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (view, one) = shop.sell().await;
    let (hub, merchant, id) = (&shop.app.hub, shop.app.merchant, view.order.id);
    // A process ended right after the order was marked.
    let now = hub.minter().now();
    let marked = Transaction::new("marked").with(orders::cancel(merchant, id, OrderStatus::Complete, now));
    hub.store().commit(marked).await.unwrap();
    let cancelled = hub.cancel_order(merchant, id, "called", "ann").await.unwrap();
    assert_eq!(cancelled.order.status, OrderStatus::Cancelled);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    assert_eq!(kept(&shop.gateway), 0, "what was paid is given back");
    let again = hub.cancel_order(merchant, id, "called", "ann").await;
    assert!(matches!(again, Err(PersonError::Conflict(words)) if words == "the order is cancelled already"));
    shop.bill(60 * DAY).await;
    assert_eq!(shop.gateway.requests().len(), 1);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_cancelling_a_refunded_order_ends_what_it_bills_again(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (view, one) = shop.sell().await;
    let (hub, merchant, id) = (&shop.app.hub, shop.app.merchant, view.order.id);
    hub.refund_order(merchant, id, None, "sorry", "ann").await.unwrap();
    assert_eq!(shop.app.fresh(&view).await.order.status, OrderStatus::Refunded);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Active);
    hub.cancel_order(merchant, id, "called", "ann").await.unwrap();
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    assert_eq!(shop.gateway.operated().len(), 1, "given back once");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_refused_refund_stops_the_bills_and_the_rest_is_given_back_by_the_next_call(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, trial(Trial::Standard)).await;
    let (view, one) = shop.sell().await;
    shop.due(&one).await;
    assert_eq!(kept(&shop.gateway), 100 + PRICE, "the trial and its completion, on one order");
    let (hub, merchant, id) = (&shop.app.hub, shop.app.merchant, view.order.id);
    shop.gateway.script_operations([Act::Approve, NO]);
    let refused = hub.cancel_order(merchant, id, "called", "ann").await;
    let Err(PersonError::Conflict(words)) = refused else { panic!("{refused:?}") };
    assert_eq!(words, "the gateway refused the refund: too late; what it bills again is ended");
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    let view = hub.cancel_order(merchant, id, "called", "ann").await.unwrap();
    assert_eq!((view.order.status, kept(&shop.gateway)), (OrderStatus::Cancelled, 0));
    shop.app.hub.store().close().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m5_an_order_that_only_checked_the_card_is_cancelled_without_a_refund(#[case] on: On) {
    let free = Plan {
        cycles: vec![domain::plan::Cycle { price: usd(0), ..monthly().cycles[0].clone() }],
        ..monthly()
    };
    let shop = Shop::selling(on, Billing::Recurring, free).await;
    let (view, one) = shop.sell().await;
    assert_eq!((view.order.status, view.order.total.minor()), (OrderStatus::Complete, 0));
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let view = hub.cancel_order(merchant, view.order.id, "called", "ann").await.unwrap();
    assert_eq!(view.order.status, OrderStatus::Cancelled);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    assert_eq!(shop.gateway.operated(), []);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m5_a_check_that_is_approved_after_the_end_took_nothing_and_leaves_nothing(#[case] on: On) {
    let plan = Plan::every(30, usd(0), usd(0));
    let shop = Shop::selling(on, Billing::Recurring, plan).await;
    let (_, one) = shop.sell().await;
    let gate = shop.gateway.hold_answers();
    shop.app.clock.advance(jiff::SignedDuration::from_secs(31 * DAY));
    let (hub, merchant) = (shop.app.hub.clone(), shop.app.merchant);
    let billing = tokio::spawn(async move { hub.sweep_subscriptions().await.unwrap() });
    gate.arrived().await;
    shop.app.hub.cancel_subscription(merchant, one.id, false, "enough", "ann").await.unwrap();
    gate.open();
    billing.await.unwrap();
    let attempt = shop.attempts(&one).await.remove(0);
    assert!(matches!(attempt.state, AttemptState::Approved { reversed_at: Some(_), .. }), "{attempt:?}");
    assert_eq!((shop.gateway.operated().len(), shop.alerts().await.len()), (0, 0));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_not_removed_while_what_was_sold_in_it_is_billed(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let remove = || hub.configure(merchant, vec![Change::DeleteCampaign(one.campaign_id)], "ann", "");
    let refused = remove().await.unwrap_err().to_string();
    assert!(refused.contains("1 running subscriptions"), "{refused}");
    hub.cancel_subscription(merchant, one.id, false, "enough", "ann").await.unwrap();
    remove().await.unwrap();
    shop.end().await;
}
