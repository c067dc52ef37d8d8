//! A rescue through an account's own acquirers.

use domain::attempt::Purpose;
use gateways::Rejection;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{App, CARD, evaluate, with};

const SOFT: Act = Act::Decline("202", "Insufficient funds");
const NEVER: Act = Act::Decline("252", "Stolen card");

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn acquirers_are_asked_in_order_until_one_approves(#[case] on: On) {
    let app = App::with_routes(on, 3).await;
    app.acquirer(1).script([SOFT]);
    let body = with(evaluate("a"), &[("/customerIp", json!("203.0.113.9"))]);
    let answer = app.post("evaluate", &body).await;
    assert_eq!(answer.text("status"), "APPROVED", "{answer:?}");
    let (first, second) = (app.acquirer(1).requests(), app.acquirer(2).requests());
    assert_eq!((first.len(), second.len(), app.acquirer(3).requests().len()), (1, 1, 0));
    assert_ne!(first[0].reference, second[0].reference);
    let sent = &second[0];
    assert_eq!((sent.amount.minor(), sent.purpose), (1999, Purpose::Collect));
    assert_eq!(sent.card.number.expose(), CARD);
    assert_eq!(sent.card.security_code.as_ref().unwrap().expose(), "999");
    assert_eq!(
        (sent.contact.ip_address.as_str(), sent.contact.email.as_str()),
        ("203.0.113.9", "ann@example.test")
    );
    assert_eq!(app.charged(3), 1999);

    let order = app.get(&format!("orders/{}", answer.text("orderId"))).await.json();
    assert_eq!((&order["statusName"], &order["status"]), (&json!("APPROVED"), &json!(7)));
    assert_eq!(
        (&order["externalOrderId"], &order["amount"], &order["currency"]),
        (&json!("a"), &json!(1999), &json!("USD"))
    );
    assert_eq!(order["billingAddress"]["zipCode"], json!("78701"));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn nobody_is_asked_after_a_hard_decline_and_the_card_is_locked(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    app.acquirer(1).script([NEVER]);
    let answer = app.post("evaluate", &evaluate("a")).await;
    assert_eq!(answer.text("status"), "DECLINED");
    assert!(answer.json()["customProperties"]["reason"].as_str().unwrap().contains("hard"), "{answer:?}");
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(2).requests().len()), (1, 0));
    let again = app.post("evaluate", &evaluate("b")).await;
    assert_eq!(again.text("status"), "DECLINED");
    assert_eq!(app.acquirer(1).requests().len(), 1);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn all_routes_may_end_and_what_was_not_sent_goes_to_the_next(#[case] on: On) {
    let app = App::with_routes(on, 3).await;
    let refused = Rejection {
        reason: domain::declines::Reason::MerchantConfig,
        code: "3".to_owned(),
        text: "Authentication Failed".to_owned(),
    };
    app.acquirer(1).script([Act::FailBefore]);
    app.acquirer(2).script([Act::Reject(refused)]);
    app.acquirer(3).script([SOFT]);
    let answer = app.post("evaluate", &evaluate("a")).await;
    assert_eq!((answer.status, answer.text("status")), (200, "DECLINED".to_owned()));
    assert_eq!(answer.json()["success"], json!(false));
    let alerts = app.store.list_open_alerts(app.mid, 10).await.unwrap();
    assert_eq!(alerts.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["acquirer_refused_account"]);
    let asked: usize = (1..=3).map(|number| app.acquirer(number).requests().len()).sum();
    assert_eq!((asked, app.charged(3)), (3, 0));
    assert_eq!(app.get(&format!("orders/{}", answer.text("orderId"))).await.text("statusName"), "DECLINED");
    // Declined is not live: the merchant may hand the order over once more under another key.
    let again = with(evaluate("a"), &[("/idempotencyKey", json!("second"))]);
    assert_eq!(app.post("evaluate", &again).await.text("status"), "APPROVED");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn no_further_acquirer_is_asked_when_the_time_is_used_up(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    app.acquirer(1).script([SOFT]);
    app.gate().shut();
    let (body, token) = (evaluate("a").to_string(), app.token().await);
    let call = crate::client::call(app.address, "POST", "/v1/evaluate", Some(&token), Some(&body));
    let meanwhile = async {
        app.gate().arrival().await;
        app.pass(20);
        app.gate().let_pass(2);
    };
    let (answer, ()) = tokio::join!(call, meanwhile);
    assert_eq!(answer.text("status"), "DECLINED");
    assert_eq!(app.acquirer(2).requests().len(), 0);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_same_order_at_once_is_charged_once_and_again_is_answered_as_it_stands(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.gate().shut();
    let token = app.token().await;
    let other_key = with(evaluate("a"), &[("/idempotencyKey", json!("other"))]).to_string();
    let same_key = evaluate("a").to_string();
    let post = |body: String| {
        let (token, address) = (token.clone(), app.address);
        async move { crate::client::call(address, "POST", "/v1/evaluate", Some(&token), Some(&body)).await }
    };
    let meanwhile = async {
        app.gate().arrival().await;
        for body in [&same_key, &other_key] {
            let early = post(body.clone()).await;
            assert_eq!(early.status, 409, "{early:?}");
            assert!(early.text("title").contains("in progress"));
        }
        app.gate().let_pass(10);
    };
    let (first, ()) = tokio::join!(post(same_key.clone()), meanwhile);
    assert_eq!(first.text("status"), "APPROVED");
    for body in [same_key, other_key] {
        let again = post(body).await;
        assert_eq!(
            (again.text("status"), again.text("orderId")),
            ("APPROVED".to_owned(), first.text("orderId"))
        );
    }
    let changed = with(evaluate("a"), &[("/transaction/amount", json!(2000))]);
    assert_eq!(app.post("evaluate", &changed).await.status, 409);
    let changed = with(changed, &[("/idempotencyKey", json!("third"))]);
    assert_eq!(app.post("evaluate", &changed).await.status, 409);
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (1, 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn sixteen_evaluates_of_one_order_at_once_charge_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let token = app.token().await;
    let calls: Vec<_> = (0..16)
        .map(|number| {
            let body =
                with(evaluate("a"), &[("/idempotencyKey", json!(format!("key-{number}")))]).to_string();
            let (token, address) = (token.clone(), app.address);
            tokio::spawn(async move {
                crate::client::call(address, "POST", "/v1/evaluate", Some(&token), Some(&body)).await
            })
        })
        .collect();
    let mut approved = 0;
    for call in calls {
        let answer = call.await.unwrap();
        match answer.status {
            200 => approved += usize::from(answer.text("status") == "APPROVED"),
            status => assert_eq!(status, 409, "{answer:?}"),
        }
    }
    assert!(approved >= 1);
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (1, 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn bad_input_is_named_and_nothing_is_sent(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    for (field, pointer, value) in [
        ("IsDeclined", "/isDeclined", json!(false)),
        ("IsDeclined", "/isDeclined", Value::Null),
        ("IdempotencyKey", "/idempotencyKey", json!("")),
        ("OrderId", "/orderId", json!("x".repeat(129))),
        ("Mid", "/mid", json!("11111111-2222-4333-8444-555555555555")),
        ("SiteId", "/siteId", json!("x")),
        ("TransactionType", "/transactionType", json!("gift")),
        ("Transaction.Amount", "/transaction/amount", json!(0)),
        ("Transaction.Amount", "/transaction/amount", json!(12.5)),
        ("Transaction.Currency", "/transaction/currency", json!("ZZZ")),
        ("PaymentMethod.CardNumber", "/paymentMethod/cardNumber", json!("4000002760003185")),
        ("PaymentMethod.CardNumber", "/paymentMethod/cardNumber", Value::Null),
        ("PaymentMethod.CardNumber", "/paymentMethod/Token", json!(true)),
        ("PaymentMethod.ExpirationMonth", "/paymentMethod/expirationMonth", json!(13)),
        ("PaymentMethod.ExpirationYear", "/paymentMethod/expirationYear", json!(2029)),
    ] {
        let answer = app.post("evaluate", &with(evaluate("a"), &[(pointer, value)])).await;
        assert_eq!(answer.status, 400, "{field} {answer:?}");
        assert!(answer.json()[field][0].is_string() && answer.json()["TraceId"][0].is_string(), "{answer:?}");
        assert!(!answer.body.contains("400000276000318"), "{answer:?}");
    }
    assert_eq!(app.acquirer(1).requests().len(), 0);
    assert_eq!(app.get("orders").await.json()["totalItemCount"], json!(0));
    // Names in any case, numbers as texts, the amount in the limits of the sandbox only there.
    let text = evaluate("a").to_string().replace("\"amount\":1999", "\"AMOUNT\":\"50000\"");
    let text = text
        .replace("\"transaction\"", "\"Transaction\"")
        .replace("\"expirationYear\":2031", "\"expirationyear\":\"31\"");
    let token = app.token().await;
    let answer = crate::client::call(app.address, "POST", "/v1//evaluate", Some(&token), Some(&text)).await;
    assert_eq!(answer.text("status"), "APPROVED", "{answer:?}");
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_sandbox_keeps_its_amount_limits_unless_told_otherwise(#[case] on: On) {
    let app = App::sandbox(on).await;
    for (minor, status) in [(10, 400), (11, 200), (19_999, 200), (20_000, 400)] {
        let body = with(evaluate(&minor.to_string()), &[("/transaction/amount", json!(minor))]);
        assert_eq!(app.post("evaluate", &body).await.status, status, "{minor}");
    }
    app.finish().await;
    let unlimited =
        recoup_platform::Settings { sandbox_amount_limits: false, ..recoup_platform::Settings::sandbox() };
    let app = App::new(on, unlimited).await;
    let body = with(evaluate("a"), &[("/transaction/amount", json!(20_000))]);
    assert_eq!(app.post("evaluate", &body).await.text("status"), "APPROVED");
    // With routes the sandbox asks them, but for its triggers.
    app.add_route(1).await;
    assert_eq!(app.post("evaluate", &evaluate("b")).await.text("status"), "APPROVED");
    assert_eq!(app.acquirer(1).requests().len(), 1);
    let challenge = with(evaluate("c"), &[("/payer/phone", json!("+99.2001a/+99.2001b"))]);
    assert_eq!(app.post("evaluate", &challenge).await.text("status"), "CHALLENGE");
    assert_eq!(app.acquirer(1).requests().len(), 1);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m27_nobody_is_asked_when_the_merchant_tells_of_a_decline_that_is_final(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let told = |order: &str, code: &str| {
        let changes =
            [("/transaction/responseCode", json!(code)), ("/transaction/responseCodeSource", json!("nmi"))];
        with(evaluate(order), &changes)
    };
    let answer = app.post("evaluate", &told("a", "252")).await;
    assert_eq!((answer.text("status"), app.acquirer(1).requests().len()), ("DECLINED".to_owned(), 0));
    assert!(answer.json()["customProperties"]["reason"].as_str().unwrap().contains("forbids"), "{answer:?}");
    assert_eq!(app.post("evaluate", &told("b", "202")).await.text("status"), "APPROVED");
    app.finish().await;
}
