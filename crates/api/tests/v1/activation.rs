//! FlexFactor in the catalogue, its activation and its settings (R1–R23).

use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, flexfactor, flexfactor_settings};

async fn form(app: &App) -> Vec<Value> {
    let catalogue = app.get("/v1/providers").await.expect(200);
    let all = catalogue["items"].as_array().unwrap().clone();
    let one =
        all.iter().find(|provider| provider["kind"] == "flexfactor").expect("FlexFactor is in the catalogue");
    assert_eq!(one["title"], "FlexFactor");
    one["fields"].as_array().unwrap().clone()
}

fn field(form: &[Value], label: &str) -> Value {
    form.iter().find(|field| field["label"] == label).unwrap_or_else(|| panic!("no {label}")).clone()
}

async fn try_expiry(app: &App, number: i64, expiry: Value) -> crate::support::Answer {
    let mut body = flexfactor(number);
    body["settings"]["expiry_days"] = expiry;
    app.post("/v1/gateways", body).await
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r1_the_catalogue_has_flexfactor(#[case] on: On) {
    assert!(!form(&App::real(on).await).await.is_empty());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r2_activating_it_makes_a_gateway_with_an_id_of_its_own(#[case] on: On) {
    let app = App::real(on).await;
    let answer = app.post("/v1/gateways", flexfactor(17)).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let made = answer.expect(201);
    assert!(made["id"].as_str().unwrap().starts_with("gtw_"), "{made}");
    assert_eq!(app.get(&location).await.expect(200), made);
    assert_eq!(app.get("/v1/gateways").await.expect(200)["items"], json!([made]));
}

/// The form asks for the field, requires it, and keeps it secret when it is a credential.
async fn is_asked(on: On, label: &str, is_secret: bool) {
    let asked = field(&form(&App::real(on).await).await, label);
    assert_eq!(asked["required"], true);
    assert_eq!(asked["type"], if is_secret { "secret" } else { "text" });
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r3_the_form_asks_for_app_key(#[case] on: On) {
    is_asked(on, "AppKey", true).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r4_the_form_asks_for_app_secret(#[case] on: On) {
    is_asked(on, "AppSecret", true).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r5_the_form_asks_for_mid(#[case] on: On) {
    is_asked(on, "MID", false).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r6_the_form_asks_for_site_id(#[case] on: On) {
    is_asked(on, "SiteId", false).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r7_the_form_asks_for_environment_key(#[case] on: On) {
    is_asked(on, "EnvironmentKey", true).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r8_the_form_says_that_environment_key_is_the_tokenization_key(#[case] on: On) {
    let help = field(&form(&App::real(on).await).await, "EnvironmentKey")["help"].to_string();
    assert!(help.contains("Tokenization Key") && help.contains("nothing else"), "{help}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r9_the_form_asks_for_hmac_signing_key(#[case] on: On) {
    is_asked(on, "HMACSigningKey", true).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r10_activation_without_any_of_the_six_names_what_is_missing_and_saves_nothing(#[case] on: On) {
    let app = App::real(on).await;
    let six = ["app_key", "app_secret", "mid", "site_id", "environment_key", "hmac_signing_key"];
    for name in six {
        let mut body = flexfactor(17);
        body["settings"].as_object_mut().unwrap().remove(name);
        assert_eq!(app.post("/v1/gateways", body.clone()).await.wrong(), [format!("settings.{name}")]);
        body["settings"][name] = json!(" ");
        assert_eq!(app.post("/v1/gateways", body).await.wrong(), [format!("settings.{name}")]);
    }
    let empty = json!({"kind": "flexfactor", "title": "FlexFactor"});
    let wrong = app.post("/v1/gateways", empty).await.wrong();
    assert!(six.iter().all(|name| wrong.contains(&format!("settings.{name}"))), "all at once: {wrong:?}");
    assert_eq!(app.get("/v1/gateways").await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r11_expiry_days_is_optional(#[case] on: On) {
    let app = App::real(on).await;
    assert_eq!(field(&form(&app).await, "expiryDays")["required"], false);
    app.make("/v1/gateways", flexfactor(17)).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r12_empty_expiry_days_means_21(#[case] on: On) {
    let app = App::real(on).await;
    assert_eq!(field(&form(&app).await, "expiryDays")["default"], 21);
    let made = app.post("/v1/gateways", flexfactor(17)).await.expect(201);
    assert_eq!(made["settings"]["expiry_days"], 21);
    let made = try_expiry(&app, 18, json!("")).await.expect(201);
    assert_eq!(made["settings"]["expiry_days"], 21);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r13_expiry_days_of_21_is_taken_and_22_is_refused(#[case] on: On) {
    let app = App::real(on).await;
    assert_eq!(try_expiry(&app, 17, json!(21)).await.expect(201)["settings"]["expiry_days"], 21);
    for more in [json!(22), json!(1000), json!("22")] {
        assert_eq!(try_expiry(&app, 18, more).await.wrong(), ["settings.expiry_days"]);
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r14_expiry_days_is_a_whole_number_from_1(#[case] on: On) {
    let app = App::real(on).await;
    for wrong in [json!(0), json!(-1), json!(1.5), json!("1.5"), json!("ten"), json!(true)] {
        assert_eq!(try_expiry(&app, 17, wrong.clone()).await.wrong(), ["settings.expiry_days"], "{wrong}");
    }
    assert_eq!(try_expiry(&app, 17, json!(1)).await.expect(201)["settings"]["expiry_days"], 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r15_the_form_says_what_expiry_days_counts(#[case] on: On) {
    let help = field(&form(&App::real(on).await).await, "expiryDays")["help"].to_string();
    assert!(help.contains("How many days FlexFactor may keep trying one submitted sale"), "{help}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r19_cascade_all_is_off_at_first_and_can_be_switched(#[case] on: On) {
    let app = App::real(on).await;
    let made = app.post("/v1/gateways", flexfactor(17)).await.expect(201);
    assert_eq!(made["cascade_all"], false);
    let path = format!("/v1/gateways/{}", made["id"].as_str().unwrap());
    app.patch(&path, json!({"cascade_all": true})).await.expect(200);
    assert_eq!(app.get(&path).await.expect(200)["cascade_all"], true);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r20_include_chargebacks_is_off_at_first_and_can_be_switched(#[case] on: On) {
    let app = App::real(on).await;
    let made = app.post("/v1/gateways", flexfactor(17)).await.expect(201);
    assert_eq!(made["settings"]["include_chargebacks"], false);
    let path = format!("/v1/gateways/{}", made["id"].as_str().unwrap());
    app.patch(&path, json!({"settings": {"include_chargebacks": true}})).await.expect(200);
    assert_eq!(app.get(&path).await.expect(200)["settings"]["include_chargebacks"], true);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r21_every_setting_can_be_edited_and_a_credential_left_out_stays(#[case] on: On) {
    let app = App::real(on).await;
    let id = app.make("/v1/gateways", flexfactor(17)).await;
    let path = format!("/v1/gateways/{id}");
    for (name, value) in flexfactor_settings().as_object().unwrap() {
        let fresh = match name.as_str() {
            "base_url" => json!("https://ff.example/v1/"),
            "hmac_signing_key" => json!("bmV3IHNpZ25pbmcga2V5"),
            _ => json!(format!("{value}-new")),
        };
        app.patch(&path, json!({"settings": {name: fresh}})).await.expect(200);
        let shown = app.get(&path).await.expect(200);
        let now = &shown["settings"][name];
        assert!(now.is_null() || *now == fresh, "{name}: {now}");
    }
    let edited = json!({"title": "Second", "enabled": false, "settings": {"expiry_days": 7}});
    let shown = app.patch(&path, edited).await.expect(200);
    assert_eq!((&shown["title"], &shown["enabled"]), (&json!("Second"), &json!(false)));
    assert_eq!(shown["settings"]["expiry_days"], 7);
    // Stored as edited: the hub opens the credentials with the new values.
    let merchant_id = app.merchant_id;
    let gateway_id = id.parse().unwrap();
    let sealed = app.hub.store().find_sealed_credentials(merchant_id, gateway_id).await.unwrap().unwrap();
    let opened = app.hub.vault().open_secrets(merchant_id, gateway_id.uuid(), &sealed).unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&opened["app_key"]), "\"key-SECRET-1\"-new");
    // The four credentials, and the signing key before the change (M32).
    assert_eq!(opened.len(), 5);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r22_credentials_never_come_back(#[case] on: On) {
    let app = App::real(on).await;
    let made = app.post("/v1/gateways", flexfactor(17)).await.expect(201);
    let path = format!("/v1/gateways/{}", made["id"].as_str().unwrap());
    let mut wrong = flexfactor(18);
    wrong["settings"]["expiry_days"] = json!(99);
    let mut unknown = flexfactor(18);
    unknown["settings"]["app_kee"] = json!("key-SECRET-1");
    let answers = [
        made,
        app.get(&path).await.expect(200),
        app.get("/v1/gateways").await.expect(200),
        app.put(&path, flexfactor(17)).await.expect(200),
        app.patch(&path, json!({"settings": {"app_key": "another-SECRET"}})).await.expect(200),
        app.post("/v1/gateways", wrong).await.expect(422),
        app.post("/v1/gateways", unknown).await.expect(422),
    ];
    for answer in answers {
        assert!(!answer.to_string().contains("SECRET"), "{answer}");
    }
    let shown = app.get(&path).await.expect(200);
    let set = json!({"app_key": true, "app_secret": true, "environment_key": true, "hmac_signing_key": true});
    assert_eq!(shown["credentials"], set);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r23_several_flexfactor_gateways_are_active_and_each_is_chosen_by_its_id(#[case] on: On) {
    let app = App::real(on).await;
    let first = app.make("/v1/gateways", flexfactor(17)).await;
    let mut other = flexfactor(18);
    other["settings"]["mid"] = json!("mid-2");
    let second = app.make("/v1/gateways", other).await;
    assert_ne!(first, second);
    for (id, mid) in [(&first, "mid-1"), (&second, "mid-2")] {
        let profile =
            json!({"title": "Salvage", "algorithm": "priority_queue", "members": [{"gateway": id}]});
        let made = app.post("/v1/cascade-profiles", profile).await.expect(201);
        assert_eq!(made["members"][0]["gateway"], json!(id));
        let shown = app.get(&format!("/v1/gateways/{id}")).await.expect(200);
        assert_eq!((&shown["enabled"], &shown["settings"]["mid"]), (&json!(true), &json!(mid)));
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m32_a_replaced_signing_key_is_kept_beside_the_new_one_and_shown_nowhere(#[case] on: On) {
    let app = App::real(on).await;
    let made = app.post("/v1/gateways", flexfactor(17)).await.expect(201);
    let path = format!("/v1/gateways/{}", made["id"].as_str().unwrap());
    let patched =
        app.patch(&path, json!({"settings": {"hmac_signing_key": "signing/SECRET+5"}})).await.expect(200);
    // The form again, without the credentials that it never shows: the moment of the change stays.
    let put = app.patch(&path, json!({"title": "Again"})).await.expect(200);
    let gateway_id = made["id"].as_str().unwrap().parse().unwrap();
    let configuration = app.hub.reload(app.merchant_id).await.unwrap();
    let plain = &configuration.gateway(gateway_id).unwrap().settings;
    assert!(plain["hmac_key_changed_at"].parse::<jiff::Timestamp>().is_ok());
    let sealed = app.hub.store().find_sealed_credentials(app.merchant_id, gateway_id).await.unwrap().unwrap();
    let opened = app.hub.vault().open_secrets(app.merchant_id, gateway_id.uuid(), &sealed).unwrap();
    let key = |name: &str| secrecy::ExposeSecret::expose_secret(&opened[name]).to_owned();
    assert_eq!(
        (key("hmac_signing_key"), key("hmac_signing_key_previous")),
        ("signing/SECRET+5".to_owned(), "signing/SECRET+4".to_owned())
    );
    for shown in [patched, put, app.get(&path).await.expect(200), app.get("/v1/gateways").await.expect(200)] {
        let text = shown.to_string();
        assert!(
            !text.contains("previous") && !text.contains("changed_at") && !text.contains("SECRET"),
            "{text}"
        );
    }
}
