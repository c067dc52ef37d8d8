//! Results settle an open salvage once, and the first final one wins.

use domain::attempt::AttemptState;
use domain::order::OrderStatus;
use gateways::ReportKind;
use gateways::fake::{Act, Ending};
use recoup_hub::Received;
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::testing::On;

use crate::{Stage, send};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r124_a_result_comes_back_without_an_operator_and_completes_a_new_sale(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    assert_eq!(stage.status().await, OrderStatus::Complete);
    assert_eq!(stage.last().await.state, ReportState::Applied);
    assert_eq!(stage.last().await.attempt_id, Some(attempt.id));
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "new_sale").count(), 1);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r138_a_result_writes_gateway_amount_text_and_the_gateways_id(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    assert_eq!(attempt.gateway_id, stage.salvage_id);
    let AttemptState::Approved { approval, .. } = attempt.state else { panic!("not approved") };
    assert_eq!((approval.reference.as_str(), approval.amount.minor()), ("fake-1", 2_999));
    assert!(!approval.text.is_empty());
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r135_a_result_delivered_twice_has_effect_once(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    let raw = stage.raw(ReportKind::Completed, attempt.id);
    assert_eq!(stage.send(&raw).await, Received::Accepted);
    let before = (stage.fresh().await, stage.events().await, stage.kept().await);
    for _ in 0..3 {
        assert_eq!(stage.send(&raw).await, Received::Again);
    }
    assert_eq!((stage.fresh().await, stage.events().await, stage.kept().await), before);
    // The same fact in another message.
    assert_eq!(stage.report(ReportKind::Completed, attempt.id).await.state, ReportState::Ignored);
    assert_eq!((stage.fresh().await, stage.events().await), (before.0, before.1));
    assert!(stage.alerts().await.is_empty());
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r135_two_processes_that_get_the_same_report_at_once_apply_it_once(#[case] on: On) {
    let stage = Stage::new(on).await;
    let other = stage.app.another_process(7).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    let raw = stage.raw(ReportKind::Completed, attempt.id);
    let (one, two) = tokio::join!(stage.send(&raw), send(&other, stage.salvage_id, &raw));
    let mut both = [one, two];
    both.sort_by_key(|received| *received == Received::Again);
    assert_eq!(both, [Received::Accepted, Received::Again]);
    assert_eq!(stage.status().await, OrderStatus::Complete);
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "new_sale").count(), 1);
    other.store().close().await;
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r127_an_expiry_ends_a_new_sale_as_declined(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Failed("EXPIRED", "EXPIRED"));
    assert_eq!(stage.report(ReportKind::Expired, attempt.id).await.state, ReportState::Applied);
    let AttemptState::Declined { decline, .. } = stage.attempt(attempt.id).await.state else { panic!() };
    assert_eq!(decline.raw.code, "expired");
    assert_eq!((stage.status().await, stage.taken()), (OrderStatus::Declined, 0));
    assert_eq!(stage.report(ReportKind::Cancelled, attempt.id).await.state, ReportState::Ignored);
    assert!(stage.alerts().await.is_empty(), "it ended without money either way");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_cancellation_is_a_failure_only_when_we_did_not_ask_for_it(#[case] on: On) {
    let stage = Stage::new(on).await;
    let unasked = stage.open().await;
    stage.salvage.end(&unasked.id.base32(), &Ending::Cancelled);
    stage.report(ReportKind::Cancelled, unasked.id).await;
    assert_eq!(stage.attempt(unasked.id).await.state.name(), "declined");

    let asked = stage.open().await;
    let ask = storage::attempts::ask_cancel(stage.app.merchant, asked.id, stage.app.hub.minter().now());
    stage.app.hub.store().commit(storage::Transaction::new("ask").with(ask)).await.unwrap();
    stage.salvage.end(&asked.id.base32(), &Ending::Cancelled);
    stage.report(ReportKind::Cancelled, asked.id).await;
    assert_eq!(stage.attempt(asked.id).await.state.name(), "not_executed");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r136_a_contradicting_later_result_changes_nothing_and_raises_one_alert(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let before = stage.fresh().await;
    for kind in [ReportKind::Expired, ReportKind::Cancelled] {
        assert_eq!(stage.report(kind, attempt.id).await.state, ReportState::Ignored);
    }
    assert_eq!(stage.fresh().await, before);
    assert_eq!(stage.alerts().await, ["contradicting_report"]);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r136_a_success_after_a_failure_that_the_gateway_does_not_confirm_changes_nothing(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Failed("DECLINED", "no"));
    stage.report(ReportKind::Expired, attempt.id).await;
    assert_eq!(stage.report(ReportKind::Completed, attempt.id).await.state, ReportState::Ignored);
    assert_eq!(
        (stage.status().await, stage.alerts().await),
        (OrderStatus::Declined, vec!["contradicting_report".to_owned()])
    );
    let late = stage.app.hub.store().list_late_approvals(stage.app.merchant, None, None, 9).await.unwrap();
    assert_eq!(late, []);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m9_money_that_is_held_is_captured_at_once(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::CaptureRequired);
    assert_eq!(stage.report(ReportKind::CaptureRequired, attempt.id).await.state, ReportState::Applied);
    assert_eq!((stage.status().await, stage.taken()), (OrderStatus::Complete, 2_999));
    assert!(stage.salvage.booked().iter().all(|one| !one.held));
    // Told in the wrong order.
    assert_eq!(stage.report(ReportKind::CaptureRequired, attempt.id).await.state, ReportState::Ignored);
    assert_eq!(stage.report(ReportKind::Completed, attempt.id).await.state, ReportState::Ignored);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r135_a_result_that_comes_before_the_answer_to_the_submission_settles_once(#[case] on: On) {
    let stage = Stage::new(on).await;
    stage.salvage.script([Act::Pend]);
    let gate = stage.salvage.hold_answers();
    let report = async {
        gate.arrived().await;
        let reference = stage.salvage.requests()[0].reference.clone();
        stage.salvage.end(&reference, &Ending::Completed);
        let report = stage.report(ReportKind::Completed, reference.parse().unwrap()).await;
        assert_eq!(report.state, ReportState::Received, "{}", report.effect);
        gate.open();
    };
    let (attempt, ()) = tokio::join!(stage.rerun(stage.salvage_id), report);
    stage.sweep_after(5).await;
    assert_eq!(stage.last().await.state, ReportState::Applied);
    assert_eq!(stage.attempt(attempt.id).await.state.name(), "approved");
    assert_eq!((stage.status().await, stage.taken()), (OrderStatus::Complete, 2_999));
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "new_sale").count(), 1);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r137_without_a_report_the_gateway_is_asked_at_the_deadline(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    for _ in 0..50 {
        stage.app.pass(43_200).await;
    }
    assert_eq!(stage.attempt(attempt.id).await.state.name(), "declined");
    assert_eq!((stage.status().await, stage.taken()), (OrderStatus::Declined, 0));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_a_result_of_a_cascade_whose_answer_was_lost_is_confirmed_and_given_back(#[case] on: On) {
    let stage = Stage::new(on).await;
    let cascade = stage.app.cascade(1, &[stage.salvage_id], 1).await;
    let main = stage.order.gateway_id().unwrap();
    stage.app.edit_gateway(main, |gateway| gateway.direct_cascade = Some(cascade)).await;
    stage.main.script([crate::support::SOFT]);
    stage.salvage.script([Act::LoseAfter]);
    let mut other = crate::support::tea();
    other.contact.email = "bob@example.test".to_owned();
    let view = stage.app.import(other).await;
    let doubtful = view.attempts.last().unwrap();
    assert_eq!((view.order.status, doubtful.state.name()), (OrderStatus::Declined, "in_doubt"));
    assert_eq!(stage.report(ReportKind::Completed, doubtful.id).await.state, ReportState::Applied);
    assert_eq!((stage.app.fresh(&view).await.order.status, stage.taken()), (OrderStatus::Declined, 0));
    assert_eq!(stage.alerts().await, ["late_approval"]);
    stage.end().await;
}
