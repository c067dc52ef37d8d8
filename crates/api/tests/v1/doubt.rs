//! People resolve doubt (M18).

use gateways::fake::{Act, FakeGateway};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, order};

/// An order whose only attempt is in doubt.
async fn doubtful(app: &App) -> (Value, String) {
    let (main, _) = app.shop().await;
    lose(&main);
    let made = app.order("k", order()).await.expect(201);
    assert_eq!((&made["status"], &made["payment_status"]), (&json!("pending"), &json!("in_doubt")));
    let open = app.get("/v1/attempts?state=in_doubt").await.expect(200);
    let path = format!("/v1/attempts/{}/resolve", open["items"][0]["id"].as_str().unwrap());
    assert_eq!(open["items"][0]["doubt"]["cause"], "lost_answer");
    (made, path)
}

fn lose(gateway: &FakeGateway) {
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m18_a_person_resolves_doubt_with_the_gateways_id_and_a_note_and_it_is_audited(#[case] on: On) {
    let app = App::new(on).await;
    let (made, path) = doubtful(&app).await;
    let approved = json!({"verdict": "approved", "gateway_reference": "T-77", "note": "Seen in the panel."});
    let attempt = app.post(&path, approved.clone()).await.expect(200);
    assert_eq!(attempt["state"], "approved");
    assert_eq!(attempt["approval"]["gateway_reference"], "T-77");
    let order = app.get(&format!("/v1/orders/{}", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(order["events"][0]["kind"], "new_sale");
    let audit = app.hub.store().list_audit(app.merchant_id, 1).await.unwrap();
    assert!(audit[0].what.contains("T-77") && audit[0].actor.contains("tests"), "{audit:?}");
    assert_eq!(audit[0].note, "Seen in the panel.");
    assert_eq!(app.post(&path, approved).await.expect(409)["code"], "wrong_state");
    assert_eq!(app.get("/v1/attempts?state=in_doubt").await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m18_without_a_note_or_the_gateways_id_nothing_is_resolved(#[case] on: On) {
    let app = App::new(on).await;
    let (_, path) = doubtful(&app).await;
    let wishes = [
        (json!({"verdict": "approved", "note": "Seen."}), "gateway_reference"),
        (json!({"verdict": "approved", "gateway_reference": "T-1", "note": " "}), "note"),
        (json!({"verdict": "declined"}), "note"),
        (json!({"verdict": "perhaps", "note": "Seen."}), "verdict"),
    ];
    for (wish, field) in wishes {
        assert_eq!(app.post(&path, wish).await.wrong(), [field]);
    }
    assert_eq!(
        app.get("/v1/attempts?state=in_doubt").await.expect(200)["items"].as_array().unwrap().len(),
        1
    );
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m18_a_declined_verdict_ends_the_order_declined_without_a_cascade(#[case] on: On) {
    let app = App::new(on).await;
    let (made, path) = doubtful(&app).await;
    app.post(&path, json!({"verdict": "declined", "note": "Not in the panel."})).await.expect(200);
    let order = app.get(&format!("/v1/orders/{}", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(order["status"], "declined");
    assert_eq!(order["attempts"].as_array().unwrap().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m18_a_stranger_cannot_resolve(#[case] on: On) {
    let app = App::new(on).await;
    let (_, path) = doubtful(&app).await;
    let stranger = app.stranger().await;
    let wish = json!({"verdict": "not_executed", "note": "Mine."});
    app.call_as(&stranger, Method::POST, &path, Some(wish)).await.expect(404);
}
