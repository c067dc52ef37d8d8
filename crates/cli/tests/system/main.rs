//! Hub, platform and sandbox together, over real loopback HTTP, on both databases.
#![cfg(test)]

mod faults;
mod stage;

use std::collections::BTreeSet;

use domain::attempt::AttemptState;
use domain::order::OrderStatus;
use rstest::rstest;
use sandbox::{DuplicateMode, DuplicateRule, Fault, FaultKind, TestCard, test_card_number};
use storage::testing::On;

use crate::faults::Lose;
use crate::stage::{Stage, good_card};

/// A card that the shop's acquirer declines and the platform's approves.
fn soft_card(serial: u32) -> String {
    test_card_number(TestCard::OnlyOnPrimary, 201, serial).unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r56_r59_m10_m11_a_soft_decline_is_recovered_through_the_platform_in_the_same_call(#[case] on: On) {
    let stage = Stage::new(on).await;
    let answer = stage.import(&soft_card(1), "ann").await;
    assert_eq!(answer["result"], "SUCCESS", "{answer}");
    assert_eq!(answer["message"]["items"][0]["merchantId"], 2, "{answer}");
    let view = stage.only_order().await;
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!(view.attempts.len(), 2);
    assert_eq!(stage.kept(), 3_494, "the acquirers kept one charge");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_a_lost_answer_of_the_platform_is_found_by_our_id_and_given_back(#[case] on: On) {
    let stage = Stage::new(on).await;
    stage.proxy.lose(Lose::Answer);
    let answer = stage.import(&soft_card(2), "ann").await;
    assert_eq!(answer["result"], "ERROR", "the buyer reads the decline: {answer}");
    assert_eq!(stage.kept(), 3_494, "the platform has charged");
    stage.pass(100).await;
    let view = stage.only_order().await;
    assert_eq!((view.order.status, view.salvage_status()), (OrderStatus::Declined, "none"));
    assert_eq!(stage.kept(), 0, "and gave it back");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_an_evaluate_that_never_arrived_is_fenced_for_good(#[case] on: On) {
    let stage = Stage::new(on).await;
    stage.proxy.lose(Lose::Request);
    stage.import(&soft_card(3), "ann").await;
    stage.pass(100).await;
    let view = stage.only_order().await;
    assert!(
        matches!(&view.attempts[1].state, AttemptState::NotExecuted { lapse, .. } if lapse.cause.as_str() == "fenced"),
        "{:?}",
        view.attempts[1].state
    );
    let late = stage.proxy.send_the_lost_request().await;
    assert!(late.contains("DECLINED"), "the tombstone refuses the late copy: {late}");
    assert_eq!(stage.kept(), 0);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m29_a_lost_answer_of_the_platforms_acquirer_is_declined_and_voided(#[case] on: On) {
    let stage = Stage::new(on).await;
    let fault = Fault { account: Some("rescue".into()), ..Fault::next(FaultKind::ActThenDrop) };
    stage.sandbox.add_fault(fault).unwrap();
    let answer = stage.import(&soft_card(4), "ann").await;
    assert_eq!(answer["result"], "ERROR", "{answer}");
    assert_eq!(stage.kept(), 3_494);
    stage.pass(100).await;
    stage.pass(400).await;
    assert_eq!(stage.kept(), 0);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m2_a_lost_answer_of_the_acquirer_is_found_and_charged_once(#[case] on: On) {
    let stage = Stage::new(on).await;
    stage.sandbox.add_fault(Fault::next(FaultKind::ActThenDrop)).unwrap();
    let answer = stage.import(&good_card(5), "ann").await;
    assert_eq!(answer["result"], "SUCCESS", "{answer}");
    assert_eq!(stage.only_order().await.order.status, OrderStatus::Complete);
    assert_eq!(stage.kept(), 3_494);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m12_a_false_duplicate_of_another_payment_is_declined_and_charged_nothing(#[case] on: On) {
    for (mode, second, kept) in
        [(DuplicateMode::CardAmount, "ERROR", 3_494), (DuplicateMode::CardAmountOrder, "SUCCESS", 6_988)]
    {
        let stage = Stage::new(on).await;
        let rule = DuplicateRule { mode, ..DuplicateRule::default() };
        stage.sandbox.set_duplicates(None, rule).unwrap();
        assert_eq!(stage.import(&good_card(6), "ann").await["result"], "SUCCESS");
        let answer = stage.import(&good_card(6), "bob").await;
        assert_eq!(answer["result"], second, "{mode:?}: {answer}");
        assert_eq!(stage.kept(), kept, "{mode:?}");
        stage.end().await;
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_imports_at_once_are_all_answered_and_the_books_are_right(#[case] on: On) {
    let stage = Stage::new(on).await;
    let mut tasks = tokio::task::JoinSet::new();
    for serial in 0..100_u32 {
        let caller = stage.caller();
        let card = if serial % 4 == 0 { soft_card(1_000 + serial) } else { good_card(1_000 + serial) };
        tasks.spawn(async move { caller.import(&card, &format!("buyer{serial}")).await });
    }
    let mut ids = BTreeSet::new();
    while let Some(answer) = tasks.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer["result"], "SUCCESS", "{answer}");
        ids.insert(answer["message"]["orderId"].as_str().unwrap().to_owned());
    }
    assert_eq!((ids.len(), stage.kept()), (100, 349_400));
    stage.end().await;
}
