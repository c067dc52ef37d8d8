//! `ActiveMerchant`'s remote cases of its `FlexCharge` gateway, by its own rules of what is a success.
//!
//! Source: <https://github.com/activemerchant/active_merchant/blob/master/test/remote/gateways/remote_flex_charge_test.rb>.

use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{App, CARD, evaluate, with};
use crate::client::Answer;

const SUCCESSES: [&str; 6] =
    ["APPROVED", "CHALLENGE", "SUBMITTED", "SUCCESS", "PROCESSING", "CAPTUREREQUIRED"];

/// What that client calls a success.
fn succeeds(answer: &Answer) -> bool {
    answer.status < 300
        && answer.json()["success"] == json!(true)
        && SUCCESSES.contains(&answer.text("status").as_str())
}

/// An evaluate as that client sends it: a CIT has no telephone of the payer unless one is given, and the address has its
/// own in any case.
fn cit(order: &str, number: &str, phone: Option<&str>) -> Value {
    let mut body = with(
        evaluate(order),
        &[("/paymentMethod/cardNumber", json!(number)), ("/transaction/amount", json!(100))],
    );
    body["payer"].as_object_mut().unwrap().remove("phone");
    if let Some(phone) = phone {
        body["payer"]["phone"] = json!(phone);
    }
    body
}

