//! Reports while the gateway does not answer: nothing is guessed, and nothing is lost.

use domain::order::OrderStatus;
use gateways::ReportKind;
use gateways::fake::Ending;
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::testing::On;

use crate::Stage;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_success_that_cannot_be_confirmed_waits_and_calls_a_person_after_hours(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let merchant = stage.app.merchant;
    stage.give_up(&attempt).await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    stage.salvage.set_unreachable(true);
    assert_eq!(stage.report(ReportKind::Completed, attempt.id).await.state, ReportState::Received);
    for secs in [5, 15, 60, 300, 1_800, 7_200, 21_600] {
        assert_eq!(stage.alerts().await, Vec::<String>::new());
        stage.sweep_after(secs).await;
        assert_eq!(stage.last().await.state, ReportState::Received);
        if secs == 7_200 {
            break;
        }
    }
    assert_eq!(stage.alerts().await, ["report_waits"]);
    stage.salvage.set_unreachable(false);
    stage.sweep_after(21_600).await;
    assert_eq!(stage.last().await.state, ReportState::Applied);
    let late = stage.app.hub.store().find_late_approval(merchant, attempt.id).await.unwrap();
    assert!(late.is_some());
    assert_eq!(stage.status().await, OrderStatus::Declined);
    stage.app.hub.store().close().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_fresh_signed_result_needs_no_answer_of_the_gateway(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    stage.salvage.set_unreachable(true);
    stage.report(ReportKind::Completed, attempt.id).await;
    assert_eq!(stage.status().await, OrderStatus::Complete);
    stage.end().await;
}
