//! A signing key that can be none is refused when it is saved, by every way of saving it.

use api::apply::{ApplyError, apply, parse, plan};
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, flexfactor};

const NO_KEYS: [&str; 4] = ["not base64!", "signing-SECRET-9", "c2lnbmluZyBrZXk", "===="];

fn with_key(key: &str) -> Value {
    let mut body = flexfactor(17);
    body["settings"]["hmac_signing_key"] = json!(key);
    body
}

/// The refusal names the field and says what to do, and does not show what was typed.
#[track_caller]
fn is_told(text: &str, key: &str) {
    assert!(text.contains("hmac_signing_key") && text.contains("HMACSigningKey is not base64"), "{text}");
    assert!(text.contains("Copy the webhook subscriber key") && !text.contains(key), "{text}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r9_a_signing_key_that_is_no_base64_is_refused_and_named(#[case] on: On) {
    let app = App::real(on).await;
    for key in NO_KEYS {
        let refused = app.post("/v1/gateways", with_key(key)).await.expect(422);
        is_told(&refused.to_string(), key);
    }
    assert_eq!(app.get("/v1/gateways").await.expect(200)["items"], json!([]), "nothing is saved");
    let made = app.post("/v1/gateways", with_key(" c2lnbmluZyBrZXk= ")).await.expect(201);
    let path = format!("/v1/gateways/{}", made["id"].as_str().unwrap());
    for key in NO_KEYS {
        let change = json!({"settings": {"hmac_signing_key": key}});
        is_told(&app.patch(&path, change).await.expect(422).to_string(), key);
    }
    assert_eq!(app.get(&path).await.expect(200), made);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r9_a_file_with_a_signing_key_that_is_no_base64_is_refused_and_named(#[case] on: On) {
    let app = App::real(on).await;
    for key in NO_KEYS {
        let file = format!(
            "[[gateways]]\nnumber = 17\nkind = \"flexfactor\"\ntitle = \"FlexFactor\"\n[gateways.settings]\n\
             app_key = \"key\"\napp_secret = \"secret\"\nmid = \"mid-1\"\nsite_id = \"site-1\"\n\
             environment_key = \"tokenization\"\nhmac_signing_key = \"{key}\"\n\
             base_url = \"https://api-sandbox.flexfactor.io/v1/\"\n"
        );
        let document = parse(&file).unwrap();
        let planned = plan(&app.hub, app.merchant_id, &document).await.map(|_| ());
        let applied = apply(&app.hub, app.merchant_id, &document, "tests", "").await.map(|_| ());
        for refused in [planned, applied] {
            let Err(ApplyError::Problems(problems)) = refused else { panic!("{refused:?}") };
            assert_eq!(problems.len(), 1, "{problems:?}");
            is_told(&format!("{:?}", problems[0].message), key);
        }
    }
    assert!(app.hub.reload(app.merchant_id).await.unwrap().gateways.is_empty());
}
