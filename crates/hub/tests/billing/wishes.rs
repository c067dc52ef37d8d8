//! What a customer asked for outlives what it took to collect the bill: a cancellation, a pause, a new beginning.

use domain::subscription::{Subscription, SubscriptionStatus};
use jiff::SignedDuration;
use recoup_hub::{PersonError, SubscriptionChange};
use rstest::rstest;
use storage::testing::On;

use crate::shop::{DAY, PRICE, Shop, kept};
use crate::support::{HARD, SOFT};

impl Shop {
    async fn recycled_again(&self, one: &Subscription) -> Subscription {
        let status = Some(SubscriptionStatus::RecycleBilling);
        let change = SubscriptionChange { status, ..SubscriptionChange::default() };
        let hub = &self.app.hub;
        hub.change_subscription(self.app.merchant, one.id, &change, "ann", "").await.unwrap()
    }

    async fn ends_after_next_bill(&self, one: &Subscription) -> Subscription {
        let hub = &self.app.hub;
        hub.cancel_subscription(self.app.merchant, one.id, true, "moving", "ann").await.unwrap()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_cancellation_outlives_recycling_again_and_is_not_turned_into_a_pause(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.ends_after_next_bill(&one).await;
    shop.gateway.script([SOFT]);
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleBilling);
    assert_eq!(shop.recycled_again(&one).await.stop_reason, "moving");
    let paused = shop.app.hub.pause_subscription(shop.app.merchant, one.id, None, "ann", "").await;
    assert!(
        matches!(&paused, Err(PersonError::Conflict(words)) if words.contains("cancel it")),
        "{paused:?}"
    );
    let ended = shop.due(&one).await;
    assert_eq!((ended.status, ended.cycle), (SubscriptionStatus::Cancelled, 2));
    shop.bill(60 * DAY).await;
    assert_eq!(kept(&shop.gateway), 2 * PRICE, "nothing is billed any more");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn why_a_bill_failed_is_forgotten_when_it_is_recycled_again(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([HARD]);
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert_ne!(failed.stop_reason, "");
    assert_eq!(shop.recycled_again(&one).await.stop_reason, "");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_after_the_next_bill_takes_the_place_of_a_scheduled_pause(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let due = one.next_bill_at.unwrap();
    let pause = due - SignedDuration::from_hours(12);
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    hub.pause_subscription(merchant, one.id, Some(pause), "ann", "").await.unwrap();
    assert_eq!(shop.again(&one).await.next_action_at, Some(pause));
    let ending = shop.ends_after_next_bill(&one).await;
    assert_eq!((ending.status, ending.pause_at), (SubscriptionStatus::CancellationScheduled, None));
    assert_eq!(ending.next_action_at, Some(due));
    let ended = shop.due(&one).await;
    assert_eq!((ended.status, ended.cycle), (SubscriptionStatus::Cancelled, 2));
    assert_eq!(kept(&shop.gateway), 2 * PRICE);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn q23_a_bill_that_was_paused_at_a_salvage_gateway_starts_again_tomorrow(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    hub.pause_subscription(merchant, one.id, None, "ann", "").await.unwrap();
    shop.bill(DAY).await;
    let active = hub.reactivate_subscription(merchant, one.id, "ann", "").await.unwrap();
    let wait = active.next_bill_at.unwrap().duration_since(shop.now()).as_secs();
    assert!((1..=2 * DAY).contains(&wait), "in {wait} seconds, not at the salvage's old deadline");
    assert_eq!(active.next_action_at, active.next_bill_at);
    shop.bill(22 * DAY).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    assert_eq!((kept(&shop.gateway), kept(&shop.salvage)), (2 * PRICE, 0));
    shop.end().await;
}
