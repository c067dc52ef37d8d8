//! Configuration: problems all at once, with paths of the request; patches; warnings; audit.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::support::{App, Call, campaign};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn all_problems_are_told_at_once_by_their_place_in_the_request(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let profile = json!({
        "number": 0,
        "title": "",
        "algorithm": "weighted",
        "members": [{"gateway": 99, "weight": 60}, {"gateway": 1, "weight": 30, "max_total_declines": 0}],
        "cascade": 77
    });
    let mut wrong = app.post("/v1/gateway-profiles", profile).await.wrong();
    wrong.sort();
    let expected =
        ["cascade", "members", "members[0].gateway", "members[1].max_total_declines", "number", "title"];
    assert_eq!(wrong, expected);
    let mut both = campaign(json!({"gateway": 1, "gateway_profile": 3}));
    both["number"] = json!(101);
    both["products"][0]["number"] = json!(8);
    both["products"][0]["name"] = json!("");
    both["products"][0]["price"]["currency"] = json!("EUR");
    let mut wrong = app.post("/v1/campaigns", both).await.wrong();
    wrong.sort();
    assert_eq!(wrong, ["products[0].gateway", "products[0].name", "products[0].price"]);
    assert_eq!(app.get("/v1/gateway-profiles").await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn unknown_fields_are_refused_everywhere(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    let mut product = campaign(json!({"gateway": 1, "colour": "red"}));
    product["number"] = json!(101);
    let wishes = [
        ("/v1/campaigns", product, "products[0].colour"),
        ("/v1/gateways", json!({"kind": "fake", "title": "x", "colour": "red"}), "colour"),
        ("/v1/decline-maps", json!({"fragment": "x", "class": "soft", "colour": "red"}), "colour"),
    ];
    for (path, body, field) in wishes {
        assert_eq!(app.post(path, body).await.wrong(), [field]);
    }
    assert_eq!(app.patch("/v1/account", json!({"colour": "red"})).await.wrong(), ["colour"]);
    let wrong = app
        .post("/v1/gateways", json!({"kind": "fake", "title": "x", "settings": {"name": "x", "key": "y"}}))
        .await;
    assert_eq!(wrong.wrong(), ["settings.key"]);
    let env = json!({"kind": "fake", "title": "x", "settings": {"name": {"env": "HOME"}}});
    assert_eq!(app.post("/v1/gateways", env).await.wrong(), ["settings.name"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_was_read_can_be_sent_back_and_a_patch_changes_only_what_it_names(#[case] on: On) {
    let app = App::new(on).await;
    app.shop().await;
    for collection in ["/v1/gateways", "/v1/cascade-profiles", "/v1/campaigns"] {
        let shown = app.get(collection).await.expect(200)["items"][0].clone();
        let path = format!("{collection}/{}", shown["id"].as_str().unwrap());
        assert_eq!(app.put(&path, shown.clone()).await.expect(200), shown);
        let renamed = app.patch(&path, json!({"title": "Renamed"})).await.expect(200);
        let mut expected = shown;
        expected["title"] = json!("Renamed");
        assert_eq!(renamed, expected);
    }
    let account = app.patch("/v1/account", json!({"time_zone": "Europe/Berlin"})).await.expect(200);
    assert_eq!((&account["title"], &account["time_zone"]), (&json!("Shop"), &json!("Europe/Berlin")));
    let both = json!({"title": "", "time_zone": "Mars/Base", "checkout_budget_secs": 1});
    assert_eq!(app.patch("/v1/account", both).await.wrong(), ["title", "time_zone", "checkout_budget_secs"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m27_a_map_on_a_reason_that_no_map_changes_is_saved_with_a_warning(#[case] on: On) {
    let app = App::new(on).await;
    let made = app.post(
        "/v1/decline-maps",
        json!({"gateway_kind": "fake", "fragment": "stolen card", "class": "soft"}),
    );
    let made = made.await.expect(201);
    assert!(made["warnings"][0].as_str().unwrap().contains("no decline map may change"), "{made}");
    let plain = json!({"gateway_kind": "fake", "fragment": "try again later", "class": "soft"});
    let plain = app.post("/v1/decline-maps", plain).await.expect(201);
    assert_eq!(plain["warnings"], json!([]));
    let all = app.get("/v1/decline-maps").await.expect(200)["items"].as_array().unwrap().clone();
    assert!(all.len() == 2 && all.contains(&made) && all.contains(&plain), "{all:?}");
    let both = json!({"gateway_kind": "none", "fragment": " ", "class": "soft"});
    assert_eq!(app.post("/v1/decline-maps", both).await.wrong(), ["gateway_kind", "fragment"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_change_is_audited_with_who_and_why(#[case] on: On) {
    let app = App::new(on).await;
    let headers = vec![
        ("authorization", format!("Bearer {}", app.key)),
        ("audit-note", "Asked for by finance.".to_owned()),
    ];
    let body = Some(json!({"title": "New name"}));
    let call = Call { method: Method::PATCH, path: "/v1/account".to_owned(), body, headers };
    app.send(call).await.expect(200);
    let audit = app.hub.store().list_audit(app.merchant_id, 1).await.unwrap();
    assert_eq!(audit[0].note, "Asked for by finance.");
    assert!(audit[0].actor.starts_with("key_"), "{audit:?}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn alerts_are_shown_until_a_person_closes_them(#[case] on: On) {
    let app = App::new(on).await;
    let (main, _) = app.shop().await;
    let rejected = gateways::Rejection {
        reason: domain::declines::Reason::MerchantConfig,
        code: "300".to_owned(),
        text: "Authentication Failed".to_owned(),
    };
    main.script([gateways::fake::Act::Reject(rejected)]);
    app.order("k", crate::support::order()).await.expect(201);
    let alerts = app.get("/v1/alerts").await.expect(200);
    let id = alerts["items"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("alr_"), "{alerts}");
    let path = format!("/v1/alerts/{id}/close");
    assert_eq!(app.post(&path, json!({"note": " "})).await.wrong(), ["note"]);
    app.post(&path, json!({"note": "New credentials are in place."})).await.expect(204);
    assert_eq!(app.get("/v1/alerts").await.expect(200)["items"], json!([]));
    app.post(&path, json!({"note": "again"})).await.expect(404);
    let audit = app.hub.store().list_audit(app.merchant_id, 1).await.unwrap();
    assert_eq!(audit[0].note, "New credentials are in place.");
}
