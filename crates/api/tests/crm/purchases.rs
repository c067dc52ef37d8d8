//! Purchases: begun by sales, searched, and shown on orders and transactions.

use domain::configuration::{Billing, CampaignProduct};
use domain::ids::MerchantId;
use domain::plan::Plan;
use hub::Change;
use recoup_api::auth;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;
use uuid::Uuid;

use crate::app::{TestApp, error, success};
use crate::cascades::{HARD, SOFT, app as cascading};
use crate::form::{Form, call, sale};
use crate::setup::{on_trial, product, recycle_profile, to_gateway, usd};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
const NONE_FOUND: &str = "No purchases matching those parameters could be found";

/// The product with this number, sold for 29.99 and 5.00 of shipping every 30 days.
fn monthly(number: i64) -> CampaignProduct {
    CampaignProduct {
        billing: Billing::Recurring,
        plan: Some(Plan::every(30, usd(2_999), usd(500))),
        ..product(number, to_gateway(1))
    }
}

/// Campaign 1 sells 11 monthly, 12 on trial, 13 once and 14 in three instalments, at gateway 1 with gateway 9 for its
/// soft declines; rebills are tried again there three times, then handed over to gateway 9.
pub(crate) async fn shop(on: On) -> TestApp {
    let app = cascading(on, &[9]).await;
    let instalments = CampaignProduct {
        billing: Billing::MultiPay,
        plan: Some(Plan { final_cycle: Some(3), ships_once: true, ..Plan::every(30, usd(2_999), usd(500)) }),
        ..product(14, to_gateway(1))
    };
    let products = vec![monthly(11), on_trial(12, to_gateway(1)), product(13, to_gateway(1)), instalments];
    app.change_campaign(|campaign| campaign.products = products).await;
    app.with(Change::RecycleProfile(recycle_profile(1, Some(9)))).await
}

/// Moves the clock and bills what is due.
pub(crate) async fn bill_after(app: &TestApp, secs: i64) {
    app.clock.advance(secs);
    while app.hub.sweep_subscriptions().await.unwrap().subscriptions > 0 {}
}

/// The purchases that a search finds.
pub(crate) async fn purchases(app: &TestApp, form: &Form) -> Vec<Value> {
    let answer = app.call("/purchase/query/", form).await;
    if answer["result"] == "ERROR" {
        assert_eq!(error(&answer), NONE_FOUND);
        return Vec::new();
    }
    success(&answer)["data"].as_array().unwrap().clone()
}

/// One purchase.
pub(crate) async fn purchase(app: &TestApp, id: &str) -> Value {
    purchases(app, &call().with("purchaseId", id)).await[0].clone()
}

/// Sells product 11; the order, and the purchase's id.
pub(crate) async fn sold(app: &TestApp) -> (Value, String) {
    let order = app.approved(&sale()).await;
    let id = order["items"][0]["purchaseId"].as_str().expect("a purchase").to_owned();
    (order, id)
}

