//! Cancels: the fence that a lost evaluate needs.

use gateways::OperationKind;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::{App, evaluate, with};
use crate::client::call;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m8_an_external_cancel_of_an_unknown_order_refuses_a_later_evaluate(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    for _ in 0..2 {
        let answer = app.post("orders/a%20b/external-cancel", &json!({})).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
    assert_eq!(app.get("orders?query=a%20b").await.json()["totalItemCount"], json!(0));
    let late = app.post("evaluate", &evaluate("a b")).await;
    assert_eq!((late.status, late.text("status")), (200, "DECLINED".to_owned()));
    assert!(late.json()["customProperties"]["reason"].as_str().unwrap().contains("cancelled"));
    assert_eq!(app.acquirer(1).requests().len(), 0);
    let listed = app.get("orders?query=a%20b").await.json();
    assert_eq!(listed["orders"][0]["statusName"], json!("DECLINED"));
    for impossible in ["%00".to_owned(), "x".repeat(200)] {
        let answer = app.post(&format!("orders/{impossible}/external-cancel"), &json!({})).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }
    // Another order is not touched.
    assert_eq!(app.post("evaluate", &evaluate("b")).await.text("status"), "APPROVED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m8_a_cancel_during_an_evaluate_voids_what_is_approved_and_stops_the_routes(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    for (order, act) in [("a", Act::Approve), ("b", Act::Decline("202", "Insufficient funds"))] {
        app.acquirer(1).script([act]);
        app.gate().shut();
        let (body, token) = (evaluate(order).to_string(), app.token().await);
        let evaluate = call(app.address, "POST", "/v1/evaluate", Some(&token), Some(&body));
        let meanwhile = async {
            app.gate().arrival().await;
            let cancel = app.post(&format!("orders/{order}/external-cancel"), &json!({})).await;
            assert_eq!((cancel.status, cancel.body.as_str()), (200, ""));
            app.gate().let_pass(2);
        };
        let (answer, ()) = tokio::join!(evaluate, meanwhile);
        assert_eq!(answer.text("status"), "DECLINED", "{answer:?}");
    }
    app.sweep().await;
    assert_eq!(app.charged(2), 0);
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(2).requests().len()), (2, 0));
    assert_eq!(app.acquirer(1).operated()[0].0, OperationKind::Void);
    let listed = app.get("orders?query=a").await.json();
    assert_eq!(listed["orders"][0]["statusName"], json!("CANCELLED"));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m8_an_order_whose_money_was_taken_is_not_cancelled(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let answer = app.post("evaluate", &evaluate("a")).await;
    let id = answer.text("orderId");
    for path in [format!("orders/{id}/cancel"), "orders/a/external-cancel".to_owned()] {
        let refused = app.post(&path, &json!({})).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text("title").contains("refund"));
    }
    assert_eq!(app.charged(1), 1999);
    // What it answers stays true after the fence.
    let again = with(evaluate("a"), &[("/idempotencyKey", json!("other"))]);
    assert_eq!(app.post("evaluate", &again).await.text("status"), "APPROVED");
    assert_eq!(app.acquirer(1).requests().len(), 1);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_hold_is_voided_by_either_cancel_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    for (order, external) in [("a", false), ("b", true)] {
        let body = with(evaluate(order), &[("/transactionType", json!("AUTHORIZATION"))]);
        let answer = app.post("evaluate", &body).await;
        assert_eq!(answer.text("status"), "CAPTUREREQUIRED");
        let id = answer.text("orderId");
        let path =
            if external { format!("orders/{order}/external-cancel") } else { format!("orders/{id}/cancel") };
        let token = app.token().await;
        for body in [Some("{}"), None] {
            let cancel = call(app.address, "POST", &format!("/v1//{path}"), Some(&token), body).await;
            assert_eq!((cancel.status, cancel.body.as_str()), (200, ""));
        }
        assert_eq!(app.get(&format!("orders/{id}")).await.text("statusName"), "CANCELLED");
        let capture = json!({"idempotencyKey": "k", "orderId": id, "amount": 1999, "currency": "USD"});
        assert_eq!(app.post("capture", &capture).await.text("status"), "FAILED");
    }
    assert_eq!((app.acquirer(1).operated().len(), app.charged(1)), (2, 0));
    app.finish().await;
}
