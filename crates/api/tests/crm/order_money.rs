//! Money of orders that several approvals took: a trial's completion is booked on the order of its checkout.

use gateways::OperationKind;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::form::{Form, call, sale};
use crate::purchases::{DAY, bill_after, shop};

/// What the sale of a trial takes: 4.95 and 5.00 of shipping.
const SALE: i64 = 995;
/// What its completion takes.
const COMPLETION: i64 = 3_499;

/// A trial that was sold and completed; the order, and its transactions, oldest first.
async fn completed(app: &TestApp) -> (String, Vec<String>) {
    let order = app.approved(&sale().with("product1_id", 12)).await;
    let order = order["orderId"].as_str().unwrap().to_owned();
    bill_after(app, 14 * DAY).await;
    assert_eq!(app.taken(1), SALE + COMPLETION);
    let rows = app.order(&order).await["transactions"].clone();
    let ids: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["transactionId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    (order, ids)
}

async fn refund(app: &TestApp, order: &str, form: Form) -> Value {
    app.call("/order/refund/", &form.with("orderId", order)).await
}

/// Minor units of each refund that gateway 1 was sent.
fn refunds(app: &TestApp) -> Vec<i64> {
    let all = app.fake(1).operated();
    assert!(all.iter().all(|(kind, _, _)| *kind == OperationKind::Refund));
    all.into_iter().map(|(_, _, minor)| minor).collect()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_an_order_is_refunded_over_its_approvals_the_latest_first(#[case] on: On) {
    let app = shop(on).await;
    let (order, _) = completed(&app).await;
    for odd in ["44.95", "0", "-1", "1,00"] {
        let text = error(&refund(&app, &order, call().with("refundAmount", odd)).await);
        assert!(text.starts_with("refundAmount"), "{text}");
    }
    assert_eq!(refunds(&app), [0_i64; 0]);
    let answer = success(&refund(&app, &order, call().with("refundAmount", "40.00")).await);
    assert_eq!((refunds(&app), &answer["orderStatus"]), (vec![COMPLETION, 501], &json!("COMPLETE")));
    assert!(
        error(&refund(&app, &order, call().with("refundAmount", "4.95")).await).starts_with("refundAmount")
    );
    let answer = success(&refund(&app, &order, call().with("fullRefund", 1)).await);
    assert_eq!((refunds(&app), &answer["orderStatus"]), (vec![COMPLETION, 501, 494], &json!("REFUNDED")));
    assert_eq!(app.taken(1), 0);
    assert!(error(&refund(&app, &order, call().with("fullRefund", 1)).await).starts_with("orderId"));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_full_refund_of_an_order_reaches_every_approval(#[case] on: On) {
    let app = shop(on).await;
    let (order, ids) = completed(&app).await;
    // A part of the completion went back outside: it is not given back again.
    let outside =
        call().with("transactionId", &ids[1]).with("refundAmount", "4.99").with("externalRefund", 1);
    success(&app.call("/transactions/refund/", &outside).await);
    let answer = success(&refund(&app, &order, call().with("fullRefund", 1)).await);
    assert_eq!((refunds(&app), &answer["orderStatus"]), (vec![COMPLETION - 499, SALE], &json!("REFUNDED")));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_any_approval_of_an_order_is_refunded_by_its_transaction(#[case] on: On) {
    let app = shop(on).await;
    let (order, ids) = completed(&app).await;
    let path = "/transactions/refund/";
    let of = |id: &str| call().with("transactionId", id);
    assert!(
        error(&app.call(path, &of(&ids[1]).with("refundAmount", "35")).await).starts_with("refundAmount")
    );
    success(&app.call(path, &of(&ids[1]).with("fullRefund", 1)).await);
    assert_eq!((refunds(&app), app.taken(1)), (vec![COMPLETION], SALE));
    assert_eq!(app.order(&order).await["orderStatus"], "COMPLETE", "the sale stands");
    let text = error(&app.call(path, &of(&ids[1]).with("fullRefund", 1)).await);
    assert_eq!(text, "transactionId: this transaction took no money that could be given back");
    success(&app.call(path, &of(&ids[0]).with("fullRefund", 1)).await);
    assert_eq!((app.taken(1), &app.order(&order).await["orderStatus"]), (0, &json!("REFUNDED")));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_a_refund_of_an_order_that_is_refused_halfway_says_what_went_back(#[case] on: On) {
    let app = shop(on).await;
    let (order, _) = completed(&app).await;
    app.fake(1).script_operations([Act::Approve, Act::Decline("3", "too late")]);
    let text = error(&refund(&app, &order, call().with("fullRefund", 1)).await);
    assert!(text.contains("34.99") && text.contains("was given back") && text.contains("too late"), "{text}");
    assert_eq!((app.taken(1), &app.order(&order).await["orderStatus"]), (SALE, &json!("COMPLETE")));
    app.fake(1).script_operations([Act::Decline("3", "too late")]);
    let text = error(&refund(&app, &order, call().with("fullRefund", 1)).await);
    assert_eq!(text, "The gateway refused the refund: too late");
    success(&refund(&app, &order, call().with("fullRefund", 1)).await);
    assert_eq!(app.taken(1), 0);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_the_same_partial_refund_asked_for_again_is_given_back_once(#[case] on: On) {
    let app = shop(on).await;
    let (order, ids) = completed(&app).await;
    let part = || call().with("refundAmount", "10.00");
    for _ in 0..2 {
        success(&app.call("/transactions/refund/", &part().with("transactionId", &ids[1])).await);
    }
    assert_eq!(refunds(&app), [1_000]);
    // Over the order: what is left of the completion, and a part of the sale.
    let spread = || call().with("refundAmount", "26.00");
    for _ in 0..2 {
        success(&refund(&app, &order, spread()).await);
    }
    let after = refunds(&app);
    assert_eq!(after.iter().sum::<i64>(), 3_600, "{after:?}");
    // Later it is another one.
    app.clock.advance(601);
    success(
        &app.call(
            "/transactions/refund/",
            &call().with("transactionId", &ids[0]).with("refundAmount", "1.00"),
        )
        .await,
    );
    success(
        &app.call(
            "/transactions/refund/",
            &call().with("transactionId", &ids[0]).with("refundAmount", "2.00"),
        )
        .await,
    );
    app.clock.advance(601);
    success(
        &app.call(
            "/transactions/refund/",
            &call().with("transactionId", &ids[0]).with("refundAmount", "1.00"),
        )
        .await,
    );
    assert_eq!(refunds(&app).iter().sum::<i64>(), 4_000);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_refund_ends_the_purchase_when_it_says_so(#[case] on: On) {
    let app = shop(on).await;
    let (order, ids) = completed(&app).await;
    let path = "/transactions/refund/";
    let of = |value: &str| {
        call().with("transactionId", &ids[1]).with("refundAmount", "1.00").with("cancelPurchase", value)
    };
    assert!(error(&app.call(path, &of("x")).await).starts_with("cancelPurchase"));
    assert_eq!(refunds(&app), [0_i64; 0]);
    success(&app.call(path, &of("1")).await);
    assert_eq!(refunds(&app), [100]);
    let shown = app.order(&order).await;
    assert_eq!(shown["items"][0]["purchaseStatus"], "CANCELLED");
    bill_after(&app, 60 * DAY).await;
    assert_eq!(app.taken(1), SALE + COMPLETION - 100, "nothing more is billed");
    app.ends_well().await;
}
