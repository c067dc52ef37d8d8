//! Several processes, crashes at every seam, and customers who act while a gateway answers: billed once, or not at all.

use domain::doubt::FenceAnswer;
use domain::subscription::SubscriptionStatus;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use rstest::rstest;
use storage::testing::On;

use std::sync::atomic::Ordering;

use crate::hooks::{Death, dying};
use crate::shop::{DAY, PRICE, Shop, kept, settle, states};
use crate::support::SOFT;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_bill_at_once_bill_each_subscription_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    for number in 0..9 {
        shop.sell_to(&format!("{number}@example.test")).await;
    }
    let other = shop.app.another_process(9).await;
    for cycle in 2..=3 {
        shop.app.clock.set(shop.again(&one).await.next_action_at.unwrap());
        let (left, right) = tokio::join!(settle(&shop.app.hub), settle(&other));
        assert!(left.subscriptions + right.subscriptions >= 10);
        assert!(shop.subscriptions().await.iter().all(|one| one.cycle == cycle));
    }
    assert_eq!((shop.gateway.requests().len(), kept(&shop.gateway)), (30, 30 * PRICE));
    assert_eq!(shop.rebills().await.len(), 20);
    shop.end().await;
}

#[rstest]
#[case::intent_sqlite(On::Sqlite, Death::before("bill_intent"), 1)]
#[case::intent_postgres(On::Postgres, Death::before("bill_intent"), 1)]
#[case::unsent_sqlite(On::Sqlite, Death::after("bill_intent"), 1)]
#[case::unsent_postgres(On::Postgres, Death::after("bill_intent"), 1)]
#[case::unrecorded_sqlite(On::Sqlite, Death::before("record_outcome"), 2)]
#[case::unrecorded_postgres(On::Postgres, Death::before("record_outcome"), 2)]
#[case::recorded_sqlite(On::Sqlite, Death::after("record_outcome"), 2)]
#[case::recorded_postgres(On::Postgres, Death::after("record_outcome"), 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_around_a_bill_is_taken_up_and_the_bill_is_paid_once(
    #[case] on: On,
    #[case] death: std::sync::Arc<Death>,
    #[case] charged: usize,
) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let doomed = shop.app.process_over(9, |fakes| fakes, dying(&death)).await;
    shop.app.clock.set(one.next_action_at.unwrap());
    let _ = doomed.sweep_subscriptions().await;
    assert_eq!(death.count.load(Ordering::Relaxed), 1);
    assert_eq!(shop.gateway.requests().len(), charged);
    // Somebody else takes it up when its lease, or the longest call, is over.
    for _ in 0..24 {
        shop.bill(300).await;
    }
    let paid = shop.again(&one).await;
    assert_eq!((paid.cycle, paid.status), (2, SubscriptionStatus::Active));
    assert_eq!((shop.gateway.requests().len(), kept(&shop.gateway)), (2, 2 * PRICE));
    assert_eq!(shop.rebills().await.len(), 1);
    shop.end().await;
}

