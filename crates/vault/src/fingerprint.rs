//! Knowing a thing again without keeping it: keyed HMAC-SHA256 (RFC 2104), the first 128 bits in hex.

use std::fmt::Write as _;

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use domain::card::CardNumber;
use domain::ids::MerchantId;

use crate::Vault;

/// How much of the HMAC is kept, in bytes.
const FINGERPRINT_BYTES: usize = 16;

/// Begin what is hashed, so that no card ever has the fingerprint of a body. Changing one orphans what is stored.
const CARD: &[u8] = b"recoup-vault/1/fingerprint/card\0";
const BODY: &[u8] = b"recoup-vault/1/fingerprint/body\0";

impl Vault {
    /// The fingerprint of a card at one merchant: 32 hex letters, the same through every rotation of keys, and another
    /// one at every other merchant.
    pub fn fingerprint(&self, owner: MerchantId, number: &CardNumber) -> String {
        self.keyed(&[CARD, owner.uuid().as_bytes(), number.expose().as_bytes()])
    }

    /// The fingerprint of a request's body, to tell a repetition from another request under the same key (M3): 32 hex
    /// letters. The caller has replaced the card number by its fingerprint and removed the security code.
    pub fn body_fingerprint(&self, body: &[u8]) -> String {
        self.keyed(&[BODY, body])
    }

    fn keyed(&self, parts: &[&[u8]]) -> String {
        let key = Key::new(HMAC_SHA256, self.ring().fingerprint_key.as_slice());
        let mut context = Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref().iter().take(FINGERPRINT_BYTES).fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes any text");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyRing, SystemEntropy};
    use domain::ManualClock;
    use uuid::Uuid;

    const RING: &str = r#"{"version": 1, "fingerprint_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "keys": [
        {"id": 1, "created": "2030-01-02T03:04:05Z", "key": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="}]}"#;

    fn merchant(number: u128) -> MerchantId {
        MerchantId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_card_has_one_fingerprint_per_merchant_whatever_the_spaces() {
        let vault = Vault::new(KeyRing::parse(RING).unwrap());
        let card = CardNumber::parse("4111111111111111").unwrap();
        let spaced = CardNumber::parse("4111 1111 1111 1111").unwrap();
        let other = CardNumber::parse("5431111111111111").unwrap();
        assert_eq!(vault.fingerprint(merchant(1), &card), vault.fingerprint(merchant(1), &spaced));
        assert_ne!(vault.fingerprint(merchant(1), &card), vault.fingerprint(merchant(2), &card));
        assert_ne!(vault.fingerprint(merchant(1), &card), vault.fingerprint(merchant(1), &other));
    }

    #[test]
    fn fingerprints_are_what_is_stored_already() {
        // Computed apart from this code from the labels and the key above.
        let vault = Vault::new(KeyRing::parse(RING).unwrap());
        let card = CardNumber::parse("4111111111111111").unwrap();
        assert_eq!(vault.fingerprint(merchant(1), &card), "bf10fcb8ae85e83fa1d7897d88e350d0");
        assert_eq!(vault.body_fingerprint(b"{}"), "efea3cad7f2bcc7012971bdfc261af87");
    }

    #[test]
    fn fingerprints_stay_through_rotation_and_differ_between_rings() {
        let clock = ManualClock::new("2030-01-02T03:04:05Z".parse().unwrap());
        let card = CardNumber::parse("4111111111111111").unwrap();
        let mut ring = KeyRing::generate(&clock, &SystemEntropy);
        let before = Vault::new(ring.clone()).fingerprint(merchant(1), &card);
        ring.rotate(&clock, &SystemEntropy).unwrap();
        ring.retire(1).unwrap();
        assert_eq!(Vault::new(ring).fingerprint(merchant(1), &card), before);
        let stranger = Vault::new(KeyRing::generate(&clock, &SystemEntropy));
        assert_ne!(stranger.fingerprint(merchant(1), &card), before);
    }

    #[test]
    fn m3_a_body_never_has_the_fingerprint_of_a_card() {
        let vault = Vault::new(KeyRing::parse(RING).unwrap());
        let card = CardNumber::parse("4111111111111111").unwrap();
        let body = [merchant(1).uuid().as_bytes(), card.expose().as_bytes()].concat();
        assert_ne!(vault.body_fingerprint(&body), vault.fingerprint(merchant(1), &card));
        assert_eq!(vault.body_fingerprint(&body), vault.body_fingerprint(&body));
        assert_ne!(vault.body_fingerprint(b"{}"), vault.body_fingerprint(b"{ }"));
    }
}
