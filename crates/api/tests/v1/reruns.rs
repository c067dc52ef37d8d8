//! Reruns over the native API: one by one and in batches.

use gateways::fake::Act;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, order};

const SOFT: Act = Act::Decline("05", "Do not honor");

async fn declined(app: &App, who: &str) -> String {
    let mut body = order();
    body["email"] = json!(format!("{who}@example.com"));
    let shown = app.order(&format!("order-{who}"), body).await.expect(201);
    assert_eq!(shown["status"], "declined");
    shown["id"].as_str().unwrap().to_owned()
}

/// A shop whose declines do not cascade.
async fn shop(
    on: On,
) -> (App, std::sync::Arc<gateways::fake::FakeGateway>, std::sync::Arc<gateways::fake::FakeGateway>) {
    let app = App::new(on).await;
    let (main, salvage) = app.shop().await;
    let gateways = app.get("/v1/gateways").await.expect(200);
    let found = gateways["items"].as_array().unwrap().iter().find(|one| one["number"] == 1).unwrap().clone();
    let path = format!("/v1/gateways/{}", found["id"].as_str().unwrap());
    app.patch(&path, json!({"direct_cascade": null})).await.expect(200);
    (app, main, salvage)
}

async fn work(app: &App) {
    while !app.hub.sweep_runs(app.hub.minter().now()).await.unwrap().is_idle() {}
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r110_r120_a_rerun_is_made_once_per_key_and_a_second_one_is_a_conflict(#[case] on: On) {
    let (app, main, salvage) = shop(on).await;
    main.script([SOFT]);
    let id = declined(&app, "ada").await;
    let path = format!("/v1/orders/{id}/rerun");
    salvage.script([Act::Pend]);
    let body = json!({"gateway": 17, "note": "try"});
    let made = app.keyed(&path, "key-1", body.clone()).await.expect(200);
    assert_eq!(
        (made["outcome"].as_str(), made["order"]["status"].as_str()),
        (Some("pending"), Some("declined"))
    );
    assert_eq!(made["order"]["salvage_status"], "pending");
    assert_eq!(made["salvage_expires_at"], "2026-12-12T10:00:00Z");
    let again = app.keyed(&path, "key-1", body.clone()).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(200), made);
    let other = app.keyed(&path, "key-1", json!({"gateway": 1})).await.expect(422);
    assert_eq!(other["code"], "idempotency_key_reused");
    let open = app.keyed(&path, "key-2", body).await.expect(409);
    assert_eq!(open["code"], "attempt_open");
    assert_eq!(salvage.requests().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r40_r119_m24_what_is_left_alone_has_a_code_of_its_own(#[case] on: On) {
    let (app, main, salvage) = shop(on).await;
    main.script([SOFT]);
    let id = declined(&app, "ada").await;
    let path = format!("/v1/orders/{id}/rerun");
    let member =
        json!({"number": 3, "title": "P", "algorithm": "priority_queue", "members": [{"gateway": 1}]});
    app.make("/v1/gateway-profiles", member).await;
    let both = app.keyed(&path, "k1", json!({"gateway": 17, "gateway_profile": 3})).await.wrong();
    assert_eq!(both, ["gateway_profile"]);
    assert_eq!(app.keyed(&path, "k2", json!({"gateway": 99})).await.wrong(), ["gateway"]);
    let note = json!({"gateway": 17, "note": "x".repeat(501)});
    assert_eq!(app.keyed(&path, "k3", note).await.wrong(), ["note"]);
    let missing = format!("/v1/orders/{}/rerun", "ord_01kaxyz0000000000000000000");
    app.keyed(&missing, "k4", json!({})).await.expect(404);
    let mut bought = order();
    bought["email"] = json!("ada@example.com");
    let bought = app.order("bought", bought).await.expect(201);
    assert_eq!(bought["status"], "complete");
    let since = app.keyed(&path, "k5", json!({"gateway": 17})).await.expect(409);
    assert_eq!(since["code"], "bought_since");
    let paid = format!("/v1/orders/{}/rerun", bought["id"].as_str().unwrap());
    assert_eq!(app.keyed(&paid, "k6", json!({})).await.expect(409)["code"], "wrong_state");
    assert_eq!(salvage.requests().len(), 0);
    salvage.script([Act::Pend]);
    let insist = json!({"gateway": 17, "override_bought_since": true});
    assert_eq!(
        app.keyed(&path, "k5", insist).await.expect(200)["outcome"],
        "pending",
        "a refusal frees its key"
    );
    let stranger = app.stranger().await;
    let foreign = app.call_as(&stranger, Method::GET, &format!("/v1/orders/{id}"), None).await;
    foreign.expect(404);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r109_r118_a_batch_shows_progress_and_a_verdict_with_its_reason_per_order(#[case] on: On) {
    let (app, main, salvage) = shop(on).await;
    main.script([SOFT, Act::Decline("", "Expired card"), SOFT]);
    let mut ids = Vec::new();
    for who in ["ada", "bob", "cid"] {
        ids.push(declined(&app, who).await);
    }
    let wish = json!({"filter": {}, "gateway": 17, "note": "November"});
    let preview = app.post("/v1/reruns/preview", wish.clone()).await.expect(200);
    assert_eq!((preview["eligible"].as_i64(), preview["skipped"].as_i64()), (Some(2), Some(1)));
    assert_eq!(preview["items"][1]["code"], "not_eligible");
    assert_eq!(salvage.requests().len(), 0);

    salvage.script([Act::Pend, Act::Pend]);
    let begun = app.keyed("/v1/reruns", "batch-1", wish.clone()).await.expect(201);
    assert_eq!((begun["state"].as_str(), begun["total"].as_i64()), (Some("running"), Some(3)));
    assert_eq!(begun["counts"]["waiting"], 3);
    assert_eq!(app.keyed("/v1/reruns", "batch-1", wish).await.expect(201), begun, "once per key");
    work(&app).await;
    let path = format!("/v1/reruns/{}", begun["id"].as_str().unwrap());
    let ended = app.get(&path).await.expect(200);
    assert_eq!(ended["state"], "done");
    assert_eq!(
        (ended["counts"]["pending"].as_i64(), ended["counts"]["skipped"].as_i64()),
        (Some(2), Some(1))
    );
    assert_eq!(ended["note"], "November");

    let first = app.get(&format!("{path}/items?limit=2")).await.expect(200);
    assert_eq!(first["items"][0]["order_id"], Value::from(ids[2].clone()), "newest first");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("{path}/items?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), rest.get("next_cursor")), (1, None));
    let skipped = app.get(&format!("{path}/items?verdict=skipped")).await.expect(200);
    let words = skipped["items"][0]["words"].as_str().unwrap();
    assert!(words.starts_with("Hard decline (expired_card)"), "{words}");
    let list = app.get("/v1/reruns").await.expect(200);
    assert_eq!(list["items"], json!([ended]));

    let stranger = app.stranger().await;
    for path in [path.clone(), format!("{path}/items")] {
        app.call_as(&stranger, Method::GET, &path, None).await.expect(404);
    }
    app.call_as(&stranger, Method::POST, &format!("{path}/cancel"), Some(json!({}))).await.expect(404);
    assert_eq!(app.post(&format!("{path}/cancel"), json!({})).await.expect(409)["code"], "wrong_state");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_batch_is_cancelled_and_limited_with_clear_errors(#[case] on: On) {
    let (app, main, salvage) = shop(on).await;
    main.script([SOFT]);
    let id = declined(&app, "ada").await;
    let refused = |body: Value, field: &'static str| {
        let app = &app;
        async move { assert_eq!(app.keyed("/v1/reruns", field, body).await.wrong(), [field]) }
    };
    refused(json!({"gateway": 17}), "orders").await;
    refused(json!({"orders": [id.clone()], "filter": {}}), "orders").await;
    refused(json!({"orders": []}), "orders").await;
    refused(json!({"orders": [id.clone(), "nonsense"]}), "orders[1]").await;
    refused(json!({"filter": {"email": "nobody@example.com"}}), "filter").await;
    let many: Vec<String> = (0..10_001_u128)
        .map(|number| domain::ids::OrderId::from_uuid(uuid::Uuid::from_u128(number)).to_string())
        .collect();
    refused(json!({"orders": many}), "orders").await;

    let begun = app.keyed("/v1/reruns", "b", json!({"orders": [id], "gateway": 17})).await.expect(201);
    let path = format!("/v1/reruns/{}/cancel", begun["id"].as_str().unwrap());
    let cancelled = app.post(&path, json!({"note": "wrong"})).await.expect(200);
    assert_eq!(
        (cancelled["state"].as_str(), cancelled["counts"]["skipped"].as_i64()),
        (Some("cancelled"), Some(1))
    );
    work(&app).await;
    assert_eq!(salvage.requests().len(), 0);
    app.keyed("/v1/reruns", "c", json!({"orders": ["x"], "colour": 1})).await.expect(422);
}