fn mit(order: &str) -> Value {
    with(
        cit(order, CARD, None),
        &[("/isMIT", json!(true)), ("/isRecurring", json!(false)), ("/expiryDateUtc", Value::Null)],
    )
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_challenge_comes_for_the_documented_telephone_with_or_without_a_code(#[case] on: On) {
    let app = App::sandbox(on).await;
    let phone = Some("+99.2001a/+99.2001b");
    let answer = app.post("evaluate", &cit("a", "4111111111111111", phone)).await;
    assert!(succeeds(&answer), "{answer:?}");
    assert_eq!(answer.text("status"), "CHALLENGE");
    let mut bare = cit("b", "4111111111111111", phone);
    bare["paymentMethod"].as_object_mut().unwrap().remove("verificationValue");
    assert_eq!(app.post("evaluate", &bare).await.text("status"), "CHALLENGE");

    let order = app.get(&format!("orders/{}", answer.text("orderId"))).await;
    assert_eq!(order.text("statusName"), "CHALLENGE");
    let cancelled = app.post(&format!("orders/{}/cancel", answer.text("orderId")), &json!({})).await;
    assert_eq!((cancelled.status, cancelled.body.as_str()), (200, ""));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_bare_cit_is_declined_and_so_is_the_declined_card(#[case] on: On) {
    let app = App::sandbox(on).await;
    let mut bare = cit("a", "4111111111111111", None);
    bare["paymentMethod"].as_object_mut().unwrap().remove("verificationValue");
    for body in [bare, cit("b", "4000300011112220", Some("555-0100"))] {
        let answer = app.post("evaluate", &body).await;
        assert_eq!(answer.status, 200);
        assert!(!succeeds(&answer));
        assert_eq!(answer.text("status"), "DECLINED");
        assert!(!answer.text("orderId").is_empty());
    }
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_mit_is_approved_inquired_and_refunded_once(#[case] on: On) {
    let app = App::sandbox(on).await;
    let answer = app.post("evaluate", &mit("a")).await;
    assert!(succeeds(&answer), "{answer:?}");
    assert_eq!(answer.text("status"), "APPROVED");
    let id = answer.text("orderId");
    assert_eq!(id, answer.text("orderSessionKey"));
    let order = app.get(&format!("orders/{id}")).await;
    assert_eq!((order.text("id"), order.text("statusName")), (id.clone(), "APPROVED".to_owned()));

    let path = format!("orders/{id}/refund");
    let refund = app.post(&path, &json!({"amountToRefund": 1.0})).await;
    assert!(succeeds(&refund), "{refund:?}");
    assert_eq!(refund.text("orderId"), id);
    let again = app.post(&path, &json!({"amountToRefund": 1.0})).await;
    assert_eq!((again.status, again.text("responseCode")), (200, "2001".to_owned()));
    assert!(!succeeds(&again));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_authorization_is_held_then_captured_or_voided(#[case] on: On) {
    let app = App::sandbox(on).await;
    let hold =
        |order: &str| with(cit(order, CARD, Some("998888")), &[("/transactionType", json!("Authorization"))]);
    let (first, second) = (app.post("evaluate", &hold("a")).await, app.post("evaluate", &hold("b")).await);
    for answer in [&first, &second] {
        assert!(succeeds(answer), "{answer:?}");
        assert_eq!(answer.text("status"), "CAPTUREREQUIRED");
        let order = app.get(&format!("orders/{}", answer.text("orderId"))).await;
        assert_eq!((order.text("statusName"), order.text("status")), ("CAPTUREREQUIRED".into(), "5".into()));
    }
    let id = first.text("orderId");
    let capture = json!({
        "idempotencyKey": "0b6ad3a2-8a83-4d6f-9d6b-a3a2e3ea3b11", "orderId": id, "amount": 100, "currency": "USD",
    });
    let captured = app.post("capture", &capture).await;
    assert!(succeeds(&captured), "{captured:?}");
    assert_eq!((captured.text("status"), captured.text("orderId")), ("SUCCESS".to_owned(), id.clone()));
    assert_eq!(app.get(&format!("orders/{id}")).await.text("statusName"), "APPROVED");

    let voided = app.post(&format!("orders/{}/cancel", second.text("orderId")), &json!({})).await;
    assert_eq!((voided.status, voided.body.as_str()), (200, ""));
    let order = app.get(&format!("orders/{}", second.text("orderId"))).await;
    assert_eq!(order.text("statusName"), "CANCELLED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_stored_card_is_charged_by_its_token_alone(#[case] on: On) {
    let app = App::sandbox(on).await;
    let store = json!({"payment_method": {"credit_card": {
        "first_name": "Ann", "last_name": "Lee", "month": 9, "year": 2031, "number": CARD,
        "verification_value": "999",
    }}});
    let stored = app.post("tokenize", &store).await;
    let method = stored.json()["transaction"]["payment_method"].clone();
    assert_eq!((stored.status, &method["first_six_digits"]), (200, &json!("40000027")));
    assert_eq!((&method["last_four_digits"], &method["number"]), (&json!("3184"), &Value::Null));
    let token = method["token"].as_str().unwrap();
    assert!(token.parse::<uuid::Uuid>().is_ok());

    let mut body = cit("a", CARD, Some("+99.2001a/+99.2001b"));
    body["paymentMethod"] = json!({"Token": true, "cardNumber": token});
    assert!(succeeds(&app.post("evaluate", &body).await));
    let mut body = cit("b", CARD, None);
    body["paymentMethod"] = json!({"Token": true, "cardNumber": token});
    body.as_object_mut().unwrap().remove("billingInformation");
    assert_eq!(app.post("evaluate", &body).await.text("status"), "APPROVED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_seven_missing_fields_are_named_as_the_real_service_names_them(#[case] on: On) {
    let app = App::sandbox(on).await;
    let mut body = cit("", CARD, None);
    let transaction = body["transaction"].as_object_mut().unwrap();
    transaction.retain(|name, _| name == "amount" || name == "currency");
    transaction.insert("responseCodeSource".to_owned(), json!(""));
    body["orderId"] = Value::Null;
    let answer = app.post("evaluate", &body).await;
    assert_eq!(answer.status, 400);
    let mut errors = answer.json().as_object().unwrap().clone();
    let trace = errors.remove("TraceId").unwrap();
    assert!(trace[0].as_str().unwrap().starts_with("00-") && trace.as_array().unwrap().len() == 1);
    assert_eq!(
        Value::Object(errors),
        json!({
            "OrderId": ["Merchant's orderId is required"],
            "Transaction.Id": ["The Id field is required."],
            "Transaction.ResponseCode": ["The ResponseCode field is required."],
            "Transaction.ResponseCodeSource": ["The ResponseCodeSource field is required."],
            "Transaction.AvsResultCode": ["The AvsResultCode field is required."],
            "Transaction.CvvResultCode": ["The CvvResultCode field is required."],
            "Transaction.CavvResultCode": ["The CavvResultCode field is required."],
        })
    );
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_mit_with_an_empty_expiry_date_is_refused_and_an_unknown_order_is_404(#[case] on: On) {
    let app = App::sandbox(on).await;
    let answer = app.post("evaluate", &with(mit("a"), &[("/expiryDateUtc", json!(""))])).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["ExpiryDateUtc"], json!(["The field ExpiryDateUtc is invalid."]));
    for (path, body) in [("cancel", json!({})), ("refund", json!({"amountToRefund": 1.0}))] {
        for id in ["abc", "11111111-2222-4333-8444-555555555555"] {
            assert_eq!(app.post(&format!("orders/{id}/{path}"), &body).await.status, 404, "{path}");
        }
    }
    assert_eq!(app.get("orders/11111111-2222-4333-8444-555555555555").await.status, 404);
    let capture = json!({"idempotencyKey": "k", "orderId": "abc", "amount": 1, "currency": "USD"});
    assert_eq!(app.post("capture", &capture).await.status, 404);
    app.finish().await;
}