/// What two sales of the same have in common.
fn alike(purchase: &Value) -> Value {
    let names = [
        "status",
        "merchantId",
        "billingCycleNumber",
        "price",
        "shippingPrice",
        "trialType",
        "billingType",
        "billingIntervalDays",
        "finalBillingCycle",
        "recycleNumber",
        "salvageStatus",
        "productId",
        "nextBillDate",
    ];
    names.iter().map(|name| (*name, purchase[*name].clone())).collect::<Vec<_>>().into_iter().collect()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r79_a_salvaged_sale_begins_purchases_as_any_sale_does_on_the_gateway_that_declined(#[case] on: On) {
    let app = shop(on).await;
    let both =
        |email: &str| sale().with("product2_id", 12).with("product3_id", 13).with("emailAddress", email);
    let plain = app.approved(&both("plain@example.com")).await;
    app.script(1, [SOFT]);
    let saved = app.approved(&both("saved@example.com")).await;
    assert_eq!(saved["isSalvaged"], 1);
    for (at, status, number) in [(0, "ACTIVE", 11), (1, "TRIAL", 12)] {
        let items = [&plain["items"][at], &saved["items"][at]];
        assert_eq!(items.map(|item| &item["merchantId"]), [&json!(1), &json!(9)]);
        assert_eq!(items[0]["nextBillDate"], items[1]["nextBillDate"]);
        let mut found = Vec::new();
        for item in items {
            assert_eq!((&item["purchaseStatus"], &item["productId"]), (&json!(status), &json!(number)));
            found.push(purchase(&app, item["purchaseId"].as_str().unwrap()).await);
        }
        assert_eq!(alike(&found[0]), alike(&found[1]));
        assert_eq!((&found[1]["status"], &found[1]["merchantId"]), (&json!(status), &json!(1)));
        assert_eq!(found[1]["merchant"], "gateway 1");
    }
    assert_eq!(saved["items"][2]["purchaseId"], json!(null));
    assert_eq!(saved["items"][2]["billingCycleType"], "ONE_TIME");
    assert_eq!(purchases(&app, &call()).await.len(), 4);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_purchase_tells_what_is_billed_when_where_and_on_which_card(#[case] on: On) {
    let app = shop(on).await;
    let order =
        app.approved(&sale().with("product1_id", 12).with("product1_qty", 2).with("affId", "A7")).await;
    let found = &purchases(&app, &call().with("orderId", order["orderId"].as_str().unwrap())).await[0];
    let expected = json!({
        "orderId": order["orderId"], "customerId": order["customerId"], "campaignId": 1,
        "campaignName": "campaign 1", "productId": 12, "productName": "product 12", "productQty": 2,
        "status": "TRIAL", "billingType": "RECURRING", "trialType": "STANDARD", "billingCycleNumber": 1,
        "finalBillingCycle": null, "billingIntervalDays": 30, "merchantId": 1, "price": "29.99",
        "priceNextOnly": 0, "shippingPrice": "5.00", "totalAmount": "64.98", "currencyCode": "USD",
        "recycleNumber": 0, "salvageStatus": "NONE", "heldReason": null, "cancelReason": null,
        "emailAddress": "ada@example.com", "firstName": "Ada", "affId": "A7", "cardLast4": "1111",
        "cardBin": "411111", "cardExpiryDate": "12/2030", "cardType": "VISA", "pauseDate": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{name}");
    }
    assert!(found["nextBillDate"].as_str().unwrap().starts_with("2026-12-06 "), "{}", found["nextBillDate"]);
    assert!(!found.to_string().contains("4111111111111111"));
    let pays = app.approved(&sale().with("product1_id", 14).with("emailAddress", "b@example.com")).await;
    assert_eq!(pays["items"][0]["billingCycleType"], "MULTI_PAY");
    assert_eq!(pays["items"][0]["finalBillingCycle"], 3);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn purchases_are_found_by_everything_that_people_know_of_them(#[case] on: On) {
    let app = shop(on).await;
    assert_eq!(error(&app.call("/purchase/query/", &call()).await), NONE_FOUND);
    let (order, first) = sold(&app).await;
    app.clock.advance(DAY);
    let second =
        app.approved(&sale().with("product1_id", 12).with("emailAddress", "Second@Example.com")).await;
    let second_id = second["items"][0]["purchaseId"].as_str().unwrap();
    let cases = [
        (call(), 2),
        (call().with("purchaseId", &first), 1),
        (call().with("purchaseId", first.to_ascii_uppercase()), 1),
        (call().with("orderId", order["orderId"].as_str().unwrap()), 1),
        (call().with("customerId", order["customerId"].as_str().unwrap()), 1),
        (call().with("status", "ACTIVE"), 1),
        (call().with("status", "Trial"), 1),
        (call().with("status", "Recycle Billing"), 0),
        (call().with("campaignId", 1), 2),
        (call().with("campaignId", 2), 0),
        (call().with("emailAddress", "second@example.COM"), 1),
        (call().with("startDate", "11/22/2026").with("endDate", "11/22/2026"), 1),
        (call().with("startDate", "11/23/2026"), 1),
        (call().with("endDate", "11/21/2026"), 0),
        (call().with("resultsPerPage", 1).with("page", 2), 1),
        (call().with("resultsPerPage", 1).with("page", 3), 0),
    ];
    for (form, expected) in cases {
        assert_eq!(purchases(&app, &form).await.len(), expected, "{form:?}");
    }
    let newest = success(&app.call("/purchase/query/", &call().with("resultsPerPage", 1)).await);
    assert_eq!((&newest["totalResults"], &newest["resultsPerPage"]), (&json!(2), &json!(1)));
    assert_eq!(newest["data"][0]["purchaseId"], second_id, "newest first");
    let wrong = call()
        .with("purchaseId", "x")
        .with("orderId", "y")
        .with("customerId", "z")
        .with("status", "GONE")
        .with("campaignId", "one")
        .with("startDate", "2026-11-22")
        .with("page", 0);
    let text = error(&app.call("/purchase/query/", &wrong).await);
    for name in ["purchaseId", "orderId", "customerId", "status", "campaignId", "startDate", "page"] {
        assert!(text.contains(&format!("{name}: ")), "{name} is not in {text}");
    }
    assert!(text.contains("PAUSE_SCHEDULED") && text.contains("RECYCLE_FAILED"), "{text}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_rebill_is_an_order_of_its_own_and_until_then_shown_under_the_first_order(#[case] on: On) {
    let app = shop(on).await;
    let (order, id) = sold(&app).await;
    let first = order["orderId"].as_str().unwrap();
    app.script(1, [SOFT]);
    bill_after(&app, 30 * DAY).await;
    let recycled = purchase(&app, &id).await;
    assert_eq!((&recycled["status"], &recycled["recycleNumber"]), (&json!("RECYCLE_BILLING"), &json!(1)));
    let rows = async |form: Form| {
        let answer = app.call("/transactions/query/", &form).await;
        if answer["result"] == "ERROR" {
            vec![]
        } else {
            success(&answer)["data"].as_array().unwrap().clone()
        }
    };
    let of_first = rows(call().with("orderId", first)).await;
    let told = |row: &Value| {
        let names =
            ["orderType", "responseType", "billingCycleNumber", "recycleNumber", "purchaseId", "orderId"];
        names.map(|name| row[name].clone())
    };
    let (sale_row, decline) = (
        [json!("NEW_SALE"), json!("SUCCESS"), json!(1), json!(0), json!(null), json!(first)],
        [json!("RECURRING"), json!("SOFT_DECLINE"), json!(2), json!(0), json!(id), json!(first)],
    );
    assert_eq!(of_first.iter().map(told).collect::<Vec<_>>(), [sale_row.clone(), decline.clone()]);
    assert_eq!(
        rows(call().with("startDate", "11/23/2026")).await.iter().map(told).collect::<Vec<_>>(),
        [decline]
    );
    // The order itself is what it was.
    let shown = app.order(first).await;
    assert_eq!((&shown["orderStatus"], &shown["paymentStatus"]), (&json!("COMPLETE"), &json!("PAID")));
    assert_eq!(shown["items"][0]["purchaseStatus"], "RECYCLE_BILLING");
    assert_eq!(shown["transactions"].as_array().unwrap().len(), 2);

    bill_after(&app, 4 * DAY).await;
    let orders = success(&app.call("/order/query/", &call().with("orderType", "RECURRING")).await);
    assert_eq!(orders["totalResults"], 1);
    let rebill = &orders["data"][0];
    assert_eq!((&rebill["orderType"], &rebill["amountPaid"]), (&json!("RECURRING"), &json!("34.99")));
    assert_eq!(rebill["items"][0]["purchaseId"], json!(id));
    assert_eq!(
        (&rebill["items"][0]["billingCycleNumber"], &rebill["items"][0]["recurringStatus"]),
        (&json!(2), &json!("ACTIVE"))
    );
    let own = rebill["orderId"].as_str().unwrap();
    let told: Vec<_> = rows(call().with("purchaseId", &id)).await.iter().map(told).collect();
    let expected = [
        [json!("RECURRING"), json!("SOFT_DECLINE"), json!(2), json!(0), json!(id), json!(own)],
        [json!("RECURRING"), json!("SUCCESS"), json!(2), json!(1), json!(id), json!(own)],
    ];
    assert_eq!(told, expected);
    assert_eq!(rows(call().with("orderId", first)).await.len(), 1);
    assert_eq!(rows(call().with("purchaseId", &id).with("responseType", "SUCCESS")).await.len(), 1);
    assert_eq!(rows(call().with("purchaseId", &id).with("merchantId", 9)).await.len(), 0);
    let sales = success(&app.call("/order/query/", &call().with("orderType", "NEW_SALE")).await);
    assert_eq!((&sales["totalResults"], &sales["data"][0]["orderId"]), (&json!(1), &json!(first)));
    let refused = error(&app.call("/order/query/", &call().with("orderType", "OTHER")).await);
    assert!(refused.contains("orderType: "), "{refused}");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_trials_completion_stays_on_its_order_and_its_decline_spares_the_order(#[case] on: On) {
    let app = shop(on).await;
    let order = app.approved(&sale().with("product1_id", 12)).await;
    let (first, id) = (order["orderId"].as_str().unwrap(), order["items"][0]["purchaseId"].as_str().unwrap());
    app.script(1, [HARD]);
    bill_after(&app, 14 * DAY).await;
    let failed = purchase(&app, id).await;
    assert_eq!(failed["status"], "RECYCLE_FAILED");
    assert!(failed["failReason"].as_str().unwrap().contains("Hard decline"), "{failed}");
    let shown = app.order(first).await;
    let told = [&shown["orderStatus"], &shown["paymentStatus"], &shown["amountPaid"]];
    assert_eq!(told, [&json!("COMPLETE"), &json!("PAID"), &json!("9.95")]);
    let row = &shown["transactions"][1];
    let told = [&row["orderType"], &row["billingCycleNumber"], &row["purchaseId"], &row["responseType"]];
    assert_eq!(told, [&json!("NEW_SALE"), &json!(2), &json!(id), &json!("HARD_DECLINE")]);
    assert_eq!(shown["items"][0]["recurringStatus"], "INACTIVE");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_open_salvage_is_a_pending_transaction_and_the_purchase_waits(#[case] on: On) {
    use gateways::fake::Act;
    let app = shop(on).await;
    let (order, id) = sold(&app).await;
    app.script(1, [SOFT, SOFT, SOFT, SOFT]);
    app.script(9, [Act::Pend]);
    bill_after(&app, 30 * DAY).await;
    for _ in 0..4 {
        bill_after(&app, 4 * DAY).await;
    }
    let waits = purchase(&app, &id).await;
    let told = [&waits["status"], &waits["recycleNumber"], &waits["salvageStatus"], &waits["merchantId"]];
    assert_eq!(told, [&json!("RECYCLE_BILLING"), &json!(4), &json!("PENDING"), &json!(1)]);
    let form = call().with("orderId", order["orderId"].as_str().unwrap()).with("responseType", "PENDING");
    let rows = success(&app.call("/transactions/query/", &form).await);
    let row = &rows["data"][0];
    let told = [&row["merchantId"], &row["recycleNumber"], &row["orderType"], &row["purchaseId"]];
    assert_eq!(told, [&json!(9), &json!(4), &json!("RECURRING"), &json!(id)]);
    assert_eq!(rows["totalResults"], 1);
    // Nothing else is done to the bill while it is open (M23).
    for change in ["billNow", "status"] {
        let form = call().with("purchaseId", &id);
        let form = form.with(change, if change == "status" { "RECYCLE_FAILED" } else { "1" });
        let text = error(&app.call("/purchase/update/", &form).await);
        assert!(text.contains("is open"), "{text}");
    }
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn nobody_sees_or_changes_the_purchases_of_another_merchant(#[case] on: On) {
    let app = shop(on).await;
    let (order, id) = sold(&app).await;
    let before = purchase(&app, &id).await;
    let other = MerchantId::from_uuid(Uuid::from_u128(2));
    app.hub.create_merchant(other, "Other").await.unwrap();
    auth::save_api_user(&app.hub, other, "other", &"correct-horse".into(), &[]).await.unwrap();
    let theirs = || call().with("loginId", "other");
    assert_eq!(error(&app.call("/purchase/query/", &theirs()).await), NONE_FOUND);
    assert_eq!(error(&app.call("/purchase/query/", &theirs().with("purchaseId", &id)).await), NONE_FOUND);
    let card = |form: Form| {
        form.with("cardNumber", crate::form::OTHER_VISA).with("cardMonth", 1).with("cardYear", 2031)
    };
    let customer = order["customerId"].as_str().unwrap();
    let cases = [
        ("/purchase/update/", theirs().with("purchaseId", &id).with("price", "1.00"), "there is no purchase"),
        ("/purchase/update/", theirs().with("purchaseId", &id).with("billNow", 1), "there is no purchase"),
        (
            "/purchase/cancel/",
            theirs().with("purchaseId", &id).with("cancelReason", "x"),
            "there is no purchase",
        ),
        ("/purchase/pause/", theirs().with("purchaseId", &id), "there is no purchase"),
        ("/purchase/refund/", theirs().with("purchaseId", &id).with("fullRefund", 1), "there is no purchase"),
        ("/customer/cardupdate/", card(theirs().with("purchaseId", &id)), "there is no such purchase"),
        ("/customer/cardupdate/", card(theirs().with("customerId", customer)), "has no purchase"),
        ("/transactions/query/", theirs().with("purchaseId", &id), "No records"),
    ];
    for (path, form, words) in cases {
        let text = error(&app.call(path, &form).await);
        assert!(text.contains(words), "{path}: {text}");
    }
    assert_eq!(purchase(&app, &id).await, before);
    assert_eq!(app.asked(1), 1);
}
