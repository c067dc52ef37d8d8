//! The JSON Schema of the file, cut from the components of the OpenAPI document: no second definition.

use serde_json::{Map, Value, json};

const COMPONENTS: &str = "#/components/schemas/";

/// The JSON Schema (draft 2020-12) of a configuration file: pretty JSON that ends in a new line.
pub fn json_schema() -> String {
    let mut text = serde_json::to_string_pretty(&cut()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema as a value.
pub(crate) fn cut() -> Value {
    let document = crate::v1::described_document();
    let empty = Map::new();
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).unwrap_or(&empty);
    let mut root = schemas.get("Document").cloned().unwrap_or_default();
    let mut definitions = Map::new();
    let mut wanted = Vec::new();
    tidy(&mut root, &mut wanted);
    while let Some(name) = wanted.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let mut schema = schemas.get(&name).cloned().unwrap_or_default();
        tidy(&mut schema, &mut wanted);
        definitions.insert(name, schema);
    }
    if let Some(fields) = root.as_object_mut() {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("title".to_owned(), json!("Recoup configuration"));
        fields.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

/// Points references at `$defs`, notes which are wanted, and drops what only answers have.
fn tidy(schema: &mut Value, wanted: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get_mut("$ref")
                && let Some(name) = to.strip_prefix(COMPONENTS).map(str::to_owned)
            {
                *to = format!("#/$defs/{name}");
                wanted.push(name);
            }
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                properties.retain(|_, property| property.get("readOnly") != Some(&json!(true)));
            }
            for child in fields.iter_mut().filter(|(name, _)| *name != "examples").map(|(_, child)| child) {
                tidy(child, wanted);
            }
        }
        Value::Array(children) => children.iter_mut().for_each(|child| tidy(child, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
