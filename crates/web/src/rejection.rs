//! Turns serde's complaints into field errors. Serde quotes the value it could not take, and that value may be a card
//! number, so only the expectation is kept.

use std::error::Error;

use domain::card::mask_card_numbers;

use crate::problem::FieldError;

/// The longest text of foreign origin that goes into a message, characters.
const TEXT_CHARS_MAX: usize = 200;

/// The innermost cause in words: for axum's rejections this is `path: message`, or the message alone.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Splits `path: message` and says what is wrong with that field, without the value that was sent.
pub(crate) fn field_error(text: &str) -> FieldError {
    let (path, message) = match text.split_once(": ") {
        // A path holds no blank, and serde's messages that hold a colon begin with two words.
        Some((path, message)) if !path.contains(' ') => (path, message),
        Some(_) | None => ("", text),
    };
    let path = path.strip_suffix('?').map_or(path, |path| path.trim_end_matches('.'));
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let (name, message) = expectation(message);
    FieldError::from((shown(&joined(path, name)), shown(&message)))
}

/// The name of a field inside the message, if the message names one, and the message without what was sent.
fn expectation(message: &str) -> (&str, String) {
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| format!("expected {expected}"));
    for (prefix, complaint) in [
        ("missing field `", "is missing"),
        ("duplicate field `", "is given twice"),
        ("unknown field `", "is not a known field"),
    ] {
        if let Some((name, _)) = message.strip_prefix(prefix).and_then(|rest| rest.split_once('`')) {
            let hint = expected.map(|expected| format!("; {expected}")).unwrap_or_default();
            return (name, format!("{complaint}{hint}"));
        }
    }
    let quotes = ["invalid type: ", "invalid value: ", "unknown variant `"];
    if quotes.iter().any(|prefix| message.starts_with(prefix)) {
        return ("", expected.unwrap_or_else(|| "cannot be taken".to_owned()));
    }
    ("", message.to_owned())
}

fn joined(path: &str, name: &str) -> String {
    // Serde may report the offending key as the path's last part already.
    let ends_with_name = path.rsplit('.').next() == Some(name);
    match (path.is_empty(), name.is_empty() || ends_with_name) {
        (true, _) => name.to_owned(),
        (false, true) => path.to_owned(),
        (false, false) => format!("{path}.{name}"),
    }
}

/// A text of the caller's, shortened, with anything like a card number masked.
pub(crate) fn shown(text: &str) -> String {
    let masked = mask_card_numbers(text);
    match masked.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => masked.get(..end).map(|head| format!("{head}…")).unwrap_or_default(),
        None => masked,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "card.number: invalid type: string \"4111\", expected u64 at line 1 column 9",
        "card.number",
        "expected u64"
    )]
    #[case("invalid type: string \"a: b, expected c\", expected struct Order", "", "expected struct Order")]
    #[case("card: missing field `number` at line 1 column 9", "card.number", "is missing")]
    #[case("missing field `number`", "number", "is missing")]
    #[case(
        "card.cvc: unknown field `cvc`, expected `cvv` at line 1 column 4",
        "card.cvc",
        "is not a known field; expected `cvv`"
    )]
    #[case("?: unknown field `cvc`, expected `cvv`", "cvc", "is not a known field; expected `cvv`")]
    #[case("brand: unknown variant `4111`, expected `visa` or `amex`", "brand", "expected `visa` or `amex`")]
    #[case("limit: unknown variant `4111`, there are no variants", "limit", "cannot be taken")]
    #[case("limit: invalid digit found in string", "limit", "invalid digit found in string")]
    fn a_complaint_names_the_field_and_not_the_value(
        #[case] text: &str,
        #[case] field: &str,
        #[case] message: &str,
    ) {
        assert_eq!(field_error(text), FieldError::from((field, message)));
    }

    #[test]
    fn m33_what_serde_quotes_of_us_is_masked_and_short() {
        let wrong = field_error(&format!("note: cannot hold 4111111111111111 {}", "x".repeat(5000)));
        assert!(!wrong.message.contains("4111111111111111"), "{}", wrong.message);
        assert!(wrong.message.chars().count() <= TEXT_CHARS_MAX + 1);
    }
}
