//! Where FlexFactor may stand (R24–R32, R41, R49).

use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::support::{App, campaign, flexfactor, nmi, order};

async fn both(on: On) -> App {
    let app = App::real(on).await;
    app.make("/v1/gateways", nmi(1)).await;
    app.make("/v1/gateways", flexfactor(17)).await;
    app
}

fn cascade() -> serde_json::Value {
    json!({"number": 5, "title": "Salvage", "algorithm": "priority_queue", "members": [{"gateway": 17}]})
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r24_a_disabled_salvage_gateway_gets_nothing_new_and_what_was_sent_is_still_settled(#[case] on: On) {
    let app = App::new(on).await;
    let (main, salvage) = app.shop().await;
    main.script([Act::Decline("200", "Do not honor"), Act::Decline("200", "Do not honor")]);
    salvage.script([Act::LoseAfter]);
    app.order("a", order()).await.expect(201);
    assert_eq!(salvage.requests().len(), 1, "the first order cascades");
    let gateways = app.get("/v1/gateways").await.expect(200);
    app.patch(&path_of(&gateways, 17), json!({"enabled": false})).await.expect(200);
    let mut second = order();
    second["email"] = json!("second@example.com");
    let declined = app.order("b", second).await.expect(201);
    assert_eq!(declined["status"], "declined");
    assert_eq!(salvage.requests().len(), 1, "nothing new was sent: {}", declined["cascade_note"]);
    let open = app.get("/v1/attempts?state=in_doubt").await.expect(200);
    let attempt = open["items"][0]["id"].as_str().unwrap().to_owned();
    let verdict = json!({"verdict": "not_executed", "note": "Asked by telephone."});
    let settled = app.post(&format!("/v1/attempts/{attempt}/resolve"), verdict).await.expect(200);
    assert_eq!(settled["state"], "not_executed");
}

/// The address of the gateway with this number.
fn path_of(gateways: &serde_json::Value, number: i64) -> String {
    let one = gateways["items"].as_array().unwrap().iter().find(|one| one["number"] == number);
    format!("/v1/gateways/{}", one.unwrap()["id"].as_str().unwrap())
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r26_an_offer_cannot_go_to_flexfactor(#[case] on: On) {
    let app = both(on).await;
    assert_eq!(
        app.post("/v1/campaigns", campaign(json!({"gateway": 17}))).await.wrong(),
        ["products[0].gateway"]
    );
    assert_eq!(app.get("/v1/campaigns").await.expect(200)["items"], json!([]));
    app.make("/v1/campaigns", campaign(json!({"gateway": 1}))).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r27_an_upsell_cannot_go_to_flexfactor(#[case] on: On) {
    let app = both(on).await;
    let upsell = campaign(json!({"gateway": 17, "kind": "upsell"}));
    assert_eq!(app.post("/v1/campaigns", upsell).await.wrong(), ["products[0].gateway"]);
    app.make("/v1/campaigns", campaign(json!({"gateway": 1, "kind": "upsell"}))).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r28_flexfactor_cannot_join_a_gateway_profile(#[case] on: On) {
    let app = both(on).await;
    let profile =
        json!({"title": "US", "algorithm": "round_robin", "members": [{"gateway": 1}, {"gateway": 17}]});
    assert_eq!(app.post("/v1/gateway-profiles", profile).await.wrong(), ["members[1].gateway"]);
    let profile = json!({"title": "US", "algorithm": "round_robin", "members": [{"gateway": 1}]});
    let id = app.make("/v1/gateway-profiles", profile).await;
    let added = json!({"members": [{"gateway": 1}, {"gateway": 17}]});
    let answer = app.patch(&format!("/v1/gateway-profiles/{id}"), added).await;
    assert_eq!(answer.wrong(), ["members[1].gateway"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r29_flexfactor_can_join_a_cascade_profile(#[case] on: On) {
    let app = both(on).await;
    let made = app.post("/v1/cascade-profiles", cascade()).await.expect(201);
    assert_eq!(made["max_steps"], 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r30_such_a_cascade_profile_can_be_the_direct_cascade_of_a_gateway(#[case] on: On) {
    let app = both(on).await;
    let cascade = app.make("/v1/cascade-profiles", cascade()).await;
    let mut second = nmi(2);
    second["direct_cascade"] = json!(5);
    assert_eq!(app.post("/v1/gateways", second).await.expect(201)["direct_cascade"], json!(cascade));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r31_such_a_cascade_profile_can_be_the_cascade_of_a_gateway_profile(#[case] on: On) {
    let app = both(on).await;
    let cascade = app.make("/v1/cascade-profiles", cascade()).await;
    let profile =
        json!({"title": "US", "algorithm": "round_robin", "members": [{"gateway": 1}], "cascade": cascade});
    assert_eq!(app.post("/v1/gateway-profiles", profile).await.expect(201)["cascade"], json!(cascade));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r32_a_direct_cascade_points_at_a_cascade_profile_and_not_at_a_gateway(#[case] on: On) {
    let app = both(on).await;
    let gateways = app.get("/v1/gateways").await.expect(200);
    for id in [gateways["items"][1]["id"].clone(), json!(17)] {
        let mut second = nmi(2);
        second["direct_cascade"] = id;
        assert_eq!(app.post("/v1/gateways", second).await.wrong(), ["direct_cascade"]);
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r41_an_order_that_forces_flexfactor_is_refused_before_any_charge(#[case] on: On) {
    let app = both(on).await;
    app.make("/v1/campaigns", campaign(json!({"gateway": 1}))).await;
    let mut forced = order();
    forced["force_gateway"] = json!(17);
    assert_eq!(app.order("a", forced).await.wrong(), ["force_gateway"]);
    assert_eq!(app.get("/v1/orders").await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r49_flexfactor_is_not_removed_while_a_cascade_profile_names_it(#[case] on: On) {
    let app = both(on).await;
    let profile = app.make("/v1/cascade-profiles", cascade()).await;
    let gateways = app.get("/v1/gateways").await.expect(200);
    let path = format!("/v1/gateways/{}", gateways["items"][1]["id"].as_str().unwrap());
    let refused = app.delete(&path).await.expect(409);
    assert_eq!(refused["code"], "in_use");
    assert!(refused["detail"].to_string().contains("cascade profile 5"), "{refused}");
    app.get(&path).await.expect(200);
    app.delete(&format!("/v1/cascade-profiles/{profile}")).await.expect(204);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r49_a_salvage_gateway_is_not_removed_while_an_attempt_is_open_there(#[case] on: On) {
    let app = App::new(on).await;
    let (main, salvage) = app.shop().await;
    main.script([Act::Decline("200", "Do not honor")]);
    salvage.script([Act::LoseAfter]);
    salvage.set_unreachable(true);
    app.order("a", order()).await.expect(201);
    let gateways = app.get("/v1/gateways").await.expect(200);
    let (main_path, path) = (path_of(&gateways, 1), path_of(&gateways, 17));
    app.patch(&main_path, json!({"direct_cascade": null})).await.expect(200);
    let profiles = app.get("/v1/cascade-profiles").await.expect(200);
    let profile = profiles["items"][0]["id"].as_str().unwrap();
    app.delete(&format!("/v1/cascade-profiles/{profile}")).await.expect(204);
    let refused = app.delete(&path).await.expect(409);
    assert!(refused["detail"].to_string().contains("still open"), "{refused}");
}
