//! Leads that are renewed.

use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{TestApp, success};
use crate::form::{Form, call};
use crate::purchases::shop;

const PATH: &str = "/leads/import/";

fn lead() -> Form {
    call()
        .with("campaignId", 1)
        .with("firstName", "Ada")
        .with("lastName", "Lovelace")
        .with("emailAddress", "ada@example.com")
        .with("address1", "1 Analytical Way")
        .with("city", "Albany")
        .with("country", "US")
        .with("shipFirstName", "Grace")
        .with("shipAddress1", "2 Compiler Street")
        .with("shipCity", "Boston")
        .with("shipCountry", "US")
}

async fn imported(app: &TestApp, form: &Form) -> Value {
    success(&app.call(PATH, form).await)
}

fn shipped_to(order: &Value) -> [&Value; 3] {
    [&order["shipFirstName"], &order["shipAddress1"], &order["shipCity"]]
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_renewed_lead_with_bill_ship_same_ships_to_the_billing_address_that_is_known(#[case] on: On) {
    let app = shop(on).await;
    let first = imported(&app, &lead()).await;
    assert_eq!(shipped_to(&first), [&json!("Grace"), &json!("2 Compiler Street"), &json!("Boston")]);
    let renewed = call().with("campaignId", 1).with("orderId", first["orderId"].as_str().unwrap());
    let kept = imported(&app, &renewed.clone().with("billShipSame", 0)).await;
    assert_eq!(shipped_to(&kept), shipped_to(&first));
    let same = imported(&app, &renewed.clone().with("billShipSame", 1)).await;
    assert_eq!(shipped_to(&same), [&json!("Ada"), &json!("1 Analytical Way"), &json!("Albany")]);
    assert_eq!(same["orderId"], first["orderId"]);
    // A part of the billing address that is new counts for both.
    let moved = imported(&app, &renewed.with("billShipSame", 1).with("city", "Troy")).await;
    assert_eq!(shipped_to(&moved), [&json!("Ada"), &json!("1 Analytical Way"), &json!("Troy")]);
    assert_eq!(moved["city"], "Troy");
}
