//! Request bodies: JSON whose names are matched without regard to case and underscores.
//!
//! Clients write `AppKey` and `appKey`, `payment_method` and `paymentMethod`, numbers as numbers or as texts.

use domain::card::mask_card_numbers;
use serde_json::{Map, Value};

/// A body's members under names in lower case without underscores.
pub(crate) struct Body(Value);

impl Body {
    /// Reads a JSON object; `None` for anything else.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        value.is_object().then(|| Self(plain(value)))
    }

    /// Reads a JSON object, or nothing at all.
    pub(crate) fn parse_or_blank(bytes: &[u8]) -> Option<Self> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Some(Self(Value::Object(Map::new())));
        }
        Self::parse(bytes)
    }

    /// The member at a path such as `transaction.amount`; `None` when it is missing or null.
    fn find(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.0, |value, name| value.get(name)).filter(|value| !value.is_null())
    }

    /// Whether the member is there and not null.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// A text, or a number or truth value as text; trimmed. Empty when missing, null or of another type.
    pub(crate) fn text(&self, path: &str) -> String {
        match self.find(path) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(bit)) => bit.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => String::new(),
        }
    }

    /// A truth value, also as text or number.
    pub(crate) fn flag(&self, path: &str) -> Option<bool> {
        match self.text(path).to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// A whole number, also as text.
    pub(crate) fn integer(&self, path: &str) -> Option<i64> {
        self.text(path).parse().ok()
    }
}

/// A text as it may be stored: card numbers masked (M33), control characters left out.
pub(crate) fn storable(text: &str) -> String {
    let printable: String = text.chars().filter(|letter| !letter.is_control()).collect();
    mask_card_numbers(&printable)
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (plain_name(&name), plain(value)));
            Value::Object(members.collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(plain).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

fn plain_name(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m33_card_numbers_and_control_characters_are_not_stored() {
        assert_eq!(storable("Ann\u{0} 4111 1111 1111 1111"), "Ann **** **** **** 1111");
    }

    #[test]
    fn names_match_in_any_case_and_values_in_any_form() {
        let body = Body::parse(
            br#"{"Payment_Method": {"creditCard": {"MONTH": 9, "year": "2030", "Token": "True"}}, "x": null}"#,
        )
        .unwrap();
        assert_eq!(body.text("paymentmethod.creditcard.month"), "9");
        assert_eq!(body.integer("paymentmethod.creditcard.year"), Some(2030));
        assert_eq!(body.flag("paymentmethod.creditcard.token"), Some(true));
        assert!(!body.has("x") && !body.has("y") && body.text("x").is_empty());
        assert!(Body::parse(b"[]").is_none() && Body::parse(b"").is_none());
        assert!(Body::parse_or_blank(b" \n").is_some());
    }
}
