//! Managed recoveries: handed over for days, worked on by the driver.

use domain::attempt::Initiator;
use gateways::StoredCredential;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{App, evaluate, managed, with};

const SOFT: Act = Act::Decline("202", "Insufficient funds");
const NEVER: Act = Act::Decline("252", "Stolen card");

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_managed_mit_is_submitted_then_charged_without_the_customer(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    let answer = app.post("evaluate", &managed("a", 21)).await;
    assert_eq!((answer.status, answer.text("status")), (200, "SUBMITTED".to_owned()), "{answer:?}");
    assert_eq!(answer.json()["success"], json!(true));
    let id = answer.text("orderId");
    let order = app.get(&format!("orders/{id}")).await.json();
    assert_eq!((&order["status"], &order["statusName"]), (&json!(4), &json!("PROCESSING")));
    assert_eq!(order["expiryDate"], json!("2030-01-23T03:04:05Z"));
    assert_eq!(app.acquirer(1).requests().len(), 0, "the answer does not wait for an acquirer");

    app.sweep().await;
    let sent = app.acquirer(1).requests().remove(0);
    assert_eq!((sent.initiator, sent.amount.minor()), (Initiator::Merchant, 1999));
    assert_eq!(sent.stored_credential, StoredCredential::Rebill { initial_reference: None });
    assert!(sent.card.security_code.is_none());
    assert_eq!(
        (sent.contact.email.as_str(), sent.contact.billing.city.as_str()),
        ("ann@example.test", "Austin")
    );
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("APPROVED".to_owned(), 1999));

    let told = receiver.received();
    assert_eq!(told.len(), 1);
    assert!(told[0].is_signed(&app.credentials.hmac_signing_key, "127.0.0.1"));
    assert_eq!(told[0].headers["content-type"], "text/plain; charset=utf-8");
    let body = told[0].json();
    assert_eq!((&body["Event"], &body["ExternalOrderId"]), (&json!("order.completed"), &json!("a")));
    assert_eq!((&body["OrderId"], &body["EventData"]), (&json!(id), &Value::Null));
    assert_eq!((&body["IsTestMode"], &body["IsResent"]), (&json!(false), &json!(false)));
    let code = body["ConfirmationId"].as_str().unwrap();
    assert!(code.len() == 8 && code.chars().all(|one| one.is_ascii_digit() || one.is_ascii_uppercase()));

    // Nothing is left to do, however much time passes.
    app.live_days(30).await;
    assert_eq!((app.acquirer(1).requests().len(), receiver.received().len()), (1, 1));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_ladder_is_climbed_until_the_recovery_expires(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    let receiver = app.receiver().await;
    for number in 1..=2 {
        app.acquirer(number).script(vec![SOFT; 20]);
    }
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.sweep().await;
    let asked = || app.acquirer(1).requests().len() + app.acquirer(2).requests().len();
    let mut days = Vec::new();
    for day in 1..=20 {
        let before = asked();
        app.live_days(1).await;
        if asked() > before {
            days.push(day);
        }
    }
    assert_eq!(days, [1, 3, 5, 8, 12, 16, 20]);
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(2).requests().len()), (4, 4));
    assert_eq!(app.status_name(&id).await, "PROCESSING");
    assert_eq!(receiver.kinds(), [""; 0]);
    app.live_days(1).await;
    assert_eq!(app.status_name(&id).await, "EXPIRED");
    assert_eq!(receiver.kinds(), ["order.expired"]);
    assert_eq!(receiver.received()[0].json()["ConfirmationId"], Value::Null);
    app.live_days(5).await;
    assert_eq!((asked(), receiver.received().len(), app.charged(2)), (8, 1, 0));
    assert_eq!(app.post("outcome", &json!({"orderSessionKey": id})).await.text("status"), "EXPIRED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_later_step_may_approve_and_a_hold_asks_for_its_capture(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    app.acquirer(1).script([SOFT, SOFT]);
    let body = with(managed("a", 10), &[("/transactionType", json!("Authorization"))]);
    let id = app.post("evaluate", &body).await.text("orderId");
    app.live_days(4).await;
    assert_eq!(app.status_name(&id).await, "CAPTUREREQUIRED");
    let capture = json!({"idempotencyKey": "k", "orderId": id, "amount": 1999, "currency": "USD"});
    assert_eq!(app.post("capture", &capture).await.text("status"), "SUCCESS");
    app.sweep().await;
    assert_eq!(receiver.kinds(), ["order.capturerequired", "order.completed"]);
    assert_eq!(app.acquirer(1).requests().len(), 3);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_never_class_decline_ends_it_and_so_does_one_that_only_the_customer_heals(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    let alone = Act::Decline("x", "Authentication required");
    for (order, act, card) in [("a", alone, "4111111111111111"), ("b", NEVER, crate::app::CARD)] {
        app.acquirer(1).script([act]);
        let body = with(managed(order, 21), &[("/paymentMethod/cardNumber", json!(card))]);
        let id = app.post("evaluate", &body).await.text("orderId");
        app.sweep().await;
        assert_eq!(app.status_name(&id).await, "DECLINED", "{order}");
    }
    assert_eq!(receiver.kinds(), ["order.cancelled", "order.cancelled"]);
    app.live_days(25).await;
    assert_eq!((app.acquirer(1).requests().len(), receiver.received().len()), (2, 2));
    // The card is locked: the next hand-over of it is declined at once, and nobody is asked.
    assert_eq!(app.post("evaluate", &managed("c", 40)).await.text("status"), "DECLINED");
    assert_eq!(app.acquirer(1).requests().len(), 2);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_hopeless_hand_over_is_declined_at_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    let stolen = with(managed("a", 21), &[("/transaction/responseCode", json!("252"))]);
    let answer = app.post("evaluate", &stolen).await;
    assert_eq!((answer.status, answer.text("status")), (200, "DECLINED".to_owned()));
    app.live_days(22).await;
    assert_eq!((app.acquirer(1).requests().len(), receiver.received().len()), (0, 0));
    let nowhere = App::with_routes(on, 0).await;
    assert_eq!(nowhere.post("evaluate", &managed("a", 21)).await.text("status"), "DECLINED");
    nowhere.finish().await;
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_same_order_and_the_same_key_answer_submitted_again(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script([SOFT]);
    let first = app.post("evaluate", &managed("a", 21)).await;
    let other_key = with(managed("a", 21), &[("/idempotencyKey", json!("other"))]);
    for body in [managed("a", 21), other_key.clone()] {
        let again = app.post("evaluate", &body).await;
        assert_eq!(
            (again.text("status"), again.text("orderId")),
            ("SUBMITTED".into(), first.text("orderId"))
        );
    }
    app.sweep().await;
    assert_eq!(app.post("evaluate", &other_key).await.text("status"), "SUBMITTED");
    let amount = with(other_key.clone(), &[("/transaction/amount", json!(5))]);
    assert_eq!(app.post("evaluate", &amount).await.status, 409);
    let changed = with(managed("a", 20), &[]);
    assert_eq!(app.post("evaluate", &changed).await.status, 409, "the key stands for another end");
    assert_eq!(app.acquirer(1).requests().len(), 1);
    app.live_days(1).await;
    // Approved meanwhile: the key replays its answer, the order says how it stands.
    assert_eq!(app.post("evaluate", &managed("a", 21)).await.text("status"), "SUBMITTED");
    assert_eq!(app.post("evaluate", &other_key).await.text("status"), "APPROVED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_expiry_date_lies_in_the_future_and_within_three_weeks(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    for (wrong, words) in [
        (json!("soon"), "invalid"),
        (json!(""), "invalid"),
        (json!("2030-01-02T03:04:05Z"), "future"),
        (json!("2029-12-31T00:00:00Z"), "future"),
        (json!("2030-01-24T03:04:06Z"), "21 days"),
    ] {
        let answer = app.post("evaluate", &with(managed("a", 21), &[("/expiryDateUtc", wrong)])).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.json()["ExpiryDateUtc"][0].as_str().unwrap().contains(words), "{answer:?}");
    }
    for (order, right) in [
        ("b", "2030-01-24T03:04:05Z"),
        ("c", "2030-01-10T00:00:00.123456789"),
        ("d", "2030-01-02T03:04:06+00:00"),
    ] {
        let answer =
            app.post("evaluate", &with(managed(order, 1), &[("/expiryDateUtc", json!(right))])).await;
        assert_eq!(answer.text("status"), "SUBMITTED", "{right} {answer:?}");
    }
    // A customer's own purchase is answered at once, whatever it names; so is an MIT that names no end.
    let cit = with(managed("e", 1), &[("/isMIT", json!(false)), ("/expiryDateUtc", json!("soon"))]);
    assert_eq!(app.post("evaluate", &cit).await.text("status"), "APPROVED");
    let sync = with(managed("f", 1), &[("/expiryDateUtc", Value::Null)]);
    assert_eq!(app.post("evaluate", &sync).await.text("status"), "APPROVED");
    app.sweep().await;
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m35_a_tokens_code_is_discarded_by_a_managed_hand_over(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let card = json!({"payment_method": {"credit_card": {
        "first_name": "Ann", "last_name": "Lee", "month": 9, "year": 2031,
        "number": crate::app::CARD, "verification_value": "999",
    }}});
    let token = app.post("tokenize", &card).await.json()["transaction"]["payment_method"]["token"].clone();
    let method = json!({"Token": true, "cardNumber": token});
    let body = with(managed("a", 21), &[("/paymentMethod", method.clone())]);
    assert_eq!(app.post("evaluate", &body).await.text("status"), "SUBMITTED");
    app.sweep().await;
    let cit = with(evaluate("b"), &[("/paymentMethod", method)]);
    assert_eq!(app.post("evaluate", &cit).await.text("status"), "APPROVED");
    assert!(app.acquirer(1).requests().iter().all(|one| one.card.security_code.is_none()));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_was_not_sent_goes_to_the_next_acquirer_and_comes_again_soon(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    app.acquirer(1).script([Act::FailBefore, SOFT]);
    app.acquirer(2).script([Act::FailBefore]);
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.sweep().await;
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(2).requests().len()), (1, 1));
    app.pass(6 * 3_600);
    app.sweep().await;
    assert_eq!((app.status_name(&id).await, app.charged(2)), ("APPROVED".to_owned(), 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_sandbox_works_on_managed_mits_too(#[case] on: On) {
    let app = App::sandbox(on).await;
    let receiver = app.receiver().await;
    let answer = app.post("evaluate", &managed("a", 21)).await;
    assert_eq!(answer.text("status"), "SUBMITTED");
    let declined = [("/paymentMethod/cardNumber", json!("4000300011112220"))];
    assert_eq!(app.post("evaluate", &with(managed("b", 2), &declined)).await.text("status"), "SUBMITTED");
    app.sweep().await;
    assert_eq!(receiver.kinds(), ["order.completed"]);
    assert_eq!(receiver.received()[0].json()["IsTestMode"], json!(true));
    app.live_days(2).await;
    assert_eq!(receiver.kinds(), ["order.completed", "order.expired"]);
    app.finish().await;
}
