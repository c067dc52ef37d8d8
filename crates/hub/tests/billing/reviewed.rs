//! Stories that a review of the money paths found.

use domain::configuration::Billing;
use domain::order::OrderStatus;
use domain::plan::Trial;
use domain::subscription::SubscriptionStatus;
use gateways::fake::{Act, Ending};
use recoup_hub::PersonError;
use rstest::rstest;
use storage::Transaction;
use storage::late_approvals::{self, LateApproval, LateState};
use storage::testing::On;

use crate::shop::{DAY, PRICE, Shop, kept, trial};
use crate::support::{SOFT, tea};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_pause_begins_also_while_a_bill_recycles(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let due = one.next_action_at.unwrap();
    let pause = due + jiff::SignedDuration::from_hours(12);
    hub.pause_subscription(merchant, one.id, Some(pause), "ann", "").await.unwrap();
    shop.gateway.script([SOFT]);
    let recycling = shop.due(&one).await;
    assert_eq!((recycling.status, recycling.pause_at), (SubscriptionStatus::RecycleBilling, Some(pause)));
    shop.bill(3 * DAY).await;
    let paused = shop.again(&one).await;
    assert_eq!((paused.status, paused.next_action_at), (SubscriptionStatus::Paused, None));
    assert_eq!(kept(&shop.gateway), PRICE, "nothing was charged after the date");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r131_a_trial_completion_that_is_given_back_spares_the_order_of_the_trial(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, trial(Trial::Accelerated)).await;
    let (view, one) = shop.sell().await;
    assert_eq!(shop.due(&one).await.cycle, 2);
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let attempts = hub.store().list_attempts_of_order(merchant, view.order.id).await.unwrap();
    let completion = attempts.last().unwrap();
    assert_eq!((attempts.len(), completion.amount.minor()), (2, PRICE));
    hub.refund_attempt(completion, None, "sorry", "ann").await.unwrap();
    let order = shop.app.fresh(&view).await;
    assert_eq!(order.order.status, OrderStatus::Complete, "the trial itself is paid");
    let shipped = hub.store().list_fulfilments_of_order(merchant, view.order.id).await.unwrap();
    let states: Vec<&str> = shipped.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["hold", "cancelled"]);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn cancelling_an_order_ends_its_subscriptions_and_stops_its_salvage(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (view, one) = shop.sell().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    hub.cancel_order(merchant, view.order.id, "changed my mind", "ann").await.unwrap();
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    assert_eq!(kept(&shop.gateway), 0);
    shop.bill(60 * DAY).await;
    assert_eq!(kept(&shop.gateway), 0, "nothing is billed any more");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m21_a_person_cannot_close_what_a_salvage_gateway_still_works_on(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let attempt = shop.attempts(&one).await.pop().unwrap();
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    for verdict in [recoup_hub::Verdict::Declined, recoup_hub::Verdict::NotExecuted] {
        let refused = hub.resolve_attempt(merchant, attempt.id, verdict, "", "I think so", "ann").await;
        assert!(matches!(refused, Err(PersonError::Conflict(_))), "{refused:?}");
    }
    shop.ends(Ending::Completed).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_bill_that_got_lost_is_made_once_more_and_then_waits_for_a_person(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::LoseBefore, Act::LoseBefore, Act::LoseBefore]);
    shop.due(&one).await;
    for _ in 0..48 {
        shop.bill(3_600).await;
    }
    let waiting = shop.again(&one).await;
    assert_eq!(shop.gateway.requests().len(), 3, "the sale, the bill, and the bill once more");
    assert_eq!(waiting.next_action_at, None);
    assert!(waiting.held.contains("bill the subscription by hand"), "{}", waiting.held);
    assert_eq!(shop.alerts().await, ["bill_lost"]);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_debt_with_a_late_approval_that_nobody_decided_is_not_billed(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    let attempt = shop.attempts(&one).await.pop().unwrap();
    let late = LateApproval {
        merchant_id: shop.app.merchant,
        attempt_id: attempt.id,
        order_id: attempt.order_id,
        gateway_id: attempt.gateway_id,
        gateway_reference: "late".to_owned(),
        amount: attempt.amount,
        seen_at: shop.now(),
        state: LateState::Waiting,
        words: "planted".to_owned(),
        tries: 0,
        next_action_at: Some(shop.now() + jiff::SignedDuration::from_hours(9_999)),
    };
    let plant = Transaction::new("plant").with(late_approvals::insert(&late));
    shop.app.hub.store().commit(plant).await.unwrap();
    let held = shop.due(&one).await;
    assert_eq!(shop.gateway.requests().len(), 2, "no re-attempt");
    assert!(held.held.contains("came late"), "{}", held.held);
    shop.app.hub.store().close().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m24_buying_again_at_checkout_stops_an_older_rerun(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.gateway.script([SOFT]);
    let declined = shop.app.import(tea()).await;
    assert_eq!(declined.order.status, OrderStatus::Declined);
    shop.salvage.script([Act::Pend]);
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let wish = recoup_hub::Rerun { gateway: Some(shop.salvage_id), ..recoup_hub::Rerun::default() };
    hub.rerun_order(merchant, declined.order.id, &wish, "ann").await.unwrap();
    shop.bill(1_200).await;
    let bought = shop.app.import(tea()).await;
    assert_eq!(bought.order.status, OrderStatus::Complete);
    shop.bill(60).await;
    assert_eq!(shop.salvage.fenced().len(), 1, "asked to stop");
    shop.bill(2 * DAY).await;
    assert_eq!((kept(&shop.gateway), kept(&shop.salvage)), (PRICE, 0));
    assert_eq!(shop.app.fresh(&declined).await.order.status, OrderStatus::Declined);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_scheduled_pause_begins_also_while_a_salvage_gateway_works_on_the_bill(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let pause = one.next_action_at.unwrap() + jiff::SignedDuration::from_hours(24 * 10);
    hub.pause_subscription(merchant, one.id, Some(pause), "ann", "").await.unwrap();
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.salvage.script([Act::Pend]);
    let open = shop.due(&one).await;
    assert_eq!((open.status, open.next_action_at), (SubscriptionStatus::RecycleBilling, Some(pause)));
    shop.due(&one).await;
    shop.poll().await;
    let paused = shop.again(&one).await;
    assert_eq!((paused.status, paused.next_action_at), (SubscriptionStatus::Paused, None));
    assert!(shop.salvage.booked()[0].cancelled, "it was told to stop");
    assert_eq!((kept(&shop.salvage), paused.cycle), (0, 1));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_ending_after_the_next_bill_waits_for_the_one_that_is_open(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let pause = one.next_action_at.unwrap() + jiff::SignedDuration::from_hours(1);
    hub.pause_subscription(merchant, one.id, Some(pause), "ann", "").await.unwrap();
    shop.gateway.script([Act::LoseAfter]);
    shop.gateway.set_unreachable(true);
    assert_eq!(shop.due(&one).await.next_action_at, Some(pause), "in doubt, and the pause stands");
    let ending = hub.cancel_subscription(merchant, one.id, true, "enough", "ann").await.unwrap();
    assert_eq!((ending.next_action_at, ending.pause_at), (None, None));
    shop.gateway.set_unreachable(false);
    shop.bill(3_600).await;
    let ended = shop.again(&one).await;
    assert_eq!((ended.status, ended.cycle), (SubscriptionStatus::Cancelled, 2));
    assert_eq!(kept(&shop.gateway), 2 * PRICE);
    shop.end().await;
}
