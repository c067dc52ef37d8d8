//! The merchant's own fields of an import: kept as they came, and given back.

use domain::card::mask_card_numbers;

use super::reader::Reader;

/// Most characters of one of these fields.
const CHARS_MAX: usize = 255;
/// Most characters of an address of a page.
const URL_CHARS_MAX: usize = 2_000;

/// Names of the parameters kept.
pub(crate) const NAMES: [&str; 16] = [
    "affId",
    "sourceValue1",
    "sourceValue2",
    "sourceValue3",
    "sourceValue4",
    "sourceValue5",
    "custom1",
    "custom2",
    "custom3",
    "custom4",
    "custom5",
    "couponCode",
    "shipProfileId",
    "clientOrderId",
    "sessionId",
    "salesUrl",
];

/// Reads the fields that were sent. Digits that look like a card number are masked (M33).
pub(crate) fn read(reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for name in NAMES {
        let text = reader.text(name, if name == "salesUrl" { URL_CHARS_MAX } else { CHARS_MAX });
        if !text.is_empty() {
            fields.push((name.to_owned(), mask_card_numbers(&text)));
        }
    }
    fields
}
