//! Transmitted copies, outcomes as they were once asked for, and the limit of token calls.

use recoup_platform::Settings;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{App, CARD, evaluate, with};
use crate::client::call;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_transmitted_copy_is_kept_and_nothing_is_charged(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let body = with(evaluate("a"), &[("/isDeclined", json!(false)), ("/isMIT", json!(false))]);
    let body = with(body, &[("/transaction/id", json!(CARD))]);
    let answer = app.post("transmit", &body).await;
    assert_eq!((answer.status, answer.text("result")), (200, "success".to_owned()), "{answer:?}");
    assert!(answer.json()["status"].is_number() && !answer.text("transmitId").is_empty());
    let kept = app.store.list_transmits(app.mid, "a", 5).await.unwrap();
    assert_eq!((kept.len(), kept[0].amount.minor(), kept[0].is_declined), (1, 1999, false));
    assert!(kept[0].details.contains("400000") && !kept[0].details.contains(CARD), "{}", kept[0].details);
    let empty = app.post("transmit", &json!({})).await;
    assert_eq!(empty.status, 400);
    for name in ["IsDeclined", "OrderId", "IsMIT", "Transaction", "Payer", "PaymentMethod"] {
        assert!(empty.json()[name][0].is_string(), "{name}");
    }
    assert_eq!(app.acquirer(1).requests().len(), 0);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_outcome_is_told_in_the_documented_words(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let outcome = app.post("outcome", &json!({"orderSessionKey": id})).await;
    assert_eq!((outcome.text("status"), outcome.text("confirmationId").len()), ("APPROVED".into(), 8));
    for unknown in ["11111111-2222-4333-8444-555555555555", "x"] {
        let answer = app.post("outcome", &json!({"orderSessionKey": unknown})).await;
        assert_eq!((answer.status, answer.text("status")), (200, "NOTFOUND".to_owned()));
        assert_eq!(answer.json()["confirmationId"], Value::Null);
    }
    assert_eq!(app.post("outcome", &json!({})).await.status, 400);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn too_many_token_calls_of_one_key_are_refused_for_a_minute(#[case] on: On) {
    let settings = Settings { token_calls_per_minute_max: 3, ..Settings::sandbox() };
    let app = App::new(on, settings).await;
    let login =
        json!({"AppKey": app.credentials.app_key, "AppSecret": app.credentials.app_secret}).to_string();
    let ask = || call(app.address, "POST", "/v1/oauth2/token", None, Some(&login));
    for _ in 0..3 {
        assert_eq!(ask().await.status, 200);
    }
    assert_eq!(ask().await.status, 429);
    let other = json!({"AppKey": "another", "AppSecret": "x"}).to_string();
    assert_eq!(call(app.address, "POST", "/v1/oauth2/token", None, Some(&other)).await.status, 400);
    app.pass(60);
    assert_eq!(ask().await.status, 200);
    app.finish().await;
}
