//! Holds that nobody captures are voided at the end of the account's window.

use gateways::OperationKind;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::{App, evaluate, with};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_uncaptured_hold_is_voided_after_seven_days_or_the_accounts_window(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    let hold = |order: &str| with(evaluate(order), &[("/transactionType", json!("Authorization"))]);
    let first = app.post("evaluate", &hold("a")).await.text("orderId");
    assert!(app.platform.set_capture_window(app.mid, 299).await.is_err());
    app.platform.set_capture_window(app.mid, 300).await.unwrap();
    let second = app.post("evaluate", &hold("b")).await.text("orderId");
    let third = app.post("evaluate", &hold("c")).await.text("orderId");
    let capture = json!({"idempotencyKey": "k", "orderId": third, "amount": 1999, "currency": "USD"});
    assert_eq!(app.post("capture", &capture).await.text("status"), "SUCCESS");
    app.pass(299);
    app.sweep().await;
    assert_eq!(app.status_name(&second).await, "CAPTUREREQUIRED");
    app.pass(1);
    app.sweep().await;
    assert_eq!(app.status_name(&second).await, "CANCELLED");
    app.live_days(6).await;
    assert_eq!(app.status_name(&first).await, "CAPTUREREQUIRED");
    app.live_days(1).await;
    assert_eq!(app.status_name(&first).await, "CANCELLED");
    assert_eq!(app.status_name(&third).await, "APPROVED");
    let kinds: Vec<_> = app.acquirer(1).operated().iter().map(|one| one.0).collect();
    assert_eq!(kinds, [OperationKind::Capture, OperationKind::Void, OperationKind::Void]);
    let told = receiver.kinds();
    assert_eq!(told.iter().filter(|one| *one == "order.capturerequired").count(), 3);
    assert_eq!(told.iter().filter(|one| *one == "order.cancelled").count(), 2);
    assert_eq!(told.iter().filter(|one| *one == "order.completed").count(), 1);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_capture_in_doubt_at_the_end_of_the_window_is_cleared_up_first(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.platform.set_capture_window(app.mid, 300).await.unwrap();
    let body = with(evaluate("a"), &[("/transactionType", json!("Authorization"))]);
    let id = app.post("evaluate", &body).await.text("orderId");
    app.pass(290);
    app.acquirer(1).script_operations([Act::LoseAfter]);
    let capture = json!({"idempotencyKey": "k", "orderId": id, "amount": 1999, "currency": "USD"});
    assert_eq!(app.post("capture", &capture).await.status, 504);
    app.pass(10);
    app.sweep().await;
    app.live_days(1).await;
    assert_eq!(app.status_name(&id).await, "APPROVED");
    assert_eq!(app.acquirer(1).operated().len(), 1);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_refused_void_of_a_hold_ends_without_a_refund_and_can_be_asked_for_again(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let body = with(evaluate("a"), &[("/transactionType", json!("Authorization"))]);
    let id = app.post("evaluate", &body).await.text("orderId");
    let cancel = format!("orders/{id}/cancel");
    let refusal = || [Act::Decline("12", "Not now")];
    app.acquirer(1).script_operations(refusal());
    assert_eq!(
        app.post(&cancel, &json!({})).await.status,
        400,
        "nothing was taken that a refund could give back"
    );
    assert_eq!(app.status_name(&id).await, "CAPTUREREQUIRED");
    assert_eq!(app.acquirer(1).operated(), [], "neither voided nor refunded");

    // Also when the answer to the void was lost first, and the driver asks again.
    app.acquirer(1).script_operations([Act::LoseBefore]);
    assert_eq!(app.post(&cancel, &json!({})).await.status, 504);
    app.acquirer(1).script_operations(refusal());
    app.live_days(1).await;
    assert_eq!(app.post(&cancel, &json!({})).await.status, 200, "nothing stands in the way of another one");
    assert_eq!(app.status_name(&id).await, "CANCELLED");
    let kinds: Vec<_> = app.acquirer(1).operated().iter().map(|one| one.0).collect();
    assert_eq!(kinds, [OperationKind::Void]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_hold_whose_void_is_refused_each_time_is_tried_ever_later(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.platform.set_capture_window(app.mid, 300).await.unwrap();
    let body = with(evaluate("a"), &[("/transactionType", json!("Authorization"))]);
    let id = app.post("evaluate", &body).await.text("orderId");
    app.acquirer(1).script_operations(vec![Act::Decline("12", "Not now"); 6]);
    app.pass(300);
    for _ in 0..48 {
        app.sweep().await;
        app.pass(1_800);
    }
    let told = app.store.list_open_alerts(app.mid, 100).await.unwrap();
    // After 0, 30, 90, 210, 450 and 930 minutes.
    assert_eq!(told.iter().filter(|alert| alert.kind == "operation_refused").count(), 6);
    assert_eq!(app.status_name(&id).await, "CAPTUREREQUIRED");
    app.pass(1_800 * 16);
    app.sweep().await;
    assert_eq!(app.status_name(&id).await, "CANCELLED");
    app.finish().await;
}
