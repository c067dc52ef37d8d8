//! The envelope, and imports that are refused.

use rstest::rstest;
use serde_json::Value;
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::form::{Form, VISA, call, sale};
use crate::wire::{FORM, Reply, exchange, request};

async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await
}

/// The envelope of a raw call.
fn read(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.head.contains("content-type: application/json"), "{}", reply.head);
    serde_json::from_str(&reply.body).unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn parameters_come_in_the_query_string_in_the_body_or_in_both(#[case] on: On) {
    let app = app(on).await;
    let query = |form: &Form| format!("/order/import/?{}", form.encoded());
    let credentials = call();
    let rest = sale().without("loginId").without("password");
    let form = format!("content-type: {FORM}; charset=UTF-8\r\n");
    let requests = [
        request("GET", &query(&sale()), "", ""),
        request("POST", &query(&sale()), "", ""),
        request("POST", &query(&credentials), &form, &rest.encoded()),
        request("POST", "/order/import", &form, &sale().encoded()),
    ];
    let mut ids = Vec::new();
    for request in requests {
        ids.push(success(&read(&exchange(app.address, &request).await))["orderId"].clone());
    }
    ids.dedup();
    assert_eq!((ids.len(), app.asked(1)), (1, 1));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_cannot_be_read_is_an_error_with_status_200_that_says_what_to_do(#[case] on: On) {
    let app = app(on).await;
    let form = format!("content-type: {FORM}\r\n");
    let post = |headers: &str, body: &str| request("POST", "/order/import/", headers, body);
    let cases = [
        (post("content-type: application/json\r\n", "{}"), FORM),
        (post("", "a=1"), FORM),
        (post(&form, &format!("a={}", "x".repeat(70_000))), "larger"),
        (post(&form, &format!("a={}", "x".repeat(1_100_000))), "larger"),
        (post(&form, &"a=1&".repeat(400)), "at most 300 parameters"),
        (request("DELETE", "/order/import/", "", ""), "method"),
    ];
    for (request, words) in cases {
        let text = error(&read(&exchange(app.address, &request).await));
        assert!(text.contains(words), "{text}");
    }
    assert_eq!((app.order_count().await, app.asked(1)), (0, 0));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn all_problems_of_an_import_are_told_at_once_and_nothing_is_kept(#[case] on: On) {
    let app = app(on).await;
    let wrong = sale()
        .with("paySource", "CHECK")
        .with("orderId", "17")
        .with("cardNumber", "4111111111111112")
        .with("cardMonth", "13")
        .with("cardSecurityCode", "12")
        .with("product1_qty", "two")
        .with("product4_id", 99)
        .with("product6_price", "1")
        .with("product51_id", 11)
        .with("salesTax", "1.001")
        .with("country", "USA")
        .with("emailAddress", "nowhere")
        .with("billShipSame", "maybe")
        .with("forceMerchantId", 7);
    let text = error(&app.import(&wrong).await);
    let fields = [
        "paySource: is not supported; send CREDITCARD",
        "orderId: ",
        "cardNumber: ",
        "cardMonth: ",
        "cardSecurityCode: ",
        "product1_qty: ",
        "product4_id: campaign 1 has no product with the number 99",
        "product6_id: is missing",
        "product51_id: an order has at most 50 products",
        "salesTax: ",
        "country: ",
        "emailAddress: ",
        "billShipSame: ",
        "forceMerchantId: there is no gateway with the number 7",
    ];
    for field in fields {
        assert!(text.contains(field), "{field} is not in {text}");
    }
    for name in ["paySource", "campaignId", "product1_id", "cardNumber"] {
        let text = error(&app.import(&sale().without(name)).await);
        assert!(text.contains(&format!("{name}: ")), "{text}");
    }
    let expired = sale().without("cardMonth").without("cardYear").with("cardExpiryDate", "01/20");
    let text = error(&app.import(&expired).await);
    assert_eq!(text, "cardExpiryDate: the card has expired");
    assert!(!text.contains(VISA));
    assert_eq!((app.order_count().await, app.asked(1)), (0, 0));
    app.approved(&expired.with("cardExpiryDate", "0131")).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_order_that_is_not_known_or_anothers_is_refused(#[case] on: On) {
    let app = app(on).await;
    let unknown = domain::ids::OrderId::from_uuid(uuid::Uuid::from_u128(7)).base32();
    let text = error(&app.import(&sale().with("orderId", &unknown)).await);
    assert_eq!(text, "orderId: there is no order with this id");
    let other = domain::ids::MerchantId::from_uuid(uuid::Uuid::from_u128(2));
    app.hub.create_merchant(other, "Other").await.unwrap();
    recoup_api::auth::save_api_user(&app.hub, other, "other", &"other-horse".into(), &[]).await.unwrap();
    let order = app.approved(&sale()).await;
    let theirs = Form::default().with("loginId", "other").with("password", "other-horse");
    let query = theirs.with("orderId", order["orderId"].as_str().unwrap());
    for path in ["/order/query/", "/transactions/query/", "/order/import/"] {
        let text = error(&app.call(path, &query).await);
        assert!(!text.contains("COMPLETE") && !text.contains("Ada"), "{text}");
    }
    error(&app.call("/merchant/query/", &query).await);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_approved_import_answers_the_order(#[case] on: On) {
    let app = app(on).await;
    let sale = sale().with("affId", "A7").with("shipFirstName", "Charles").with("shipCity", "Troy");
    let order = app.approved(&sale).await;
    let text = |name: &str| order[name].as_str().unwrap_or_default();
    assert_eq!(text("dateCreated"), "2026-11-22 10:00:00");
    assert_eq!((text("totalAmount"), text("currencyCode"), text("currencySymbol")), ("34.99", "USD", "$"));
    assert_eq!((text("cardType"), text("cardLast4"), text("cardExpiryDate")), ("VISA", "1111", "12/2030"));
    assert_eq!((text("firstName"), text("shipFirstName"), text("shipCity")), ("Ada", "Charles", "Troy"));
    assert_eq!((text("affId"), text("paySource"), text("orderType")), ("A7", "CREDITCARD", "NEW_SALE"));
    assert_eq!(text("orderId").len(), 26);
    let item = &order["items"][0];
    assert_eq!((item["price"].as_str(), item["shipping"].as_str()), (Some("29.99"), Some("5.00")));
    assert_eq!((item["qty"].as_i64(), item["responseType"].as_str()), (Some(1), Some("SUCCESS")));
    let request = &app.requests(1)[0];
    assert_eq!(request.card.security_code.as_ref().unwrap().expose(), "987");
    assert_eq!(request.contact.shipping.city, "Troy");
}
