//! The text of a key ring, in a file or in the environment.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use crate::KeyRingError;
use crate::key_ring::{KEY_BYTES, Kek, Key, KeyRing};

/// The version of the text format.
const VERSION: u64 = 1;

/// Bytes of text per key, at most: used to write a ring without moving it in memory.
const ENTRY_BYTES_MAX: usize = 256;

/// Longest `created` text in bytes.
const CREATED_BYTES_MAX: usize = 40;

impl KeyRing {
    /// Reads a ring from its text, as it stands in the key file or in an environment variable.
    ///
    /// JSON, version 1. `key` and `fingerprint_key` are 32 random bytes each in standard base64 with padding; `id` is a
    /// whole number from 1, each once, the highest one seals; `created` is RFC 3339. Unknown fields are refused.
    ///
    /// ```json
    /// {
    ///   "version": 1,
    ///   "fingerprint_key": "…44 characters of base64…",
    ///   "keys": [
    ///     {"id": 1, "created": "2030-01-02T03:04:05Z", "key": "…44 characters of base64…"}
    ///   ]
    /// }
    /// ```
    ///
    /// Errors name the place, never what stands there.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| {
            malformed(format!("no JSON at line {}, column {}", error.line(), error.column()))
        })?;
        let ring = ring_of(&value);
        wipe(&mut value);
        ring
    }

    /// The text that [`KeyRing::parse`] reads. It holds every key: for the key file only.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let entries = self.older.len().saturating_add(2);
        let mut text = Zeroizing::new(String::with_capacity(entries.saturating_mul(ENTRY_BYTES_MAX)));
        text.push_str("{\n  \"version\": 1,\n  \"fingerprint_key\": \"");
        STANDARD.encode_string(self.fingerprint_key.as_slice(), &mut text);
        text.push_str("\",\n  \"keys\": [");
        for (place, kek) in self.keks().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let (id, created) = (kek.id, &kek.created);
            write!(text, "{comma}\n    {{\"id\": {id}, \"created\": \"{created}\", \"key\": \"")
                .expect("a String takes any text");
            STANDARD.encode_string(kek.key.as_slice(), &mut text);
            text.push_str("\"}");
        }
        text.push_str("\n  ]\n}\n");
        text
    }
}

fn malformed(what: impl Into<String>) -> KeyRingError {
    KeyRingError::Malformed { what: what.into() }
}

fn ring_of(value: &Value) -> Result<KeyRing, KeyRingError> {
    let fields = object(value, &["version", "fingerprint_key", "keys"], "the ring")?;
    if fields.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return Err(malformed("\"version\" is not 1"));
    }
    let fingerprint_key = key(fields, "fingerprint_key", "the fingerprint key")?;
    let entries = fields.get("keys").and_then(Value::as_array).ok_or(malformed("\"keys\" is not a list"))?;
    let mut older = entries.iter().map(kek).collect::<Result<Vec<Kek>, _>>()?;
    older.sort_by_key(|kek| kek.id);
    if older.windows(2).any(|pair| matches!(pair, [one, other] if one.id == other.id)) {
        return Err(malformed("two keys have the same \"id\""));
    }
    let newest = older.pop().ok_or(malformed("\"keys\" is empty"))?;
    Ok(KeyRing { fingerprint_key, newest, older })
}

fn kek(value: &Value) -> Result<Kek, KeyRingError> {
    let fields = object(value, &["id", "created", "key"], "an entry of \"keys\"")?;
    let id = fields.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let id = id.filter(|id| *id > 0).ok_or(malformed("an \"id\" is not a whole number from 1"))?;
    let created = fields.get("created").and_then(Value::as_str).filter(|created| looks_like_a_time(created));
    let created =
        created.ok_or_else(|| malformed(format!("\"created\" of key {id} is not a time")))?.to_owned();
    Ok(Kek { id, created, key: key(fields, "key", &format!("key {id}"))? })
}

/// Digits and the letters of RFC 3339 only: the text is printed and written back as it is.
fn looks_like_a_time(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b'+' | b'T' | b'Z');
    (1..=CREATED_BYTES_MAX).contains(&text.len()) && text.bytes().all(letter)
}

