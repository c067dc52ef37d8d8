//! Reading FlexFactor's JSON: names in any case, numbers as text, errors in three shapes.
//!
//! Source: documented and observed bodies, <https://docs.flexfactor.io/docs/errors> and the fixtures of
//! <https://github.com/activemerchant/active_merchant> (`flex_charge_test.rb`), read 2026-11-21.

use serde_json::Value;

/// The member of an object with this name in any case.
pub(crate) fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, found)| found)
}

/// The member as text: a string, a number or a boolean; empty for anything else.
pub(crate) fn text(value: &Value, name: &str) -> String {
    get(value, name).map(scalar).unwrap_or_default()
}

/// The first of these members that is not empty.
pub(crate) fn first_text(value: &Value, names: &[&str]) -> String {
    names.iter().map(|name| text(value, name)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// Members of an error body that are no messages.
const NO_MESSAGES: [&str; 5] = ["traceid", "status", "title", "type", "statuscode"];

/// The messages of an error body, as one sentence each: a list, a map under `errors`, or a flat map (all three are seen).
pub(crate) fn messages(body: &Value) -> Vec<String> {
    let nested = get(body, "errors").filter(|errors| errors.is_object() || errors.is_array());
    let mut found = Vec::new();
    collect(nested.unwrap_or(body), &mut found);
    if found.is_empty() {
        found.extend(
            Some(first_text(body, &["title", "responseMessage", "message"])).filter(|one| !one.is_empty()),
        );
    }
    found
}

fn collect(source: &Value, found: &mut Vec<String>) {
    match source {
        Value::Array(items) => found.extend(items.iter().filter_map(message)),
        Value::Object(members) => {
            for (field, value) in members {
                let known = NO_MESSAGES.iter().any(|name| field.eq_ignore_ascii_case(name));
                let Value::Array(items) = value else { continue };
                if !known {
                    found.extend(items.iter().filter_map(message).map(|text| format!("{field}: {text}")));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A message is a text, or an object whose `item1` is the text.
fn message(item: &Value) -> Option<String> {
    let words = if item.is_object() { text(item, "item1") } else { scalar(item) };
    Some(words).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_are_read_in_all_three_shapes() {
        let documented = json!({"status": 400, "title": "One or more", "traceId": "00-1-1-01", "errors": {"OrderId": ["is required"]}});
        let flat = json!({"TraceId": ["00-1-1-01"], "OrderId": ["is required"]});
        let fixture = json!({"status": "400", "errors": {"OrderId": ["is required"], "TraceId": ["00-1"]}});
        for body in [documented, flat, fixture] {
            assert_eq!(messages(&body), ["OrderId: is required"], "{body}");
        }
    }

    #[test]
    fn lists_of_texts_and_of_tuples_and_bare_titles_are_read() {
        assert_eq!(messages(&json!({"errors": ["a", "b"]})), ["a", "b"]);
        assert_eq!(messages(&json!({"errors": [{"item1": "too much", "item2": "2001"}]})), ["too much"]);
        assert_eq!(messages(&json!({"title": "Bad Request", "errors": []})), ["Bad Request"]);
        assert_eq!(messages(&json!({})), Vec::<String>::new());
    }

    #[test]
    fn names_match_in_any_case() {
        let body = json!({"OrderSessionKey": "k", "Amount": 5, "x": null});
        assert_eq!(text(&body, "orderSessionKey"), "k");
        assert_eq!(text(&body, "amount"), "5");
        assert_eq!(first_text(&body, &["x", "none", "amount"]), "5");
    }
}
