//! Captures, refunds and lists.

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
async fn a_capture_takes_the_exact_amount_once_per_key(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let body = with(evaluate("a"), &[("/transactionType", json!("Authorization"))]);
    let id = app.post("evaluate", &body).await.text("orderId");
    let capture = |key: &str, amount: i64| json!({"idempotencyKey": key, "orderId": id.clone(), "amount": amount, "currency": "usd"});
    let partial = app.post("capture", &capture("k1", 1998)).await;
    assert_eq!((partial.status, partial.text("status")), (200, "FAILED".to_owned()));
    app.acquirer(1).script_operations([Act::LoseAfter]);
    assert_eq!(app.post("capture", &capture("k2", 1999)).await.status, 504);
    assert_eq!(app.post("capture", &capture("k2", 1999)).await.status, 504);
    assert_eq!(app.post("capture", &capture("k3", 1999)).await.status, 409);
    app.pass(60);
    app.sweep().await;
    assert_eq!(app.post("capture", &capture("k2", 1999)).await.text("status"), "SUCCESS");
    assert_eq!(app.post("capture", &capture("k2", 1)).await.status, 409, "the key of another capture");
    assert_eq!(app.post("capture", &capture("k3", 1999)).await.text("status"), "FAILED");
    assert_eq!(app.acquirer(1).operated().len(), 1);
    assert_eq!(app.get(&format!("orders/{id}")).await.text("statusName"), "APPROVED");
    let missing = app.post("capture", &json!({"orderId": id})).await;
    assert_eq!((missing.status, missing.json()["Amount"][0].is_string()), (400, true));

    // Captured money is refunded, not voided.
    let refund = app.post(&format!("orders/{id}/refund"), &json!({"amountToRefund": 5})).await;
    assert_eq!(refund.text("status"), "SUCCESS");
    assert_eq!(app.acquirer(1).operated()[1].0, OperationKind::Refund);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn refunds_are_partial_or_whole_and_never_more_than_was_taken(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let path = format!("orders/{id}/refund");
    for wrong in [
        json!({}),
        json!({"amountToRefund": 0}),
        json!({"amountToRefund": "x"}),
        json!({"amountToRefund": 1.001}),
    ] {
        let answer = app.post(&path, &wrong).await;
        assert_eq!(
            (answer.status, answer.json()["AmountToRefund"][0].is_string()),
            (400, true),
            "{answer:?}"
        );
    }
    let over = app.post(&path, &json!({"amountToRefund": 20.0})).await;
    assert_eq!(over.status, 200);
    let body = over.json();
    assert_eq!(
        (&body["success"], &body["status"], &body["responseCode"]),
        (&json!(false), &json!("FAILED"), &json!("2001"))
    );
    assert_eq!(body["errors"][0]["item1"], body["responseMessage"]);
    assert_eq!((&body["errors"][0]["item2"], &body["errors"][0]["item3"]), (&json!("2001"), &json!("2001")));
    assert_eq!(body["errors"][0]["item4"], json!(true));

    let part = app.post(&path, &json!({"amountToRefund": 12.34, "refundMessage": "x"})).await;
    assert_eq!((part.text("status"), &part.json()["success"]), ("SUCCESS".to_owned(), &json!(true)));
    let order = app.get(&format!("orders/{id}")).await.json();
    assert_eq!((&order["statusName"], &order["refundedAmount"]), (&json!("APPROVED"), &json!(1234)));
    assert_eq!(app.post(&path, &json!({"amountToRefund": 7.66})).await.text("responseCode"), "2001");
    app.acquirer(1).script_operations([Act::Decline("300", "Refund not allowed")]);
    let refused = app.post(&path, &json!({"amountToRefund": 7.65})).await;
    assert_eq!(
        (refused.text("status"), refused.text("responseCode")),
        ("FAILED".to_owned(), "300".to_owned())
    );
    assert_eq!(app.post(&path, &json!({"amountToRefund": "7.65"})).await.text("status"), "SUCCESS");
    assert_eq!(app.get(&format!("orders/{id}")).await.text("status"), "6");
    assert_eq!(app.charged(1), 0);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn orders_are_listed_by_id_state_time_and_page(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    for number in 0..5_i64 {
        if number == 3 {
            app.acquirer(1).script([Act::Decline("202", "Insufficient funds")]);
        }
        let body = with(evaluate(&format!("ord-{number}")), &[("/transaction/amount", json!(500 - number))]);
        app.post("evaluate", &body).await;
        app.pass(60);
    }
    let ids = |query: &str| {
        let path = format!("orders?{query}");
        async { app.get(&{ path }).await.json() }
    };
    let names = |page: &serde_json::Value| -> Vec<String> {
        let rows = page["orders"].as_array().unwrap();
        rows.iter().map(|row| row["externalOrderId"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids("").await;
    assert_eq!(names(&all), ["ord-4", "ord-3", "ord-2", "ord-1", "ord-0"]);
    assert_eq!(
        (&all["totalItemCount"], &all["pageCount"], &all["isLastPage"]),
        (&json!(5), &json!(1), &json!(true))
    );
    let page = ids("pageSize=2&pageNumber=2&orderBy=amount&sort=asc").await;
    assert_eq!(names(&page), ["ord-2", "ord-1"]);
    assert_eq!(
        (&page["firstItemOnPage"], &page["lastItemOnPage"], &page["hasNextPage"]),
        (&json!(3), &json!(4), &json!(true))
    );
    assert_eq!(names(&ids("query=ord-3").await), ["ord-3"]);
    assert_eq!(names(&ids("query=ord").await), [""; 0]);
    let third = all["orders"][1].clone();
    for shown in ["id", "referenceNumber"] {
        let query = format!("query={}", third[shown].as_str().unwrap());
        assert_eq!(names(&ids(&query).await), ["ord-3"], "{shown}");
    }
    assert_eq!(ids("query=ANN@example.test").await["totalItemCount"], json!(5));
    assert_eq!(names(&ids("status=2").await), ["ord-3"]);
    assert_eq!(names(&ids("status=7&status=2&query=ord-3").await), ["ord-3"]);
    assert_eq!(names(&ids("status=0,1").await), [""; 0]);
    let between = "from=2030-01-02T03:05:00Z&to=2030-01-02T03:07:00&sort=asc";
    assert_eq!(names(&ids(between).await), ["ord-1", "ord-2"]);
    assert_eq!(ids("pageNumber=9").await["orders"], json!([]));
    let wrong = app.get("orders?pageSize=0&from=x").await;
    assert_eq!((wrong.status, wrong.json()["From"][0].is_string()), (400, true));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn one_account_never_sees_the_orders_of_another(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &evaluate("a")).await.text("orderId");
    let stranger = recoup_platform::Credentials {
        app_key: "another-account-key-0000".to_owned(),
        app_secret: "another-account-secret-0".to_owned(),
        mid: "99999999-6a0e-4b1c-9a53-2f6f5d0c8e01".to_owned(),
        ..app.credentials.clone()
    };
    app.platform.create_account("Stranger", &stranger).await.unwrap();
    assert!(app.platform.create_account("Again", &stranger).await.is_err());
    let login = json!({"AppKey": stranger.app_key, "AppSecret": stranger.app_secret}).to_string();
    let token = crate::client::call(app.address, "POST", "/v1/oauth2/token", None, Some(&login)).await;
    let token = token.text("accessToken");
    for (method, path) in [
        ("GET", format!("/v1/orders/{id}")),
        ("POST", format!("/v1/orders/{id}/cancel")),
        ("POST", format!("/v1/orders/{id}/refund")),
    ] {
        let answer =
            crate::client::call(app.address, method, &path, Some(&token), Some("{\"amountToRefund\":1}"))
                .await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let listed = crate::client::call(app.address, "GET", "/v1/orders?query=a", Some(&token), None).await;
    assert_eq!(listed.json()["totalItemCount"], json!(0));
    // Its fence is its own too.
    let fence =
        crate::client::call(app.address, "POST", "/v1/orders/b/external-cancel", Some(&token), None).await;
    assert_eq!(fence.status, 200);
    assert_eq!(app.post("evaluate", &evaluate("b")).await.text("status"), "APPROVED");
    app.finish().await;
}
