//! The description: OpenAPI 3.1 for everyone, generated from the routes.

use reqwest::Method;
use rstest::rstest;
use serde_json::Value;
use storage::testing::On;

use crate::support::{App, Call};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_description_is_served_without_a_key(#[case] on: On) {
    let app = App::new(on).await;
    let path = "/v1/openapi.json".to_owned();
    let answer = app.send(Call { method: Method::GET, path, body: None, headers: Vec::new() }).await;
    assert_eq!(answer.expect(200), serde_json::from_str::<Value>(&api::v1::openapi()).unwrap());
}

#[test]
fn the_description_is_of_version_3_1_and_ends_in_a_new_line() {
    let text = api::v1::openapi();
    assert!(text.ends_with("}\n"));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_operation_has_a_name_of_its_own_and_lists_its_errors() {
    let document: Value = serde_json::from_str(&api::v1::openapi()).unwrap();
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            if path != "/v1/openapi.json" {
                let unauthorized = &operation["responses"]["401"]["content"]["application/problem+json"];
                assert!(unauthorized.is_object(), "{method} {path}");
            }
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn every_reference_of_the_description_and_of_the_files_schema_leads_somewhere() {
    let document: Value = serde_json::from_str(&api::v1::openapi()).unwrap();
    check(&document, &document);
    let schema: Value = serde_json::from_str(&api::apply::json_schema()).unwrap();
    check(&schema, &schema);
    assert!(!schema.to_string().contains("readOnly"));
    assert!(schema["properties"]["gateways"].is_object());
    assert_eq!(schema["additionalProperties"], false);
}

fn check(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to}");
            }
            fields.values().for_each(|child| check(child, document));
        }
        Value::Array(children) => children.iter().for_each(|child| check(child, document)),
        _ => {}
    }
}
