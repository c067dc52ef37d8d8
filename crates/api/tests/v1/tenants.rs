//! Tenants never see each other: every endpoint, with a stranger's key.

use domain::ids::OrderId;
use domain::order::OrderStatus;
use gateways::fake::Act;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;
use storage::{Transaction, orders};

use crate::support::{App, Call, campaign, order};

/// Every path with its methods, filled with ids of the first merchant.
async fn filled(app: &App, document: &Value) -> Vec<(Method, String)> {
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = match path
            .strip_suffix("/{id}")
            .or_else(|| path.split("/{id}/").next().filter(|all| all != path))
        {
            None => path.clone(),
            Some(collection) => {
                let list =
                    if collection == "/v1/attempts" { "/v1/attempts?state=in_doubt" } else { collection };
                let items = app.get(list).await.expect(200)["items"].clone();
                path.replace("{id}", items[0]["id"].as_str().unwrap_or_else(|| panic!("nothing at {list}")))
            }
        };
        for method in item.as_object().unwrap().keys() {
            calls.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    calls
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn no_endpoint_shows_or_changes_what_is_a_strangers(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    app.make(
        "/v1/gateway-profiles",
        json!({"title": "US", "algorithm": "round_robin", "members": [{"gateway": 1}]}),
    )
    .await;
    app.make("/v1/recycle-profiles", json!({"title": "Tries", "gateways": [1], "slots": [{"days": 1}]}))
        .await;
    app.make("/v1/decline-maps", json!({"gateway_kind": "fake", "fragment": "try later", "class": "soft"}))
        .await;
    subscription(&app).await;
    main.script([Act::LoseAfter]);
    main.set_unreachable(true);
    app.order("k", order()).await.expect(201);
    late_approval(&app).await;
    alert(&app).await;
    let made = app.get("/v1/orders").await.expect(200)["items"][0]["id"].clone();
    app.keyed("/v1/reruns", "run", json!({"orders": [made]})).await.expect(201);
    let document: Value = serde_json::from_str(&api::v1::openapi()).unwrap();
    let stranger = app.stranger().await;
    let calls = filled(&app, &document).await;
    assert!(calls.len() > 40, "{}", calls.len());
    let before = everything(&app).await;
    for (method, path) in calls {
        let body = (method != Method::GET && method != Method::DELETE).then(|| body_for(&path));
        let headers = vec![
            ("authorization", format!("Bearer {stranger}")),
            ("idempotency-key", format!("{method}{path}")),
        ];
        let answer = app.send(Call { method: method.clone(), path: path.clone(), body, headers }).await;
        if path.contains('_') && !path.contains('?') {
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
        } else if method == Method::GET && path != "/v1/attempts" {
            assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
            let text = answer.body.to_string();
            let foreign =
                ["ord_", "gtw_", "cmp_", "att_", "map_", "gpr_", "cpr_", "rpr_", "sub_", "ada@example.com"];
            let is_open = path == "/v1/openapi.json";
            assert!(is_open || !foreign.iter().any(|one| text.contains(one)), "{method} {path}: {text}");
        }
    }
    assert_eq!(everything(&app).await, before, "nothing of the first merchant has changed");
    let none = app.call_as(&stranger, Method::GET, "/v1/attempts?state=in_doubt", None).await.expect(200);
    assert_eq!(none["items"], json!([]));
}

/// An alert of the first merchant.
async fn alert(app: &App) {
    let alert = storage::alerts::Alert {
        merchant_id: app.merchant_id,
        id: app.hub.minter().mint(),
        kind: "bill_held".to_owned(),
        order_id: None,
        attempt_id: None,
        words: "Look at it.".to_owned(),
        created_at: app.hub.minter().now(),
    };
    let insert = storage::alerts::insert(&alert);
    app.hub.store().commit(Transaction::new("alert").with(insert)).await.unwrap();
}

/// A subscription of the first merchant.
async fn subscription(app: &App) {
    let price = json!({"amount_minor": 2999, "currency": "USD"});
    let tea = json!({"number": 20, "name": "Tea", "price": price, "billing": "recurring", "gateway": 1});
    let sells = json!({"number": 200, "title": "Teas", "currency": "USD", "products": [tea]});
    app.make("/v1/campaigns", sells).await;
    let mut sale = order();
    sale["campaign"] = json!(200);
    sale["items"] = json!([{"product": 20}]);
    let made = app.order("subscription", sale).await.expect(201);
    assert_eq!(made["subscriptions"][0]["status"], "active");
}

/// A late approval of the first merchant, and a report that came in for it.
async fn late_approval(app: &App) {
    let found = app.hub.store().list_attempts_in_doubt(app.merchant_id, 1).await.unwrap();
    let attempt = &found[0];
    let late = storage::late_approvals::LateApproval {
        merchant_id: app.merchant_id,
        attempt_id: attempt.id,
        order_id: attempt.order_id,
        gateway_id: attempt.gateway_id,
        gateway_reference: "x-1".to_owned(),
        amount: attempt.amount,
        seen_at: attempt.created_at,
        state: storage::late_approvals::LateState::Waiting,
        words: "Approved late.".to_owned(),
        tries: 0,
        next_action_at: Some(attempt.created_at),
    };
    let insert = storage::late_approvals::insert(&late);
    app.hub.store().commit(Transaction::new("late").with(insert)).await.unwrap();
    let gateways = app.get("/v1/gateways").await.expect(200)["items"].clone();
    let salvage = gateways.as_array().unwrap().iter().find(|one| one["number"] == 17).unwrap();
    let id = salvage["id"].as_str().unwrap().parse().unwrap();
    let refused = app.hub.receive_report(id, vec![], String::new(), b"ada@example.com".to_vec()).await;
    assert_eq!(refused.unwrap(), hub::Received::Refused);
}

/// A body that would be taken, were it one's own.
fn body_for(path: &str) -> Value {
    if path.contains("/v1/subscriptions/") {
        let card = json!({"number": "4012888888881881", "expires_month": 5, "expires_year": 2031});
        let bodies = [
            ("/cancel", json!({"reason": "Mine."})),
            ("/product", json!({"product": 20})),
            ("/card", json!({"card": card})),
            ("/batch-change", json!({"filter": {}, "status": "recycle_failed"})),
        ];
        return bodies.into_iter().find(|(end, _)| path.ends_with(end)).map_or(json!({}), |(_, body)| body);
    }
    if path.contains("late-approvals") {
        return json!({"decision": "keep", "note": "Mine."});
    }
    if path.contains("/v1/alerts/") {
        return json!({"note": "Mine."});
    }
    if path.ends_with("/resolve") {
        return json!({"verdict": "not_executed", "note": "Mine."});
    }
    if path.ends_with("/cancel")
        || path.ends_with("/rerun")
        || path.ends_with("/refund")
        || path.contains('_') && !path.contains("campaigns")
    {
        let put = [
            ("gateways/", json!({"kind": "fake", "title": "Theirs", "settings": {"name": "theirs"}})),
            ("gateway-profiles/", json!({"title": "T", "algorithm": "round_robin", "members": []})),
            ("cascade-profiles/", json!({"title": "T", "algorithm": "round_robin", "members": []})),
            ("recycle-profiles/", json!({"title": "T", "gateways": [], "slots": [{"days": 1}]})),
            ("decline-maps/", json!({"gateway_kind": "fake", "fragment": "x", "class": "hard"})),
        ];
        return put.into_iter().find(|(part, _)| path.contains(part)).map_or(json!({}), |(_, body)| body);
    }
    if path.contains("campaigns") {
        return campaign(json!({"gateway": 1}));
    }
    order()
}

async fn everything(app: &App) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/v1/account",
        "/v1/gateways",
        "/v1/gateway-profiles",
        "/v1/cascade-profiles",
        "/v1/recycle-profiles",
        "/v1/decline-maps",
        "/v1/campaigns",
        "/v1/orders",
        "/v1/reruns",
        "/v1/subscriptions",
        "/v1/alerts",
        "/v1/attempts?state=in_doubt",
        "/v1/inbound-reports",
        "/v1/late-approvals",
        "/v1/chargebacks",
    ] {
        all.push(app.get(path).await.expect(200));
    }
    all
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_doctor_tells_a_merchant_of_its_own_broken_rows_only(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    main.script([Act::Decline("200", "Pick up card - stolen")]);
    let made = app.order("k", order()).await.expect(201);
    assert_eq!(made["status"], "declined");
    let id: OrderId = made["id"].as_str().unwrap().parse().unwrap();
    let now = app.hub.minter().now();
    let broken = orders::set_status(app.merchant_id, id, OrderStatus::Complete, false, now);
    app.hub.store().commit(Transaction::new("break").with(broken)).await.unwrap();
    let report = app.get("/v1/doctor").await.expect(200);
    assert_eq!(report["broken"][0]["invariant"], "complete_without_paid");
    assert_eq!(report["broken"][0]["id"], made["id"]);
    let stranger = app.stranger().await;
    let report = app.call_as(&stranger, Method::GET, "/v1/doctor", None).await.expect(200);
    assert_eq!(report["broken"], json!([]));
}
