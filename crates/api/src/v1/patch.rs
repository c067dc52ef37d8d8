//! Merge patches (RFC 7396).

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use web::{Json, Problem};

/// What a patch makes of a resource, read and refused like any other body.
pub(crate) async fn patched<R: Serialize + DeserializeOwned>(
    current: &R,
    patch: Value,
) -> Result<R, Problem> {
    if !patch.is_object() {
        return Err(Problem::invalid([("", "is an object with the fields to change")]));
    }
    let mut whole = serde_json::to_value(current).map_err(Problem::internal)?;
    merge(&mut whole, patch);
    let request = Request::post("/")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(whole.to_string()))
        .map_err(Problem::internal)?;
    let Json(body) = Json::from_request(request, &()).await?;
    Ok(body)
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (name, change) in changes {
                if change.is_null() {
                    fields.remove(&name);
                } else {
                    merge(fields.entry(name).or_insert(Value::Null), change);
                }
            }
        }
        (into, Value::Object(changes)) => {
            *into = Value::Object(serde_json::Map::new());
            merge(into, Value::Object(changes));
        }
        (into, patch) => *into = patch,
    }
}
