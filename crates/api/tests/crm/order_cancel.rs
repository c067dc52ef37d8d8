//! `/order/cancel/` with `afterNextBill`: what an order bills again ends after the next bill, and nothing is given back.

use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::form::{Form, call, sale};
use crate::purchases::{DAY, bill_after, purchase, shop, sold};

const PATH: &str = "/order/cancel/";

fn later(order: &Value) -> Form {
    let id = order["orderId"].as_str().unwrap();
    call().with("orderId", id).with("cancelReason", "customer called").with("afterNextBill", 1)
}

fn purchase_of(order: &Value, line: usize) -> String {
    order["items"][line]["purchaseId"].as_str().expect("a purchase").to_owned()
}

async fn status(app: &TestApp, id: &str) -> String {
    purchase(app, id).await["status"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_order_is_cancelled_after_its_next_bill(#[case] on: On) {
    let app = shop(on).await;
    let (order, id) = sold(&app).await;
    for _ in 0..2 {
        let answer = success(&app.call(PATH, &later(&order)).await);
        let told = [&answer["orderStatus"], &answer["items"][0]["purchaseStatus"]];
        assert_eq!(told, [&json!("COMPLETE"), &json!("CANCELLATION_SCHEDULED")]);
    }
    assert_eq!((app.taken(1), app.fake(1).operated().len()), (3_499, 0), "nothing is given back");
    bill_after(&app, 30 * DAY).await;
    assert_eq!((app.asked(1), status(&app, &id).await.as_str()), (2, "CANCELLED"));
    assert_eq!(purchase(&app, &id).await["cancelReason"], "customer called");
    bill_after(&app, 60 * DAY).await;
    assert_eq!(app.asked(1), 2, "the next bill was the last");
    let text = error(&app.call(PATH, &later(&order)).await);
    assert!(text.starts_with("afterNextBill: no purchase"), "{text}");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn every_purchase_of_the_order_ends_after_its_own_next_bill(#[case] on: On) {
    let app = shop(on).await;
    let order = app.approved(&sale().with("product2_id", 12)).await;
    let (monthly, trial) = (purchase_of(&order, 0), purchase_of(&order, 1));
    success(&app.call(PATH, &later(&order)).await);
    bill_after(&app, 14 * DAY).await;
    assert_eq!(status(&app, &trial).await, "CANCELLED");
    assert_eq!(status(&app, &monthly).await, "CANCELLATION_SCHEDULED");
    bill_after(&app, 16 * DAY).await;
    assert_eq!(status(&app, &monthly).await, "CANCELLED");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_cannot_end_after_a_next_bill_is_said_and_nothing_is_changed(#[case] on: On) {
    let app = shop(on).await;
    let once = app.approved(&sale().with("product1_id", 13)).await;
    let text = error(&app.call(PATH, &later(&once)).await);
    assert!(text.starts_with("afterNextBill: no purchase"), "{text}");
    let order = app.approved(&sale().with("product2_id", 12).with("emailAddress", "b@example.com")).await;
    let text = error(&app.call(PATH, &later(&order).with("fullRefund", 1)).await);
    assert!(text.starts_with("fullRefund: cannot be sent with afterNextBill"), "{text}");
    let text = error(&app.call(PATH, &later(&order).without("cancelReason")).await);
    assert!(text.starts_with("cancelReason"), "{text}");
    success(&app.call("/purchase/pause/", &call().with("purchaseId", purchase_of(&order, 1))).await);
    let text = error(&app.call(PATH, &later(&order)).await);
    assert!(text.starts_with("afterNextBill") && text.contains(&purchase_of(&order, 1)), "{text}");
    assert!(text.contains("paused"), "{text}");
    assert_eq!(status(&app, &purchase_of(&order, 0)).await, "ACTIVE", "none is touched");
    app.ends_well().await;
}
