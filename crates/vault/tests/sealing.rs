//! Sealed records open where they belong and nowhere else, before and after rotation.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::ManualClock;
use domain::card::CardNumber;
use domain::ids::{CardId, MerchantId};
use proptest::prelude::*;
use recoup_vault::{KeyRing, KeyRingError, Purpose, SystemEntropy, Vault, VaultError, kek_of};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

const RNG: &SystemEntropy = &SystemEntropy;

fn clock() -> ManualClock {
    ManualClock::new("2030-01-02T03:04:05Z".parse().unwrap())
}

fn merchant(number: u128) -> MerchantId {
    MerchantId::from_uuid(Uuid::from_u128(number))
}

/// A ring that holds keys 1 to `keys`.
fn ring(keys: u32) -> KeyRing {
    let mut ring = KeyRing::generate(&clock(), RNG);
    for _ in 1..keys {
        ring.rotate(&clock(), RNG).unwrap();
    }
    ring
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_record_reads_back(plain in proptest::collection::vec(any::<u8>(), 0..300), owner: u128, record: u128) {
        let vault = Vault::new(ring(1));
        let record = Uuid::from_u128(record);
        let sealed = vault.seal(RNG, Purpose::Record, merchant(owner), record, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + 93);
        prop_assert_eq!(&*vault.open(Purpose::Record, merchant(owner), record, &sealed).unwrap(), &plain);
    }

    #[test]
    fn no_flipped_bit_goes_unseen(plain in proptest::collection::vec(any::<u8>(), 0..40)) {
        // Several keys, so that a flipped key id names another key that exists.
        let vault = Vault::new(ring(3));
        let record = Uuid::from_u128(9);
        let sealed = vault.seal(RNG, Purpose::Record, merchant(1), record, &plain);
        for place in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[place] ^= 1 << bit;
                prop_assert!(vault.open(Purpose::Record, merchant(1), record, &changed).is_err(), "{}", place);
            }
        }
    }

    #[test]
    fn nothing_cut_or_lengthened_opens(plain in proptest::collection::vec(any::<u8>(), 0..40)) {
        let vault = Vault::new(ring(1));
        let record = Uuid::from_u128(9);
        let mut sealed = vault.seal(RNG, Purpose::Record, merchant(1), record, &plain);
        for length in 0..sealed.len() {
            prop_assert!(vault.open(Purpose::Record, merchant(1), record, &sealed[..length]).is_err());
            prop_assert!(vault.open(Purpose::Record, merchant(1), record, &sealed[length..]).is_err() || length == 0);
        }
        sealed.push(0);
        prop_assert_eq!(vault.open(Purpose::Record, merchant(1), record, &sealed).unwrap_err(), VaultError::Unopened(1));
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let vault = Vault::new(ring(1));
        prop_assert!(vault.open(Purpose::Record, merchant(1), Uuid::nil(), &bytes).is_err());
        prop_assert!(vault.rewrap(RNG, Purpose::Record, merchant(1), Uuid::nil(), &bytes).map_or(true, |o| o.is_none()));
    }
}

#[test]
fn another_merchant_record_or_purpose_does_not_open_it() {
    let vault = Vault::new(ring(2));
    let (owner, record) = (merchant(1), Uuid::from_u128(2));
    let sealed = vault.seal(RNG, Purpose::Card, owner, record, b"4111111111111111");
    assert!(vault.open(Purpose::Card, owner, record, &sealed).is_ok());
    let refused = Some(VaultError::Unopened(2));
    assert_eq!(vault.open(Purpose::Card, merchant(3), record, &sealed).err(), refused);
    assert_eq!(vault.open(Purpose::Card, owner, Uuid::from_u128(3), &sealed).err(), refused);
    assert_eq!(vault.open(Purpose::Record, owner, record, &sealed).err(), refused);
    assert_eq!(vault.open_secrets(owner, record, &sealed).err(), refused);
    // The two ids changing places is another place too.
    assert_eq!(vault.open(Purpose::Card, merchant(2), Uuid::from_u128(1), &sealed).err(), refused);
    // Nor may a rewrap launder a record into another place.
    let mut newer = ring(1);
    newer.rotate(&clock(), RNG).unwrap();
    let old = Vault::new(newer.clone()).seal(RNG, Purpose::Card, owner, record, b"x");
    newer.rotate(&clock(), RNG).unwrap();
    let moved = Vault::new(newer).rewrap(RNG, Purpose::Card, merchant(3), record, &old);
    assert_eq!(moved, Err(VaultError::Unopened(2)));
}

