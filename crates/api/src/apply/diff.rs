//! What differs between two shown resources, field by field. Credentials are not shown, so none can appear here.

use serde_json::Value;

/// Longest text of a value in a line of a plan, characters.
const VALUE_CHARS_MAX: usize = 80;

/// Lines such as `title: "a" → "b"`.
pub(crate) fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", before, after, &mut lines);
    lines
}

fn compare(path: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let (old, new) = (old.get(name), new.get(name));
                compare(&path, old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), lines);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{at}]"), old, new, lines);
            }
        }
        (old, new) if old == new => {}
        (old, new) => lines.push(format!("{path}: {} → {}", words(old), words(new))),
    }
}

fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::Array(list) => format!("{} entries", list.len()),
        other => other.to_string(),
    };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => text.get(..end).map(|head| format!("{head}…")).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_that_differs_has_a_line() {
        let before = json!({"title": "a", "members": [{"weight": 1}], "same": 1, "gone": true});
        let after = json!({"title": "b", "members": [{"weight": 2}], "same": 1, "new": [1, 2]});
        let lines = differences(&before, &after);
        assert_eq!(
            lines,
            [
                "gone: true → none",
                "members[0].weight: 1 → 2",
                "new: none → 2 entries",
                "title: \"a\" → \"b\""
            ]
        );
        assert!(differences(&before, &before).is_empty());
    }
}
