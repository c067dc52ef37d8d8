//! Orders: made, shown, listed, refunded, cancelled.

use gateways::OperationKind;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, order};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_approved_order_is_complete_and_shows_everything_that_belongs_to_it(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let made = app.order("k", order()).await.expect(201);
    assert_eq!((&made["status"], &made["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(made["total"], json!({"amount_minor": 2999, "currency": "USD"}));
    let shown = app.get(&format!("/v1/orders/{}", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown, made);
    assert_eq!(shown["attempts"][0]["state"], "approved");
    assert_eq!(shown["fulfilments"][0]["state"], "hold");
    assert_eq!(shown["events"][0]["kind"], "new_sale");
    assert!(!shown["timeline"].as_array().unwrap().is_empty());
    assert_eq!(
        shown["card"],
        json!({"brand": "visa", "bin": "411111", "last_four": "1111", "expires": "2030-12"})
    );
    assert!(!shown.to_string().contains("4111111111111111") && !shown.to_string().contains("\"987\""));
    let attempt = &shown["attempts"][0];
    let path = format!("/v1/attempts/{}", attempt["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.expect(200), *attempt);
    let report = app.get("/v1/doctor").await.expect(200);
    assert_eq!(report["broken"], json!([]));
    assert!(report["checked"].as_i64().unwrap() >= 12, "{report}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_soft_decline_is_salvaged_in_the_same_call(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    main.script([Act::Decline("200", "Do not honor")]);
    let made = app.order("k", order()).await.expect(201);
    assert_eq!((&made["status"], &made["is_salvaged"]), (&json!("complete"), &json!(true)));
    let attempts = made["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["decline"]["class"], "soft");
    assert_eq!(attempts[1]["salvages"], attempts[0]["id"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn everything_wrong_with_an_order_is_told_at_once_and_nothing_is_sent(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let wrong = json!({
        "campaign": 100,
        "items": [
            {"product": 8},
            {"product": 7, "quantity": 0},
            {"product": 7, "price": {"amount_minor": 100, "currency": "EUR"}}
        ],
        "card": {"number": "4111111111111112", "expires_month": 1, "expires_year": 2020, "security_code": "x"},
        "billing": {"country": "usa"},
        "email": "nobody",
        "ip_address": "1.2.3",
        "force_gateway": 99,
        "order_id": "nonsense"
    });
    let mut fields = app.order("k", wrong).await.wrong();
    fields.sort();
    let expected = [
        "billing.country",
        "card.expires_year",
        "card.number",
        "card.security_code",
        "email",
        "force_gateway",
        "ip_address",
        "items[0].product",
        "items[1].quantity",
        "items[2].price.currency",
        "order_id",
    ];
    assert_eq!(fields, expected);
    let mut unknown = order();
    unknown["campaign"] = json!("cmp_00000000000000000000000000");
    assert_eq!(app.order("k", unknown).await.wrong(), ["campaign"]);
    let mut extra = order();
    extra["cvv"] = json!("987");
    assert_eq!(app.order("k", extra).await.wrong(), ["cvv"]);
    assert!(main.requests().is_empty());
    assert_eq!(app.get("/v1/orders").await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn references_are_ids_or_numbers(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let campaigns = app.get("/v1/campaigns").await.expect(200);
    let mut by_id = order();
    by_id["campaign"] = campaigns["items"][0]["id"].clone();
    by_id["items"][0]["product"] = campaigns["items"][0]["products"][0]["id"].clone();
    assert_eq!(app.order("k", by_id).await.expect(201)["campaign_number"], 100);
}

async fn three(app: &App) -> Vec<Value> {
    let mut made = Vec::new();
    for email in ["a@example.com", "b@example.com", "c@example.com"] {
        let mut one = order();
        one["email"] = json!(email);
        made.push(app.order(email, one).await.expect(201)["id"].clone());
    }
    made
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn pages_hold_every_order_once_also_when_all_are_of_one_moment(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let mut made = three(&app).await;
    let mut seen = Vec::new();
    let mut path = "/v1/orders?limit=1".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/orders?limit=1&cursor={cursor}");
        assert!(seen.len() <= made.len());
    }
    made.sort_by_key(ToString::to_string);
    made.reverse();
    assert_eq!(seen, made, "newest first");
    let found = app.get("/v1/orders?email=B@example.com&status=complete&campaign=100").await.expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.get("/v1/orders?status=declined").await.expect(200)["items"], json!([]));
    assert_eq!(
        app.get("/v1/orders?created_before=2026-11-21T10:00:00Z").await.expect(200)["items"],
        json!([])
    );
    for (query, field) in
        [("limit=0", "limit"), ("limit=201", "limit"), ("cursor=x", "cursor"), ("page=2", "page")]
    {
        let answer = app.get(&format!("/v1/orders?{query}")).await.expect(422);
        assert!(
            answer["errors"].to_string().contains(field) || !answer["errors"].as_array().unwrap().is_empty()
        );
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_refunds_never_exceed_what_was_taken(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let made = app.order("k", order()).await.expect(201);
    let path = format!("/v1/orders/{}/refund", made["id"].as_str().unwrap());
    let part = json!({"amount": {"amount_minor": 1000, "currency": "USD"}, "note": "Damaged."});
    let refund = app.keyed(&path, "r-1", part.clone()).await.expect(200);
    assert_eq!((&refund["kind"], &refund["state"]), (&json!("refund"), &json!("done")));
    assert_eq!(app.keyed(&path, "r-1", part).await.expect(200)["id"], refund["id"], "the same refund again");
    let much = json!({"amount": {"amount_minor": 2000, "currency": "USD"}});
    assert_eq!(app.keyed(&path, "r-2", much).await.wrong(), ["amount"]);
    for strange in ["x", made["id"].as_str().unwrap()] {
        let odd = json!({"attempt_id": strange});
        assert_eq!(app.keyed(&path, "r-2", odd).await.wrong(), ["attempt_id"]);
    }
    app.keyed(&path, "r-2", json!({"attempt_id": made["attempts"][0]["id"]})).await.expect(200);
    let refunded: i64 = main
        .operated()
        .iter()
        .filter(|(kind, _, _)| *kind == OperationKind::Refund)
        .map(|(_, _, minor)| minor)
        .sum();
    assert_eq!(refunded, 2999);
    let order = app.get(&format!("/v1/orders/{}", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(order["status"], "refunded");
    assert_eq!(app.keyed(&path, "r-3", json!({})).await.expect(409)["code"], "wrong_state");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_cancelled_order_is_given_back_once(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let made = app.order("k", order()).await.expect(201);
    let path = format!("/v1/orders/{}/cancel", made["id"].as_str().unwrap());
    let cancelled = app.post(&path, json!({"note": "Changed her mind."})).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["fulfilments"][0]["state"], "cancelled");
    assert_eq!(main.operated().len(), 1);
    assert_eq!(app.post(&path, json!({})).await.expect(409)["code"], "wrong_state");
    assert_eq!(main.operated().len(), 1);
}