#[test]
fn a_wrapped_key_does_not_open_another_records_text() {
    let vault = Vault::new(ring(1));
    let (owner, record) = (merchant(1), Uuid::from_u128(2));
    let one = vault.seal(RNG, Purpose::Record, owner, record, b"one");
    let other = vault.seal(RNG, Purpose::Record, owner, record, b"two");
    let mixed = [&one[..65], &other[65..]].concat();
    assert_eq!(vault.open(Purpose::Record, owner, record, &mixed).err(), Some(VaultError::Unopened(1)));
}

#[test]
fn rotation_keeps_old_records_readable_and_rewrap_moves_them() {
    let mut keys = ring(1);
    let (owner, record) = (merchant(1), Uuid::from_u128(2));
    let vault = Vault::new(keys.clone());
    let old = vault.seal(RNG, Purpose::Record, owner, record, b"kept");
    assert_eq!(vault.rewrap(RNG, Purpose::Record, owner, record, &old), Ok(None));

    keys.rotate(&clock(), RNG).unwrap();
    vault.replace(keys.clone());
    assert_eq!(&*vault.open(Purpose::Record, owner, record, &old).unwrap(), b"kept");
    let moved = vault.rewrap(RNG, Purpose::Record, owner, record, &old).unwrap().unwrap();
    assert_eq!((kek_of(&old), kek_of(&moved)), (Ok(1), Ok(2)));
    assert_eq!(old[65..], moved[65..], "the record itself is untouched");
    assert_eq!(vault.rewrap(RNG, Purpose::Record, owner, record, &moved), Ok(None));

    keys.retire(1).unwrap();
    vault.replace(keys);
    assert_eq!(&*vault.open(Purpose::Record, owner, record, &moved).unwrap(), b"kept");
    let error = vault.open(Purpose::Record, owner, record, &old).unwrap_err();
    assert_eq!(error, VaultError::UnknownKey(1));
    assert!(error.to_string().contains("sealed with key 1,"), "{error}");
    assert_eq!(vault.rewrap(RNG, Purpose::Record, owner, record, &old), Err(VaultError::UnknownKey(1)));
}

#[test]
fn another_ring_with_the_same_key_ids_opens_nothing() {
    let sealed = Vault::new(ring(1)).seal(RNG, Purpose::Record, merchant(1), Uuid::nil(), b"x");
    let opened = Vault::new(ring(1)).open(Purpose::Record, merchant(1), Uuid::nil(), &sealed);
    assert_eq!(opened.err(), Some(VaultError::Unopened(1)));
}

