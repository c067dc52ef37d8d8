//! Lost answers of bills and hand-overs, closing by time, refusals at once (M12, M13, M20–M22).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::attempt::{AttemptState, LapseCause};
use domain::doubt::FenceAnswer;
use domain::salvage::Standing;
use domain::subscription::SubscriptionStatus;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use rstest::rstest;
use storage::testing::On;

use crate::hooks::{Hooks, hooked, plain};
use crate::shop::{DAY, PRICE, Shop, kept, lapsed, settle, states};
use crate::support::SOFT;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_bill_whose_answer_was_lost_is_found_and_booked_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::LoseAfter]);
    let waiting = shop.due(&one).await;
    assert_eq!((waiting.cycle, waiting.next_action_at), (1, None));
    assert_eq!(states(&shop.attempts(&one).await), ["in_doubt"]);
    shop.bill(80).await;
    let paid = shop.again(&one).await;
    assert_eq!((paid.cycle, paid.status), (2, SubscriptionStatus::Active));
    assert_eq!((shop.gateway.requests().len(), kept(&shop.gateway)), (2, 2 * PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_bill_that_was_never_received_is_sent_again_and_only_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::LoseBefore]);
    shop.due(&one).await;
    for secs in [80, 300, 1_500] {
        assert_eq!(shop.gateway.requests().len(), 2);
        shop.bill(secs).await;
    }
    let attempts = shop.attempts(&one).await;
    let AttemptState::NotExecuted { lapse, .. } = &attempts[0].state else { panic!("still open") };
    assert_eq!(lapse.cause, LapseCause::NotReceived);
    let again = shop.again(&one).await;
    assert_eq!((again.status, again.tries), (SubscriptionStatus::Active, 1));
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, paid.tries, paid.held.as_str()), (2, 0, ""));
    assert_eq!((shop.gateway.requests().len(), kept(&shop.gateway)), (3, 2 * PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_cannot_be_sent_is_tried_a_few_times_then_daily_with_one_alert(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([
        Act::FailBefore,
        Act::FailBefore,
        Act::FailBefore,
        Act::FailBefore,
        Act::FailBefore,
    ]);
    let mut waits = Vec::new();
    for _ in 0..5 {
        let held = shop.due(&one).await;
        waits.push(held.next_action_at.unwrap().duration_since(shop.now()).as_secs() / 900);
        assert_eq!(held.status, SubscriptionStatus::Active);
    }
    assert_eq!(waits[..3], [1, 1, 1]);
    assert!(waits[3..].iter().all(|quarters| *quarters > 80), "{waits:?}");
    assert_eq!(shop.alerts().await.len(), 1);
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m12_equal_bills_of_one_card_lie_apart_however_many_are_planned_at_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let (two, three) = (shop.sell_to("bob@example.test").await, shop.sell_to("eve@example.test").await);
    shop.gateway.set_equal_charge_spacing(1_200);
    let before = shop.gateway.requests().len();
    shop.due(&one).await;
    assert_eq!(shop.gateway.requests().len(), before + 1, "one of three");
    let mut held = Vec::new();
    for one in [&one, &two, &three] {
        held.push(shop.again(one).await);
    }
    held.retain(|one| one.cycle == 1);
    assert_eq!(held.len(), 2);
    for one in &held {
        assert!(one.held.contains("moments ago"), "{}", one.held);
        assert_eq!(one.next_action_at, Some(shop.now() + SignedDuration::from_secs(1_200)));
    }
    shop.bill(1_199).await;
    assert_eq!(shop.gateway.requests().len(), before + 1);
    shop.bill(1).await;
    assert_eq!(shop.gateway.requests().len(), before + 2);
    shop.bill(1_200).await;
    let all = shop.subscriptions().await;
    assert!(all.iter().all(|one| one.cycle == 2 && one.held.is_empty()), "{all:?}");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m12_a_bill_taken_for_a_repetition_waits_for_the_window_and_is_no_decline(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let hooks = Arc::new(Hooks::default());
    hooks.repetitions.store(1, Ordering::Relaxed);
    let hub = shop.app.process_over(7, hooked(&hooks), plain).await;
    shop.app.clock.set(one.next_action_at.unwrap());
    settle(&hub).await;
    shop.app.clock.advance(SignedDuration::from_secs(80));
    settle(&hub).await;
    let waiting = shop.again(&one).await;
    assert_eq!((waiting.status, waiting.cycle), (SubscriptionStatus::Active, 1));
    assert_eq!(waiting.next_action_at, Some(shop.now() + SignedDuration::from_secs(1_200)));
    assert!(lapsed(&shop.attempts(&one).await[0]));
    assert_eq!(shop.alerts().await, [""; 0]);
    assert_eq!(shop.due(&one).await.cycle, 2);
    assert_eq!(kept(&shop.gateway), 2 * PRICE);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_a_hand_over_whose_answer_was_lost_is_looked_up_and_adopted(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.salvage.script([Act::LosePending]);
    shop.due(&one).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"]);
    shop.bill(80).await;
    let attempts = shop.attempts(&one).await;
    assert_eq!(states(&attempts), ["declined", "pending"]);
    assert_eq!(shop.again(&one).await.next_bill_at, attempts[1].deadline);
    assert_eq!(shop.salvage.fenced().len(), 0);
    shop.ends(Ending::Completed).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    assert_eq!((shop.salvage.requests().len(), kept(&shop.salvage)), (1, PRICE));
    shop.end().await;
}

#[rstest]
#[case::confirmed_sqlite(On::Sqlite, FenceAnswer::Confirmed)]
#[case::confirmed_postgres(On::Postgres, FenceAnswer::Confirmed)]
#[case::twice_unknown_sqlite(On::Sqlite, FenceAnswer::Unknown)]
#[case::twice_unknown_postgres(On::Postgres, FenceAnswer::Unknown)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_r86_a_lost_hand_over_is_fenced_and_made_once_more_with_the_same_deadline(
    #[case] on: On,
    #[case] answer: FenceAnswer,
) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.salvage.script([Act::LoseBefore, Act::Pend]);
    shop.salvage.script_fences([answer, answer]);
    shop.due(&one).await;
    shop.bill(80).await;
    if answer == FenceAnswer::Unknown {
        assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"]);
        shop.bill(1_700).await;
        assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"], "half an hour apart");
        shop.bill(100).await;
    }
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    let waiting = shop.again(&one).await;
    assert_eq!((waiting.status, waiting.slot), (SubscriptionStatus::RecycleBilling, 4));
    shop.due(&one).await;
    let attempts = shop.attempts(&one).await;
    assert_eq!(states(&attempts), ["declined", "not_executed", "pending"]);
    assert_eq!(attempts[1].deadline, attempts[2].deadline);
    let requests = shop.salvage.requests();
    assert_ne!(requests[0].reference, requests[1].reference);
    assert_eq!(requests[1].salvaged.as_ref().unwrap().attempt, attempts[0].id.base32());
    shop.ends(Ending::Completed).await;
    assert_eq!((shop.again(&one).await.cycle, shop.salvage.requests().len()), (2, 2));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m21_r137_at_the_deadline_a_confirmed_cancellation_is_a_failure(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    shop.bill(21 * DAY - 1).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "pending"]);
    assert_eq!(shop.salvage.fenced().len(), 0);
    shop.bill(1).await;
    assert_eq!(shop.salvage.fenced().len(), 1);
    let failed = shop.again(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    let attempts = shop.attempts(&one).await;
    let AttemptState::Declined { decline, .. } = &attempts[1].state else { panic!("not declined") };
    assert_eq!(decline.raw.code, "expired");
    assert_eq!(shop.alerts().await, [""; 0]);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m21_an_unconfirmed_cancellation_leaves_it_in_doubt_with_an_alert(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    shop.salvage.script_fences([FenceAnswer::Failed, FenceAnswer::Failed]);
    shop.bill(21 * DAY).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"]);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleBilling);
    assert_eq!(shop.alerts().await, ["salvage_not_closed"]);
    shop.bill(600).await;
    assert_eq!(shop.alerts().await.len(), 1, "told once");
    shop.bill(600).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "declined"]);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m21_q29_what_nobody_can_close_for_a_day_goes_to_a_person_and_an_approval_still_counts(
    #[case] on: On,
) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    shop.salvage.set_unreachable(true);
    shop.bill(21 * DAY).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"]);
    for _ in 0..25 {
        shop.bill(3_600).await;
    }
    let attempts = shop.attempts(&one).await;
    assert!(attempts[1].needs_person);
    assert_eq!(shop.alerts().await.len(), 2);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleBilling);
    shop.salvage.set_unreachable(false);
    let reference = attempts[1].id.base32();
    shop.salvage.end(&reference, &Ending::Completed);
    shop.bill(6 * 3_600).await;
    assert_eq!(shop.again(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m22_a_refusal_at_once_is_cancelled_and_confirmed_before_it_is_a_failure(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.salvage.script([Act::Decline("DECLINED", "Do not honor")]);
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert_eq!((shop.salvage.fenced().len(), shop.salvage.requests().len()), (1, 1));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m22_a_refusal_that_cannot_be_confirmed_waits_and_is_not_handed_over_again(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.salvage.script([Act::Decline("DECLINED", "Do not honor")]);
    shop.salvage.script_standings([Standing::Unreachable("scripted".to_owned()), Standing::Cancelled]);
    shop.due(&one).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"]);
    shop.bill(80).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "declined"]);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    assert_eq!(shop.salvage.requests().len(), 1);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m22_an_approval_at_once_is_a_success_and_a_held_one_is_captured(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    for (cycle, act) in [(2, Act::Approve), (3, Act::Hold)] {
        shop.gateway.script([SOFT]);
        shop.due(&one).await;
        shop.salvage.script([act]);
        let paid = shop.due(&one).await;
        assert_eq!((paid.status, paid.cycle), (SubscriptionStatus::Active, cycle));
    }
    assert!(shop.rebills().await.iter().all(|order| order.is_salvaged));
    assert!(shop.salvage.booked().iter().all(|one| !one.held && one.minor == PRICE));
    shop.hand_over(&one).await;
    shop.ends(Ending::CaptureRequired).await;
    assert_eq!((shop.again(&one).await.cycle, kept(&shop.salvage)), (4, 3 * PRICE));
    shop.end().await;
}
