//! Security codes of tokens: in memory, for minutes, once (M35).

use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{App, CARD, evaluate, with};
use crate::client::call;

async fn tokenize(app: &App) -> String {
    // As a browser does: no bearer, the account and its tokenization key in the address.
    let path =
        format!("/v1/tokenize?mid={}&environment={}", app.credentials.mid, app.credentials.environment_key);
    let body = json!({"paymentMethod": {"creditCard": {
        "firstName": "Ann", "lastName": "Lee", "number": CARD, "verificationValue": "987", "month": "09", "year": "2031",
    }}});
    let answer = call(app.address, "POST", &path, None, Some(&body.to_string())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["transaction"]["payment_method"]["token"].as_str().unwrap().to_owned()
}

fn by_token(order: &str, token: &str, changes: &[(&str, Value)]) -> Value {
    let method = json!({"token": true, "cardNumber": token, "expirationMonth": 9, "expirationYear": 2031});
    with(with(evaluate(order), &[("/paymentMethod", method)]), changes)
}

async fn codes(app: &App) -> Vec<Option<String>> {
    let code =
        |one: &gateways::ChargeRequest| one.card.security_code.as_ref().map(|code| code.expose().to_owned());
    app.acquirer(1).requests().iter().map(code).collect()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m35_a_code_rides_along_once_and_not_after_fifteen_minutes(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let token = tokenize(&app).await;
    for order in ["a", "b"] {
        assert_eq!(app.post("evaluate", &by_token(order, &token, &[])).await.text("status"), "APPROVED");
    }
    let late = tokenize(&app).await;
    app.pass(15 * 60);
    app.post("evaluate", &by_token("c", &late, &[])).await;
    assert_eq!(codes(&app).await, [Some("987".to_owned()), None, None]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m35_a_code_is_discarded_for_a_merchants_own_charge(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let token = tokenize(&app).await;
    let mit = [("/isMIT", json!(true)), ("/isRecurring", json!(true))];
    app.post("evaluate", &by_token("a", &token, &mit)).await;
    app.post("evaluate", &with(evaluate("b"), &mit)).await;
    app.post("evaluate", &by_token("c", &token, &[])).await;
    assert_eq!(codes(&app).await, [None, None, None]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn tokens_need_a_good_card_and_the_right_key(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let body = |number: &str| json!({"payment_method": {"credit_card": {"number": number, "month": 9, "year": 2031}}});
    for number in ["", "4000002760003185", "x"] {
        let answer = app.post("tokenize", &body(number)).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["PaymentMethod.CreditCard.Number"][0].is_string(), "{answer:?}");
    }
    let mid = &app.credentials.mid;
    for query in
        [format!("mid={mid}&environment=wrong"), format!("mid={mid}"), "mid=x&environment=y".to_owned()]
    {
        let answer = call(app.address, "POST", &format!("/v1/tokenize?{query}"), None, Some("{}")).await;
        assert_eq!(answer.status, 401, "{query}");
    }
    app.finish().await;
}