#[test]
fn a_record_names_its_key_truly_even_when_two_ids_hold_the_same_key() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let entry = |id: u32| format!(r#"{{"id": {id}, "created": "2030-01-02", "key": "{key}"}}"#);
    let (one, two) = (entry(1), entry(2));
    let text = format!(r#"{{"version": 1, "fingerprint_key": "{key}", "keys": [{one}, {two}]}}"#);
    let vault = Vault::new(KeyRing::parse(&text).unwrap());
    let mut sealed = vault.seal(RNG, Purpose::Record, merchant(1), Uuid::nil(), b"x");
    assert!(vault.open(Purpose::Record, merchant(1), Uuid::nil(), &sealed).is_ok());
    sealed[4] = 1;
    let opened = vault.open(Purpose::Record, merchant(1), Uuid::nil(), &sealed);
    assert_eq!(opened.err(), Some(VaultError::Unopened(1)));
}

#[test]
fn a_later_format_is_named() {
    let vault = Vault::new(ring(1));
    let mut sealed = vault.seal(RNG, Purpose::Record, merchant(1), Uuid::nil(), b"x");
    sealed[0] = 2;
    assert_eq!(
        vault.open(Purpose::Record, merchant(1), Uuid::nil(), &sealed).err(),
        Some(VaultError::Format(2))
    );
    assert_eq!(kek_of(&[]), Err(VaultError::Truncated));
}

#[test]
fn cards_and_credentials_read_back() {
    let vault = Vault::new(ring(1));
    let card = CardId::from_uuid(Uuid::from_u128(5));
    let number = CardNumber::parse("4111111111111111").unwrap();
    let sealed = vault.seal_card(RNG, merchant(1), card, &number);
    assert_eq!(vault.open_card(merchant(1), card, &sealed), Ok(number));
    assert!(!sealed.windows(4).any(|four| four == b"1111"));

    let texts = [("app_key", "k\"\u{1f}\\é"), ("security_key", ""), ("name \" with quotes", "s")];
    let secrets: BTreeMap<String, SecretString> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), SecretString::from(*text))).collect();
    let sealed = vault.seal_secrets(RNG, merchant(1), card.uuid(), &secrets);
    let opened = vault.open_secrets(merchant(1), card.uuid(), &sealed).unwrap();
    let read: BTreeMap<&str, &str> =
        opened.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret())).collect();
    assert_eq!(read, BTreeMap::from(texts));
}

#[test]
fn well_sealed_nonsense_is_not_taken_for_a_card_or_for_credentials() {
    let vault = Vault::new(ring(1));
    let card = CardId::from_uuid(Uuid::from_u128(5));
    let sealed = vault.seal(RNG, Purpose::Card, merchant(1), card.uuid(), b"4111111111111112");
    assert_eq!(vault.open_card(merchant(1), card, &sealed), Err(VaultError::Contents("a card number")));
    let sealed = vault.seal(RNG, Purpose::Secrets, merchant(1), card.uuid(), b"{\"key\": 5}");
    let error = vault.open_secrets(merchant(1), card.uuid(), &sealed).err();
    assert_eq!(error, Some(VaultError::Contents("a set of secrets")));
}

#[test]
fn nothing_secret_is_printed() {
    // Planted keys and plaintext, each in a shape that would be seen: base64, text and hex bytes.
    let (kek, mac) =
        ("cGxhbnRlZC1rZXktZW5jcnlwdGlvbi1rZXktLS0tLTA=", "cGxhbnRlZC1maW5nZXJwcmludC1rZXktLS0tLS0tLTA=");
    let text = format!(
        r#"{{"version": 1, "fingerprint_key": "{mac}", "keys": [{{"id": 1, "created": "2030-01-02", "key": "{kek}"}}]}}"#
    );
    let keys = KeyRing::parse(&text).unwrap();
    let vault = Vault::new(keys.clone());
    let sealed = vault.seal(RNG, Purpose::Secrets, merchant(1), Uuid::nil(), b"[\"planted\"]");
    let mut printed = format!("{keys:?} {keys:#?} {vault:?} {vault:#?}");
    let errors = [
        vault.open(Purpose::Card, merchant(1), Uuid::nil(), &sealed).unwrap_err(),
        vault.open_secrets(merchant(1), Uuid::nil(), &sealed).unwrap_err(),
        vault.open(Purpose::Card, merchant(1), Uuid::nil(), &sealed[..20]).unwrap_err(),
    ];
    for error in errors {
        write!(printed, " {error} {error:?}").unwrap();
    }
    let spoiled = [
        text.replace("fingerprint_key", kek),
        text.replace("LTA=\"}", "LTA\"}"),
        text.replace(kek, &kek[..40]),
        text.replace("\"2030-01-02\"", &format!("\"{mac}\"")),
        text.replace("\"keys\"", kek),
        text.replace("\"version\": 1", &format!("\"version\": \"{kek}\"")),
    ];
    for text in spoiled {
        let error: KeyRingError = KeyRing::parse(&text).unwrap_err();
        write!(printed, " {error} {error:?}").unwrap();
    }
    assert!(printed.contains("key 1"), "{printed}");
    for secret in ["planted", "cGxhbnRlZC", "112, 108, 97, 110", "706c616e"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
