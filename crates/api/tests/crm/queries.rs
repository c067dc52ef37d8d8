//! Searches.

use domain::configuration::{Billing, Campaign, CampaignProduct};
use domain::plan::Plan;
use hub::Change;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::cascades::{HARD, SOFT, app as cascading};
use crate::form::{Form, OTHER_VISA, call, sale};
use crate::setup::{campaign, on_trial, product, recycle_profile, to_gateway, usd};

const NO_ORDERS: &str = "No orders matching those parameters could be found";

async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await
}

async fn total(app: &TestApp, path: &str, form: Form) -> i64 {
    let answer = app.call(path, &form).await;
    if answer["result"] == "ERROR" {
        assert!(error(&answer).starts_with("No "), "{answer}");
        return 0;
    }
    success(&answer)["totalResults"].as_i64().unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn orders_are_found_by_status_campaign_address_and_whole_days(#[case] on: On) {
    let app = app(on).await;
    assert_eq!(error(&app.call("/order/query/", &call()).await), NO_ORDERS);
    app.approved(&sale()).await;
    app.script(1, [SOFT]);
    app.declined(&sale().with("emailAddress", "Second@Example.com").with("ipAddress", "2001:DB8::1")).await;
    // 23:30 of the same day in New York is another day in UTC.
    app.clock.advance(13 * 3_600 + 1_800);
    app.approved(&sale().with("emailAddress", "third@example.com")).await;
    app.clock.advance(3_600);
    app.approved(&sale().with("emailAddress", "fourth@example.com")).await;
    let cases = [
        (call(), 4),
        (call().with("orderStatus", "COMPLETE"), 3),
        (call().with("orderStatus", "declined"), 1),
        (call().with("orderType", "NEW_SALE"), 4),
        (call().with("orderType", "RECURRING"), 0),
        (call().with("campaignId", 1), 4),
        (call().with("campaignId", 2), 0),
        (call().with("emailAddress", "second@example.COM"), 1),
        (call().with("ipAddress", "2001:db8:0::1"), 1),
        (call().with("ipAddress", "nonsense"), 0),
        (call().with("startDate", "11/22/2026").with("endDate", "11/22/2026"), 3),
        (call().with("startDate", "11/23/26"), 1),
        (call().with("endDate", "11/22/2026 00:00:00"), 3),
        (call().with("endDate", "11/21/2026"), 0),
    ];
    for (form, expected) in cases {
        assert_eq!(total(&app, "/order/query/", form.clone()).await, expected, "{form:?}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_list_comes_in_pages(#[case] on: On) {
    let app = app(on).await;
    for number in 0..5 {
        app.approved(&sale().with("emailAddress", format!("{number}@example.com"))).await;
    }
    let page = async |form: Form| success(&app.call("/order/query/", &form).await);
    let first = page(call().with("resultsPerPage", 2)).await;
    assert_eq!((first["totalResults"].as_i64(), first["page"].as_i64()), (Some(5), Some(1)));
    let emails = |page: &Value| {
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| row["emailAddress"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(emails(&first), ["4@example.com", "3@example.com"]);
    let last = page(call().with("resultsPerPage", 2).with("page", 3)).await;
    assert_eq!(emails(&last), ["0@example.com"]);
    assert_eq!(page(call()).await["resultsPerPage"], 25);
    let text = error(&app.call("/order/query/", &call().with("page", 9)).await);
    assert_eq!(text, NO_ORDERS);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_search_that_makes_no_sense_names_everything_wrong(#[case] on: On) {
    let app = app(on).await;
    let form = call()
        .with("resultsPerPage", 201)
        .with("page", 0)
        .with("orderId", "x")
        .with("orderStatus", "LOST")
        .with("startDate", "2026-11-22")
        .with("endDate", "2/30/2026")
        .with("dateRangeType", "dateUpdated")
        .with("campaignId", "one");
    let text = error(&app.call("/order/query/", &form).await);
    for name in [
        "resultsPerPage",
        "page",
        "orderId",
        "orderStatus",
        "startDate",
        "endDate",
        "dateRangeType",
        "campaignId",
    ] {
        assert!(text.contains(&format!("{name}: ")), "{name} is not in {text}");
    }
    let text = error(&app.call("/transactions/query/", &call().with("responseType", "MAYBE")).await);
    assert!(text.contains("responseType: ") && text.contains("orderId: "), "{text}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn transactions_are_found_by_order_day_gateway_and_class(#[case] on: On) {
    let app = cascading(on, &[9]).await;
    app.script(1, [SOFT, HARD]);
    let saved = app.approved(&sale()).await;
    app.declined(&sale().with("cardNumber", OTHER_VISA)).await;
    let path = "/transactions/query/";
    let today = || call().with("startDate", "11/22/2026").with("endDate", "11/22/2026");
    let cases = [
        (today(), 3),
        (today().with("merchantId", 1), 2),
        (today().with("merchantId", 9), 1),
        (today().with("responseType", "HARD_DECLINE"), 1),
        (today().with("responseType", "SOFT_DECLINE").with("merchantId", 9), 0),
        (today().with("txnType", "SALE"), 3),
        (today().with("txnType", "REFUND"), 0),
        (today().with("resultsPerPage", 1).with("page", 3), 3),
        (call().with("startDate", "11/23/2026"), 0),
        (call().with("orderId", saved["orderId"].as_str().unwrap()), 2),
    ];
    for (form, expected) in cases {
        assert_eq!(total(&app, path, form.clone()).await, expected, "{form:?}");
    }
    let rows = success(&app.call(path, &call().with("orderId", saved["orderId"].as_str().unwrap())).await);
    let row = &rows["data"][1];
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    assert_eq!((text("txnType"), text("responseText"), text("authCode")), ("SALE", "SUCCESS", "123456"));
    assert_eq!(
        (text("merchantTxnId"), text("totalAmount"), text("merchant")),
        ("fake-1", "34.99", "gateway 9")
    );
    assert_eq!((text("cardBin"), text("cardLast4"), text("transactionId").len()), ("411111", "1111", 26));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn campaigns_and_gateways_are_listed_by_their_numbers(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[2, 1]).await.with_salvage(9).await.with_campaign().await;
    let app = app.with(Change::RecycleProfile(recycle_profile(1, Some(9)))).await;
    let campaigns = success(&app.call("/campaign/query/", &call()).await);
    assert_eq!(campaigns["totalResults"], 1);
    let product = &campaigns["data"][0]["products"][0];
    assert_eq!((product["campaignProductId"].as_i64(), product["price"].as_str()), (Some(11), Some("29.99")));
    assert_eq!(product["billingCycleType"], "ONE_TIME");
    assert_eq!(product["cycles"], json!([]));
    assert_eq!(total(&app, "/campaign/query/", call().with("campaignId", 5)).await, 0);

    let gateways = success(&app.call("/merchant/query/", &call()).await);
    let rows = gateways["data"].as_array().unwrap();
    let numbers: Vec<_> = rows.iter().map(|row| row["billerId"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 9]);
    assert_eq!((rows[0]["title"].as_str(), rows[0]["enabled"].as_i64()), (Some("gateway 1"), Some(1)));
    assert_eq!((&rows[0]["recycleProfileId"], &rows[1]["recycleProfileId"]), (&json!(1), &json!(null)));
    assert_eq!(total(&app, "/merchant/query/", call().with("billerId", 9)).await, 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_campaign_shows_how_its_products_are_billed(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1]).await;
    let instalments = CampaignProduct {
        billing: Billing::MultiPay,
        plan: Some(Plan {
            final_cycle: Some(3),
            fixed_billing_day: Some(31),
            ships_once: true,
            ..Plan::every(30, usd(2_999), usd(500))
        }),
        ..product(12, to_gateway(1))
    };
    let saved = Campaign {
        disable_recycle_billing: true,
        products: vec![on_trial(11, to_gateway(1)), instalments],
        ..campaign(1, to_gateway(1))
    };
    let app = app.with(Change::Campaign(saved)).await;
    let campaigns = success(&app.call("/campaign/query/", &call()).await);
    assert_eq!(campaigns["data"][0]["disableRecycleBilling"], 1);
    let (trial, instalments) = (&campaigns["data"][0]["products"][0], &campaigns["data"][0]["products"][1]);
    assert_eq!((&trial["billingCycleType"], &trial["trialType"]), (&json!("RECURRING"), &json!("STANDARD")));
    let cycles = json!([
        {"billingCycleNumber": 1, "billDelay": 14, "price": "4.95", "shippingPrice": "5.00"},
        {"billingCycleNumber": 2, "billDelay": 30, "price": "29.99", "shippingPrice": "5.00"}
    ]);
    assert_eq!((&trial["cycles"], &trial["finalBillingCycle"]), (&cycles, &json!(null)));
    assert_eq!((&instalments["billingType"], &instalments["trialType"]), (&json!("MULTI_PAY"), &json!(null)));
    assert_eq!((&instalments["finalBillingCycle"], &instalments["fixedBillingDay"]), (&json!(3), &json!(31)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_filter_that_is_not_known_is_refused_and_finds_nothing(#[case] on: On) {
    let app = app(on).await;
    app.approved(&sale()).await;
    let days = || call().with("startDate", "01/01/2020").with("endDate", "12/31/2030");
    for (path, name) in [
        ("/order/query/", "firstName"),
        ("/order/query/", "customerId"),
        ("/transactions/query/", "cardLast4"),
        ("/transactions/query/", "merchantTxnId"),
    ] {
        let text = error(&app.call(path, &days().with(name, "1")).await);
        assert_eq!(text, format!("{name}: is no filter of this search; leave it out"), "{path}");
    }
    let saved = |flag: &'static str| days().with("isDeclineSave", flag).with("includeCustomFields", 1);
    assert_eq!(total(&app, "/order/query/", saved("0")).await, 1);
    assert_eq!(total(&app, "/order/query/", saved("1")).await, 0);
}
