//! Bills and hand-overs that got lost, with something else in between: what never left does not count (M13, M20, R87).

use std::sync::atomic::Ordering;

use domain::salvage::Standing;
use domain::subscription::{Subscription, SubscriptionStatus};
use gateways::fake::{Act, Ending};
use rstest::rstest;
use storage::testing::On;

use crate::hooks::{Death, dying};
use crate::shop::{DAY, PRICE, Shop, kept, lapsed, settle, states};
use crate::support::{SOFT, tea};

impl Shop {
    /// The bill that is in doubt is given up as never received.
    async fn never_received(&self) {
        for secs in [80, 300, 1_500] {
            self.bill(secs).await;
        }
    }

    /// Sells one; its rebill is declined softly and due to be handed over.
    async fn to_hand_over(&self) -> Subscription {
        let (_, one) = self.sell().await;
        self.gateway.script([SOFT]);
        self.due(&one).await
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_bill_that_got_lost_after_one_that_never_left_is_made_once_more(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::FailBefore, Act::LoseBefore]);
    shop.due(&one).await;
    shop.due(&one).await;
    shop.never_received().await;
    assert!(shop.attempts(&one).await.iter().all(lapsed));
    assert_eq!(shop.alerts().await, [""; 0]);
    assert_eq!(shop.due(&one).await.cycle, 2);
    assert_eq!(kept(&shop.gateway), 2 * PRICE);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_bill_that_got_lost_twice_waits_for_a_person_whatever_was_in_between(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::LoseBefore, Act::FailBefore, Act::LoseBefore]);
    shop.due(&one).await;
    shop.never_received().await;
    shop.due(&one).await;
    shop.due(&one).await;
    shop.never_received().await;
    assert_eq!(shop.again(&one).await.next_action_at, None);
    assert_eq!(shop.alerts().await, ["bill_lost"]);
    assert_eq!(shop.gateway.requests().len(), 4);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_r87_a_lost_hand_over_keeps_its_deadline_when_the_next_one_never_left(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let one = shop.to_hand_over().await;
    shop.salvage.script([Act::LoseBefore, Act::FailBefore, Act::Pend]);
    shop.due(&one).await;
    shop.bill(80).await;
    shop.due(&one).await;
    shop.due(&one).await;
    let attempts = shop.attempts(&one).await;
    assert_eq!(states(&attempts), ["declined", "not_executed", "not_executed", "pending"]);
    assert_eq!(attempts[2].deadline, attempts[1].deadline);
    assert_eq!(attempts[3].deadline, attempts[1].deadline);
    shop.bill(21 * DAY).await;
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_m23_a_hand_over_that_we_fenced_is_no_failure_when_nobody_read_what_came_of_it(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let one = shop.to_hand_over().await;
    shop.salvage.script([Act::LoseBefore, Act::Pend]);
    let unread = Standing::Unreachable("scripted".to_owned());
    shop.salvage.script_standings([Standing::Unknown, unread, Standing::Cancelled]);
    shop.due(&one).await;
    shop.bill(80).await;
    assert_eq!((states(&shop.attempts(&one).await)[1], shop.salvage.fenced().len()), ("in_doubt", 1));
    shop.bill(600).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleBilling);
    shop.due(&one).await;
    let attempts = shop.attempts(&one).await;
    assert_eq!(states(&attempts), ["declined", "not_executed", "pending"]);
    assert_eq!(attempts[1].deadline, attempts[2].deadline);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_m23_a_process_that_dies_after_its_fence_leaves_no_failure_behind(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let one = shop.to_hand_over().await;
    shop.salvage.script([Act::LoseBefore, Act::Pend]);
    shop.salvage.script_standings([Standing::Unknown, Standing::Unknown, Standing::Cancelled]);
    shop.due(&one).await;
    let death = Death::before("record_outcome");
    let doomed = shop.app.process_over(9, |fakes| fakes, dying(&death)).await;
    shop.app.clock.advance(jiff::SignedDuration::from_secs(80));
    let _ = doomed.pass().await;
    assert_eq!((death.count.load(Ordering::Relaxed), shop.salvage.fenced().len()), (1, 1));
    for _ in 0..4 {
        shop.app.clock.advance(jiff::SignedDuration::from_secs(300));
        settle(&shop.app.hub).await;
    }
    assert_eq!(shop.salvage.fenced().len(), 1, "what is cancelled is not cancelled again");
    assert_eq!(states(&shop.attempts(&one).await)[..2], ["declined", "not_executed"]);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleBilling);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_hand_over_that_stops_for_a_renewed_card_did_not_get_lost(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let one = shop.to_hand_over().await;
    shop.salvage.script([Act::LoseBefore, Act::Pend, Act::Pend, Act::Pend]);
    shop.due(&one).await;
    shop.bill(80).await;
    shop.due(&one).await;
    for year in ["2031", "2032"] {
        let card = recoup_hub::RawCard { year: year.to_owned(), ..tea().card };
        shop.app.hub.change_card(shop.app.merchant, one.id, &card, "ann").await.unwrap();
        shop.due(&one).await;
    }
    assert_eq!(shop.alerts().await, [""; 0]);
    assert_eq!((shop.salvage.requests().len(), shop.salvage.fenced().len()), (4, 3));
    shop.ends(Ending::Completed).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_bill_that_got_lost_twice_is_made_in_the_next_run_on_a_new_card(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::LoseBefore, Act::LoseBefore]);
    shop.due(&one).await;
    shop.never_received().await;
    shop.due(&one).await;
    shop.never_received().await;
    assert_eq!(
        (shop.again(&one).await.next_action_at, shop.alerts().await),
        (None, vec!["bill_lost".to_owned()])
    );
    let mut card = tea().card;
    card.number = "5555555555554444".to_owned().into();
    shop.app.hub.change_card(shop.app.merchant, one.id, &card, "ann").await.unwrap();
    assert_eq!(shop.due(&one).await.cycle, 2);
    assert_eq!(kept(&shop.gateway), 2 * PRICE);
    shop.app.hub.store().close().await;
}
