//! Chargebacks and refunds by the CRM's calls.

use gateways::fake::Act;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::form::{Form, call, sale};

const UPDATE: &str = "/transactions/update/";

async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await
}

/// An approved order and its transaction, by their ids.
async fn sold(app: &TestApp) -> (String, String) {
    let order = app.approved(&sale()).await;
    let id = order["orderId"].as_str().unwrap().to_owned();
    let row = transaction(app, &id).await;
    (id, row["transactionId"].as_str().unwrap().to_owned())
}

async fn transaction(app: &TestApp, order: &str) -> Value {
    success(&app.call("/transactions/query/", &call().with("orderId", order)).await)["data"][0].clone()
}

async fn found(app: &TestApp, form: Form) -> i64 {
    let answer = app.call("/transactions/query/", &form).await;
    if answer["result"] == "ERROR" { 0 } else { success(&answer)["totalResults"].as_i64().unwrap() }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r153_a_transaction_is_marked_as_charged_back_found_by_it_and_reverted(#[case] on: On) {
    let app = app(on).await;
    let (order, id) = sold(&app).await;
    app.approved(&sale().with("emailAddress", "second@example.com")).await;
    let plain = transaction(&app, &order).await;
    assert_eq!((&plain["isChargedback"], &plain["chargebackAmount"]), (&json!(0), &Value::Null));
    let mark = call()
        .with("transactionId", &id)
        .with("markChargeback", 1)
        .with("chargebackAmount", "10.50")
        .with("chargebackDate", "11/20/2026")
        .with("chargebackReasonCode", "10.4")
        .with("chargebackNote", "Letter");
    let marked = success(&app.call(UPDATE, &mark).await);
    assert_eq!(marked, transaction(&app, &order).await);
    let fields =
        ["isChargedback", "chargebackAmount", "chargebackDate", "chargebackReasonCode", "chargebackNote"];
    let shown: Vec<&Value> = fields.iter().map(|field| &marked[field]).collect();
    assert_eq!(json!(shown), json!([1, "10.50", "2026-11-20", "10.4", "Letter"]));
    assert_eq!(app.order(&order).await["orderStatus"], "COMPLETE", "marked only");
    for by_order in [true, false] {
        let asked = |flag: i64| {
            let form = call().with("isChargedback", flag);
            if by_order { form.with("orderId", &order) } else { form.with("startDate", "11/22/2026") }
        };
        let expected = if by_order { (1, 0) } else { (1, 1) };
        assert_eq!((found(&app, asked(1)).await, found(&app, asked(0)).await), expected);
    }
    assert_eq!(error(&app.call(UPDATE, &mark).await), "it is marked as a chargeback already");
    assert_eq!(app.events(&order).await.iter().filter(|kind| *kind == "chargeback").count(), 1);

    let revert = call().with("transactionId", &id).with("revertChargeback", 1);
    assert_eq!(success(&app.call(UPDATE, &revert).await)["isChargedback"], 0);
    assert_eq!(found(&app, call().with("isChargedback", 1).with("startDate", "11/22/2026")).await, 0);
    assert_eq!(error(&app.call(UPDATE, &revert).await), "it is not marked as a chargeback");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r153_what_is_wrong_with_a_mark_is_said_at_once(#[case] on: On) {
    let app = app(on).await;
    let (order, id) = sold(&app).await;
    let odd = call()
        .with("transactionId", &id)
        .with("markChargeback", 1)
        .with("revertChargeback", 1)
        .with("chargebackAmount", "ten")
        .with("chargebackDate", "2026-11-20")
        .with("chargebackReasonCode", "12345678901")
        .with("chargebackNote", "x".repeat(501));
    let words = error(&app.call(UPDATE, &odd).await);
    for name in
        ["markChargeback", "chargebackAmount", "chargebackDate", "chargebackReasonCode", "chargebackNote"]
    {
        assert!(words.contains(name), "{name}: {words}");
    }
    let much = call().with("transactionId", &id).with("markChargeback", 1).with("chargebackAmount", "1000");
    assert!(error(&app.call(UPDATE, &much).await).starts_with("chargebackAmount"));
    for wrong in ["", "x", &order] {
        let form = call().with("transactionId", wrong).with("markChargeback", 1);
        assert!(error(&app.call(UPDATE, &form).await).starts_with("transactionId"), "{wrong}");
    }
    app.script(1, [Act::Decline("", "Do not honor")]);
    let (declined, _) = app.declined(&sale().with("emailAddress", "third@example.com")).await;
    let id = transaction(&app, &declined).await["transactionId"].as_str().unwrap().to_owned();
    let form = call().with("transactionId", id).with("markChargeback", 1);
    assert!(error(&app.call(UPDATE, &form).await).contains("only an approved one"));
    assert_eq!(transaction(&app, &order).await["isChargedback"], 0);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_transactions_are_refunded_in_part_in_full_and_outside(#[case] on: On) {
    let app = app(on).await;
    let (order, id) = sold(&app).await;
    let whole = app.taken(1);
    let refund = async |form: Form| app.call("/transactions/refund/", &form.with("transactionId", &id)).await;
    for odd in [call(), call().with("refundAmount", "1").with("fullRefund", 1)] {
        assert!(error(&refund(odd).await).starts_with("refundAmount"));
    }
    assert!(error(&refund(call().with("refundAmount", "1000")).await).starts_with("refundAmount"));
    success(&refund(call().with("refundAmount", "1.00")).await);
    assert_eq!(app.taken(1), whole - 100);
    let outside =
        call().with("refundAmount", "2.00").with("externalRefund", 1).with("refundMerchantTxnId", "r-1");
    success(&refund(outside).await);
    assert_eq!(app.taken(1), whole - 100, "booked, and not sent");
    success(&refund(call().with("fullRefund", 1)).await);
    assert_eq!(app.taken(1), 200, "what was given back outside is not given back again");
    assert_eq!(app.order(&order).await["orderStatus"], "REFUNDED");
    assert_eq!(
        error(&refund(call().with("fullRefund", 1)).await),
        "transactionId: this transaction took no money that could be given back"
    );
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_orders_are_refunded_and_cancelled(#[case] on: On) {
    let app = app(on).await;
    let (order, _) = sold(&app).await;
    let at = |path: &'static str, id: String, form: Form| {
        let app = &app;
        async move { app.call(path, &form.with("orderId", id)).await }
    };
    let answer = at("/order/refund/", order.clone(), call().with("refundAmount", "1.00")).await;
    assert_eq!(success(&answer)["orderStatus"], "COMPLETE");
    let answer = at("/order/refund/", order.clone(), call().with("fullRefund", 1)).await;
    assert_eq!((success(&answer)["orderStatus"].clone(), app.taken(1)), (json!("REFUNDED"), 0));

    let other = app.approved(&sale().with("emailAddress", "second@example.com")).await;
    let other = other["orderId"].as_str().unwrap().to_owned();
    let words = error(&at("/order/cancel/", other.clone(), call().with("afterNextBill", 1)).await);
    for name in ["cancelReason", "afterNextBill"] {
        assert!(words.contains(name), "{name}: {words}");
    }
    let unasked = at("/order/cancel/", other.clone(), call().with("cancelReason", "x")).await;
    assert!(error(&unasked).starts_with("fullRefund: this order is paid"));
    assert!(app.taken(1) > 0, "money goes back only when it is asked for");
    let form = call().with("cancelReason", "customer called").with("fullRefund", 1);
    let answer = at("/order/cancel/", other.clone(), form).await;
    assert_eq!((success(&answer)["orderStatus"].clone(), app.taken(1)), (json!("CANCELLED"), 0));
    assert!(error(&at("/order/refund/", other, call().with("fullRefund", 1)).await).starts_with("orderId"));
    for path in ["/order/refund/", "/order/cancel/"] {
        let form = call().with("cancelReason", "x").with("fullRefund", 1);
        assert!(error(&at(path, "0".repeat(26), form).await).starts_with("orderId"));
    }
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_refund_that_the_gateway_refuses_is_said(#[case] on: On) {
    let app = app(on).await;
    let (order, id) = sold(&app).await;
    app.fake(1).script_operations([Act::Decline("3", "too late")]);
    let form = call().with("transactionId", &id).with("fullRefund", 1);
    assert_eq!(
        error(&app.call("/transactions/refund/", &form).await),
        "The gateway refused the refund: too late"
    );
    assert_eq!(app.order(&order).await["orderStatus"], "COMPLETE");
}
