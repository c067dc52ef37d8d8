//! A refund with a key is made once.

use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::{App, evaluate};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_refund_with_the_same_key_replays_and_another_amount_is_refused(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let path = format!("orders/{id}/refund");
    let refund = |key: &str, amount: &str| json!({"idempotencyKey": key, "amountToRefund": amount});
    let first = app.post(&path, &refund("k1", "5.00")).await;
    let again = app.post(&path, &refund("k1", "5.00")).await;
    assert_eq!((first.text("status"), again.text("status")), ("SUCCESS".into(), "SUCCESS".into()));
    assert_eq!(first.text("transactionId"), again.text("transactionId"));
    assert_eq!(app.post(&path, &refund("k1", "6.00")).await.status, 409);
    app.acquirer(1).script_operations([Act::LoseAfter]);
    assert_eq!(app.post(&path, &refund("k2", "14.99")).await.status, 504);
    assert_eq!(app.post(&path, &refund("k2", "14.99")).await.status, 504);
    app.pass(60);
    app.sweep().await;
    assert_eq!(app.post(&path, &refund("k2", "14.99")).await.text("status"), "SUCCESS");
    assert_eq!((app.acquirer(1).operated().len(), app.charged(1)), (2, 0));
    assert_eq!(receiver.kinds(), ["order.completed", "order.refunded", "order.refunded"]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_part_without_a_key_is_refunded_once_in_ten_minutes(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let part = async |major: f64| {
        let answer = app.post(&format!("orders/{id}/refund"), &json!({"amountToRefund": major})).await;
        assert_eq!(answer.text("status"), "SUCCESS", "{answer:?}");
        answer.text("transactionId")
    };
    let first = part(5.0).await;
    assert_eq!(part(5.0).await, first, "the same one");
    assert_ne!(part(2.0).await, first);
    assert_eq!(app.charged(1), 1_299);
    app.pass(601);
    assert_ne!(part(5.0).await, first);
    assert_eq!(app.charged(1), 799);
    app.finish().await;
}
