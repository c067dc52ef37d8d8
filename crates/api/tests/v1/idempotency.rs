//! `Idempotency-Key` (M3).

use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::support::{App, Call, order};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_same_key_and_body_gets_the_stored_answer_and_charges_once(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let first = app.order("k-1", order()).await;
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let first = first.expect(201);
    let again = app.order("k-1", order()).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(201), first);
    assert_eq!(main.requests().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_same_key_with_another_body_is_refused(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    app.order("k-1", order()).await.expect(201);
    let (mut email, mut card) = (order(), order());
    email["email"] = json!("other@example.com");
    card["card"]["number"] = json!("5431111111111111");
    for other in [email, card] {
        assert_eq!(app.order("k-1", other).await.expect(422)["code"], "idempotency_key_reused");
    }
    assert_eq!(main.requests().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_fingerprint_of_a_body_leaves_the_security_code_out_and_knows_the_card(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let first = app.order("k-1", order()).await.expect(201);
    let mut same = order();
    same["card"]["security_code"] = json!("111");
    same["card"]["number"] = json!("4111 1111 1111 1111");
    assert_eq!(app.order("k-1", same).await.expect(201), first);
    let kept = app.hub.store().find_idempotency_key(app.merchant_id, "k-1").await.unwrap().unwrap();
    assert!(!kept.fingerprint.contains("4111111111111111"), "{}", kept.fingerprint);
    assert!(!kept.answer.unwrap().1.contains("4111111111111111"));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_a_key_whose_request_was_refused_can_be_used_again(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let mut wrong = order();
    wrong["card"]["number"] = json!("4111111111111112");
    assert_eq!(app.order("k-1", wrong).await.wrong(), ["card.number"]);
    assert_eq!(app.hub.store().find_idempotency_key(app.merchant_id, "k-1").await.unwrap(), None);
    app.order("k-1", order()).await.expect(201);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_same_request_many_times_at_once_charges_once(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let (a, b, c, d) = tokio::join!(
        app.order("k-1", order()),
        app.order("k-1", order()),
        app.order("k-1", order()),
        app.order("k-1", order())
    );
    let answers = [a, b, c, d];
    assert!(answers.iter().any(|answer| answer.status == 201));
    for answer in answers {
        assert!(answer.status == 201 || answer.body["code"] == "idempotency_key_in_use", "{answer:?}");
    }
    assert_eq!(main.requests().len(), 1);
    assert_eq!(app.order("k-1", order()).await.headers["idempotency-replayed"], "true");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_the_same_sale_under_another_key_is_the_same_order(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let first = app.order("k-1", order()).await.expect(201);
    let second = app.order("k-2", order()).await.expect(201);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(main.requests().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_order_without_a_proper_key_is_refused(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    assert_eq!(app.post("/v1/orders", order()).await.expect(400)["code"], "idempotency_key_missing");
    let long = "x".repeat(256);
    for key in ["a b", "", &long] {
        assert_eq!(app.order(key, order()).await.expect(400)["code"], "idempotency_key_malformed");
    }
    let headers = vec![("idempotency-key", "k".to_owned())];
    let call = Call { method: Method::POST, path: "/v1/orders".to_owned(), body: Some(order()), headers };
    app.send(call).await.expect(401);
}
