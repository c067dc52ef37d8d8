//! The OpenAPI 3.1 document of the native API: generated from the routes, served without a key, committed in `docs/`.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use hub::Hub;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    account, attempts, campaigns, cascade_profiles, chargebacks, decline_maps, external_refunds,
    gateway_profiles, gateways, late_approvals, orders, providers, recycle_profiles, reruns, subscriptions,
};
use crate::apply::Document;

/// What the routes do not say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Recoup",
        description = "Recovers declined card payments. All errors are problem documents (RFC 9457) with a stable \
            `code`; fields that are wrong are listed in `errors`, all at once. Unknown fields are refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Document))
)]
struct Frame;

/// The document as text: pretty JSON that ends in a new line.
pub fn openapi() -> String {
    let mut text = serde_json::to_string_pretty(&value()).unwrap_or_default();
    text.push('\n');
    text
}

/// The document.
pub(crate) fn value() -> Value {
    let mut described = Frame::openapi();
    described.merge(super::described().into_openapi());
    let mut document = serde_json::to_value(described).unwrap_or_default();
    if let Some(info) = document.get_mut("info") {
        set(info, "version", json!(env!("CARGO_PKG_VERSION")));
    }
    set(&mut document, "security", json!([{"key": []}]));
    if let Some(components) = document.get_mut("components") {
        set(
            components,
            "securitySchemes",
            json!({"key": {"type": "http", "scheme": "bearer", "description":
            "A key that begins with rk_ and has scopes: read, write, operate."}}),
        );
        if let Some(schemas) = components.get_mut("schemas") {
            set(schemas, "Problem", problem());
            hoist_read_only(schemas);
            add_examples(schemas);
        }
    }
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                complete(path, method, operation);
            }
        }
    }
    document
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// The one shape of our errors.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "An error: a problem document of RFC 9457.",
        "required": ["type", "title", "status", "code", "detail", "errors"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string", "description": "Stable: lower case and underscores."},
            "detail": {"type": "string", "description": "For people."},
            "errors": {
                "type": "array",
                "description": "What is wrong field by field.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {
                        "field": {"type": "string", "description": "The path, e.g. items[0].quantity."},
                        "message": {"type": "string"}
                    }
                }
            }
        },
        "examples": [{
            "type": "about:blank",
            "title": "Unprocessable Entity",
            "status": 422,
            "code": "invalid_fields",
            "detail": "Some fields are wrong; each is listed with what to do about it.",
            "errors": [{"field": "settings.app_key", "message": "AppKey is required."}]
        }]
    })
}

/// A list or map that only answers have is marked on its elements by the generator; the mark belongs to the property.
fn hoist_read_only(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(|all| all.values_mut()) {
            let mut found = false;
            for inner in ["items", "additionalProperties", "propertyNames"] {
                let fields = property.get_mut(inner).and_then(Value::as_object_mut);
                found |= fields.is_some_and(|fields| fields.remove("readOnly").is_some());
            }
            if found {
                set(property, "readOnly", json!(true));
            }
        }
    }
}

fn add_examples(schemas: &mut Value) {
    let samples = [
        ("Account", account::samples()),
        ("Gateway", gateways::samples()),
        ("Field", providers::samples()),
        ("GatewayProfile", gateway_profiles::samples()),
        ("CascadeProfile", cascade_profiles::samples()),
        ("RecycleProfile", recycle_profiles::samples()),
        ("DeclineMap", decline_maps::samples()),
        ("Campaign", campaigns::samples()),
        ("NewOrder", orders::samples()),
        ("RefundOrder", orders::refund_samples()),
        ("RerunOrder", orders::rerun_samples()),
        ("NewReruns", reruns::samples()),
        ("ResolveAttempt", attempts::resolve_samples()),
        ("ResolveLateApproval", late_approvals::samples()),
        ("MarkChargeback", chargebacks::samples()),
        ("ExternalRefund", external_refunds::samples()),
        ("Document", crate::apply::samples()),
    ];
    for (name, examples) in samples.into_iter().chain(subscriptions::samples()) {
        if let Some(schema) = schemas.get_mut(name) {
            set(schema, "examples", Value::Array(examples));
        }
    }
}

/// Adds what follows from the method and path: a unique name, the errors, and that the document itself needs no key.
fn complete(path: &str, method: &str, operation: &mut Value) {
    set(operation, "operationId", json!(operation_id(path, method)));
    if path == "/v1/openapi.json" {
        set(operation, "security", json!([]));
        return;
    }
    let has_body = operation.get("requestBody").is_some();
    let is_change = method != "get";
    let takes_query = operation.get("parameters").and_then(Value::as_array).is_some_and(|parameters| {
        parameters.iter().any(|parameter| parameter.get("in") == Some(&json!("query")))
    });
    let errors = [
        (true, "401", "`unauthorized`: no key, an unknown one, or one that was revoked."),
        (
            true,
            "403",
            "`forbidden`: the key lacks the scope, or calls from an address that it does not allow.",
        ),
        (has_body, "400", "`invalid_json`, `idempotency_key_missing`, …: the request cannot be understood."),
        (path.contains("{id}"), "404", "`not_found`."),
        (
            is_change,
            "409",
            "`in_use`, `wrong_state`, `changed_meanwhile`, `idempotency_key_in_use`: does not fit the state.",
        ),
        (has_body, "413", "`too_large`."),
        (has_body, "415", "`unsupported_media_type`."),
        (
            has_body || takes_query,
            "422",
            "`invalid_fields`, `idempotency_key_reused`: understood, but wrong.",
        ),
        (true, "500", "`internal`."),
        (true, "503", "`overloaded`: not begun; try again."),
    ];
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (_, status, words) in errors.into_iter().filter(|(applies, _, _)| *applies) {
        responses.entry(status).or_insert_with(|| error(words));
    }
}

fn error(words: &str) -> Value {
    let schema = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    let mut content = Map::new();
    content.insert(web::problem::CONTENT_TYPE.to_owned(), schema);
    json!({"description": words, "content": content})
}

/// `get /v1/orders/{id}` is `get_order`-like: the method, the path without `v1`, and `by_id` for a parameter.
fn operation_id(path: &str, method: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    let parts =
        parts.map(|part| if part == "{id}" { "by_id".to_owned() } else { part.replace(['-', '.'], "_") });
    std::iter::once(method.to_owned()).chain(parts).collect::<Vec<_>>().join("_")
}

/// This document. Needs no key.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "description",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi()).into_response()
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(serve))
}