fn object<'a>(value: &'a Value, known: &[&str], name: &str) -> Result<&'a Map<String, Value>, KeyRingError> {
    let fields = value.as_object().ok_or_else(|| malformed(format!("{name} is not an object")))?;
    // The unknown name is not told: a key pasted into the wrong place would be printed.
    if fields.keys().any(|field| !known.contains(&field.as_str())) {
        return Err(malformed(format!("{name} has a field other than {}", known.join(", "))));
    }
    Ok(fields)
}

fn key(fields: &Map<String, Value>, field: &str, name: &str) -> Result<Key, KeyRingError> {
    let text = fields.get(field).and_then(Value::as_str);
    let text = text.ok_or_else(|| malformed(format!("{name} is not a text")))?;
    let decoded = STANDARD.decode(text).map_err(|_| malformed(format!("{name} is not base64")))?;
    let decoded = Zeroizing::new(decoded);
    let bytes: &[u8; KEY_BYTES] = decoded
        .as_slice()
        .try_into()
        .map_err(|_| KeyRingError::KeyLength { name: name.to_owned(), bytes: decoded.len() })?;
    Ok(Zeroizing::new(*bytes))
}

/// Wipes every text of a JSON value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;
    use domain::ManualClock;
    use rstest::rstest;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn text(keys: &str) -> String {
        format!("{{\"version\": 1, \"fingerprint_key\": \"{KEY}\", \"keys\": [{keys}]}}")
    }

    fn entry(id: &str, key: &str) -> String {
        format!("{{\"id\": {id}, \"created\": \"2030-01-02T03:04:05Z\", \"key\": \"{key}\"}}")
    }

    #[test]
    fn a_written_ring_reads_back() {
        let clock = ManualClock::new("2030-01-02T03:04:05.678Z".parse().unwrap());
        let mut ring = KeyRing::generate(&clock, &SystemEntropy);
        for _ in 0..3 {
            ring.rotate(&clock, &SystemEntropy).unwrap();
        }
        ring.retire(2).unwrap();
        let written = ring.to_text();
        let read = KeyRing::parse(&written).unwrap();
        assert_eq!(read.to_text(), written);
        assert_eq!(read.list(), ring.list());
        assert!(written.len() <= 5 * ENTRY_BYTES_MAX, "written without moving");
    }

    #[test]
    fn the_highest_id_seals_whatever_the_order() {
        let ring = KeyRing::parse(&text(&format!("{},{}", entry("7", KEY), entry("3", KEY)))).unwrap();
        assert_eq!(ring.newest_id(), 7);
    }

    #[rstest]
    #[case::no_json("{", "no JSON at line 1, column 1")]
    #[case::a_list("[]", "the ring is not an object")]
    #[case::version("{\"version\": 2}", "\"version\" is not 1")]
    #[case::no_keys(&text(""), "\"keys\" is empty")]
    #[case::twice(&text(&format!("{0},{0}", entry("1", KEY))), "two keys have the same \"id\"")]
    #[case::zero(&text(&entry("0", KEY)), "an \"id\" is not a whole number from 1")]
    #[case::large(&text(&entry("4294967296", KEY)), "an \"id\" is not a whole number from 1")]
    #[case::no_base64(&text(&entry("1", "hush!")), "key 1 is not base64")]
    #[case::unknown(&text("{\"id\": 1, \"hush\": 2}"), "an entry of \"keys\" has a field other than id, created, key")]
    #[case::time(&text("{\"id\": 1, \"created\": \"hush\\\"\"}"), "\"created\" of key 1 is not a time")]
    fn a_malformed_ring_is_refused_without_quoting_it(#[case] text: &str, #[case] what: &str) {
        let error = KeyRing::parse(text).unwrap_err();
        assert_eq!(error.to_string(), format!("not a key ring: {what}"));
        assert!(!format!("{error:?}").contains("hush"));
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused_by_name() {
        let error = KeyRing::parse(&text(&entry("4", "AAEC"))).unwrap_err();
        assert_eq!(error.to_string(), "key 4 has 3 bytes, it needs 32: give 32 random bytes in base64");
    }

    #[test]
    fn wiping_leaves_no_text() {
        let mut value: Value = serde_json::from_str(&text(&entry("1", KEY))).unwrap();
        wipe(&mut value);
        assert!(!value.to_string().contains("AAEC"));
    }
}