#[rstest]
#[case::unsent_sqlite(On::Sqlite, Death::after("bill_intent"), 0)]
#[case::unsent_postgres(On::Postgres, Death::after("bill_intent"), 0)]
#[case::unrecorded_sqlite(On::Sqlite, Death::before("open_salvage"), 1)]
#[case::unrecorded_postgres(On::Postgres, Death::before("open_salvage"), 1)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_a_process_that_dies_around_a_hand_over_leaves_one_salvage(
    #[case] on: On,
    #[case] death: std::sync::Arc<Death>,
    #[case] submitted: usize,
) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    let declined = shop.due(&one).await;
    shop.salvage.script([Act::Pend]);
    let doomed = shop.app.process_over(9, |fakes| fakes, dying(&death)).await;
    shop.app.clock.set(declined.next_action_at.unwrap());
    let _ = doomed.sweep_subscriptions().await;
    assert_eq!(shop.salvage.requests().len(), submitted);
    for _ in 0..12 {
        shop.bill(300).await;
    }
    assert_eq!(shop.salvage.booked().len(), 1, "one salvage at the gateway");
    let last = shop.attempts(&one).await.pop().unwrap();
    assert_eq!(last.state.name(), "pending");
    assert_eq!(last.deadline, Some(declined.next_action_at.unwrap() + SignedDuration::from_hours(21 * 24)));
    shop.ends(Ending::Completed).await;
    assert_eq!((shop.again(&one).await.cycle, kept(&shop.salvage)), (2, PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_pause_while_the_gateway_answers_is_kept_and_the_approval_too(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let gate = shop.gateway.hold_answers();
    shop.app.clock.set(one.next_action_at.unwrap());
    let hub = shop.app.hub.clone();
    let billing = tokio::spawn(async move { settle(&hub).await });
    gate.arrived().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let paused = hub.pause_subscription(merchant, one.id, None, "ann", "").await.unwrap();
    assert_eq!((paused.status, paused.cycle), (SubscriptionStatus::Paused, 1));
    gate.open();
    billing.await.unwrap();
    let paid = shop.again(&one).await;
    assert_eq!((paid.status, paid.cycle, paid.next_action_at), (SubscriptionStatus::Paused, 2, None));
    assert_eq!((kept(&shop.gateway), shop.rebills().await.len()), (2 * PRICE, 1));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_bill_approved_while_the_customer_cancels_is_given_back(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let gate = shop.gateway.hold_answers();
    shop.app.clock.set(one.next_action_at.unwrap());
    let hub = shop.app.hub.clone();
    let billing = tokio::spawn(async move { settle(&hub).await });
    gate.arrived().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    hub.cancel_subscription(merchant, one.id, false, "no more", "ann").await.unwrap();
    gate.open();
    billing.await.unwrap();
    let ended = shop.again(&one).await;
    assert_eq!((ended.status, ended.cycle), (SubscriptionStatus::Cancelled, 1));
    assert_eq!((kept(&shop.gateway), shop.alerts().await), (PRICE, vec!["late_approval".to_owned()]));
    assert_eq!(shop.rebills().await, []);
    // Reactivated, the same debt is billed once more.
    hub.reactivate_subscription(merchant, one.id, "ann", "").await.unwrap();
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_decline_while_the_customer_pauses_recycles_nothing(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    let gate = shop.gateway.hold_answers();
    shop.app.clock.set(one.next_action_at.unwrap());
    let hub = shop.app.hub.clone();
    let billing = tokio::spawn(async move { settle(&hub).await });
    gate.arrived().await;
    shop.app.hub.pause_subscription(shop.app.merchant, one.id, None, "ann", "").await.unwrap();
    gate.open();
    billing.await.unwrap();
    shop.bill(10 * DAY).await;
    let paused = shop.again(&one).await;
    assert_eq!((paused.status, paused.cycle), (SubscriptionStatus::Paused, 1));
    assert_eq!(shop.gateway.requests().len(), 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_hand_over_that_is_answered_after_a_pause_is_stopped_at_once(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    let declined = shop.due(&one).await;
    shop.salvage.script([Act::Pend]);
    let gate = shop.salvage.hold_answers();
    shop.app.clock.set(declined.next_action_at.unwrap());
    let hub = shop.app.hub.clone();
    let billing = tokio::spawn(async move { settle(&hub).await });
    gate.arrived().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    hub.pause_subscription(merchant, one.id, None, "ann", "").await.unwrap();
    assert_eq!(shop.salvage.fenced().len(), 0, "not before it has arrived");
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "sending"]);
    gate.open();
    billing.await.unwrap();
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    assert_eq!(shop.salvage.fenced().len(), 1);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Paused);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m21_two_processes_that_close_a_salvage_at_once_close_it_once(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let other = shop.app.another_process(9).await;
    shop.salvage.script_fences([FenceAnswer::Failed]);
    shop.app.clock.advance(SignedDuration::from_hours(21 * 24));
    let (left, right) = tokio::join!(settle(&shop.app.hub), settle(&other));
    assert_eq!(left.attempts + right.attempts, 1);
    assert_eq!(shop.alerts().await, ["salvage_not_closed"]);
    shop.app.clock.advance(SignedDuration::from_secs(600));
    let (left, right) = tokio::join!(settle(&shop.app.hub), settle(&other));
    assert_eq!(left.attempts + right.attempts, 1);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    shop.end().await;
}
