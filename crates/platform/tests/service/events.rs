//! Webhooks out: at least once, signed, repeated until the receiver has them.

use recoup_platform::{AccountError, Settings};
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::{App, evaluate, managed};
use crate::client::call;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_event_is_sent_again_until_it_is_taken(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    receiver.answer_next([500, 0, 302, 404, 204]);
    app.post("evaluate", &managed("a", 21)).await;
    app.sweep().await;
    assert_eq!(receiver.received().len(), 1);
    for (secs, count) in [(59, 1), (1, 2), (299, 2), (1, 3), (1_800, 4), (7_200, 5), (86_400, 5)] {
        app.pass(secs);
        app.sweep().await;
        assert_eq!(receiver.received().len(), count, "{secs}");
    }
    let told = receiver.received();
    assert_eq!(told[0].json()["IsResent"], json!(false));
    for again in &told[1..] {
        let (mut first, mut again_body) = (told[0].json(), again.json());
        assert_eq!(again_body["IsResent"], json!(true));
        first["IsResent"] = json!(null);
        again_body["IsResent"] = json!(null);
        assert_eq!(first, again_body, "time and confirmation stay");
        assert!(again.is_signed(&app.credentials.hmac_signing_key, "127.0.0.1"));
        assert_ne!(again.headers["x-fc-nonce"], told[0].headers["x-fc-nonce"]);
    }
    assert_eq!(told[4].headers["x-fc-date"], "Wed, 02 Jan 2030 05:40:05 GMT");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_receiver_that_is_down_for_days_is_given_up_with_an_alert(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.platform.set_webhook_url(app.mid, Some("http://127.0.0.1:1/hooks")).await.unwrap();
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.live_days(4).await;
    let recovery = domain::ids::RecoveryId::from_uuid(id.parse().unwrap());
    let events = app.store.list_platform_events(app.mid, recovery).await.unwrap();
    assert_eq!((events[0].state.as_str(), events[0].tries), ("given_up", 11));
    let alerts = app.store.list_open_alerts(app.mid, 10).await.unwrap();
    assert_eq!(alerts.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["webhook_given_up"]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_silent_receiver_holds_its_other_events_back_and_then_gets_all(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    receiver.answer_next([0]);
    for order in ["a", "b", "c"] {
        app.post("evaluate", &evaluate(order)).await;
        app.pass(1);
    }
    app.sweep().await;
    assert_eq!(receiver.received().len(), 1);
    app.pass(60);
    app.sweep().await;
    let mut orders: Vec<_> =
        receiver.received()[1..].iter().map(|one| one.json()["ExternalOrderId"].clone()).collect();
    orders.sort_by_key(ToString::to_string);
    assert_eq!(orders, [json!("a"), json!("b"), json!("c")]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_account_without_an_address_is_told_nothing_and_keeps_its_events(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    app.sweep().await;
    let recovery = domain::ids::RecoveryId::from_uuid(id.parse().unwrap());
    let events = app.store.list_platform_events(app.mid, recovery).await.unwrap();
    assert_eq!((events[0].kind.as_str(), events[0].state.as_str()), ("order.completed", "unaddressed"));
    for wrong in ["http://shop.example/h", "shop", "ftp://127.0.0.1/"] {
        let error = app.platform.set_webhook_url(app.mid, Some(wrong)).await.unwrap_err();
        assert!(matches!(error, AccountError::Invalid(_)), "{wrong} {error:?}");
    }
    // Under this clock, which can be moved, nothing leaves the machine (M31).
    app.platform.set_webhook_url(app.mid, Some("https://shop.example/h")).await.unwrap();
    let id = app.post("evaluate", &evaluate("b")).await.text("orderId");
    app.sweep().await;
    let recovery = domain::ids::RecoveryId::from_uuid(id.parse().unwrap());
    let events = app.store.list_platform_events(app.mid, recovery).await.unwrap();
    assert_eq!((events[0].state.as_str(), events[0].tries), ("unaddressed", 0));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_sandbox_sends_chargebacks_and_refunds_on_demand(#[case] on: On) {
    let receiver = crate::receiver::Receiver::start().await;
    let settings = Settings { sandbox_webhook_url: Some(receiver.url.clone()), ..Settings::sandbox() };
    let app = App::new(on, settings).await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let token = app.token().await;
    let control = |what: &str, body: &str| {
        let (path, body, token) = (format!("/sandbox/orders/{id}/{what}"), body.to_owned(), token.clone());
        async move { call(app.address, "POST", &path, Some(&token), Some(&body)).await }
    };
    assert_eq!(control("refund", r#"{"amount": 500}"#).await.text("status"), "SUCCESS");
    let charged_back = control("chargeback", r#"{"reason": "10.4", "amount": 1499}"#).await;
    assert_eq!((charged_back.status, charged_back.text("status")), (200, "SUCCESS".to_owned()));
    assert_eq!(control("chargeback", "").await.status, 409);
    assert_eq!(control("chargeback", r#"{"amount": 2000}"#).await.status, 400);
    assert_eq!(control("refund", "").await.text("status"), "SUCCESS");
    app.sweep().await;
    let told = receiver.received();
    assert_eq!(
        receiver.kinds(),
        ["order.completed", "order.refunded", "payment.chargeback.received", "order.refunded"]
    );
    let data = |place: usize| told[place].json()["EventData"].clone();
    assert_eq!((&data(1)["amount"], &data(1)["currency"]), (&json!(500), &json!("USD")));
    assert_eq!((&data(2)["amount"], &data(2)["reason"]), (&json!(1499), &json!("10.4")));
    assert_eq!(data(2)["date"], json!("2030-01-02T03:04:05Z"));
    assert_eq!(data(3)["amount"], json!(1499));
    assert!(told.iter().all(|one| one.json()["ConfirmationId"] == told[0].json()["ConfirmationId"]));
    let order = app.get(&format!("orders/{id}")).await.json();
    assert_eq!((&order["status"], &order["chargebackDate"]), (&json!(6), &json!("2030-01-02T03:04:05Z")));
    let other = call(app.address, "POST", "/sandbox/orders/x/chargeback", Some(&token), Some("{}")).await;
    assert_eq!(other.status, 404);
    let nobody = call(app.address, "POST", &format!("/sandbox/orders/{id}/refund"), None, None).await;
    assert_eq!(nobody.status, 401);
    app.finish().await;

    let real = App::with_routes(on, 1).await;
    let id = real.post("evaluate", &evaluate("a")).await.text("orderId");
    let token = real.token().await;
    for what in ["chargeback", "refund"] {
        let path = format!("/sandbox/orders/{id}/{what}");
        assert_eq!(call(real.address, "POST", &path, Some(&token), Some("{}")).await.status, 404);
    }
    assert_eq!(real.charged(1), 1999);
    real.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn events_that_found_no_address_are_sent_when_there_is_one(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.post("evaluate", &evaluate("a")).await;
    app.sweep().await;
    app.pass(71 * 3_600);
    let receiver = app.receiver().await;
    app.sweep().await;
    assert_eq!(receiver.kinds(), ["order.completed"]);
    app.finish().await;
}
