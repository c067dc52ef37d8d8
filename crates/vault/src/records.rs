//! What the product seals: card numbers, and credentials by name.

use std::collections::BTreeMap;

use domain::Entropy;
use domain::card::CardNumber;
use domain::ids::{CardId, MerchantId};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Purpose, Vault, VaultError};

/// A character takes at most six bytes in JSON (`\u001f`).
const ESCAPED_BYTES_MAX: usize = 6;

/// Quotes, colon and comma around one name and its secret.
const AROUND_ENTRY_BYTES: usize = 6;

impl Vault {
    /// Seals a card number for one card of one merchant.
    pub fn seal_card(
        &self,
        entropy: &dyn Entropy,
        owner: MerchantId,
        card: CardId,
        number: &CardNumber,
    ) -> Vec<u8> {
        self.seal(entropy, Purpose::Card, owner, card.uuid(), number.expose().as_bytes())
    }

    /// Opens what [`Vault::seal_card`] made for the same card.
    pub fn open_card(
        &self,
        owner: MerchantId,
        card: CardId,
        sealed: &[u8],
    ) -> Result<CardNumber, VaultError> {
        let digits = self.open(Purpose::Card, owner, card.uuid(), sealed)?;
        let digits = std::str::from_utf8(&digits).map_err(|_| VaultError::Contents("a card number"))?;
        CardNumber::parse(digits).map_err(|_| VaultError::Contents("a card number"))
    }

    /// Seals credentials, texts by name, as one JSON object.
    pub fn seal_secrets(
        &self,
        entropy: &dyn Entropy,
        owner: MerchantId,
        record: Uuid,
        secrets: &BTreeMap<String, SecretString>,
    ) -> Vec<u8> {
        let exposed: BTreeMap<&str, &str> =
            secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret())).collect();
        let escaped = |text: &str| text.len().saturating_mul(ESCAPED_BYTES_MAX);
        let size = exposed.iter().fold(2_usize, |size, (name, secret)| {
            size.saturating_add(AROUND_ENTRY_BYTES)
                .saturating_add(escaped(name))
                .saturating_add(escaped(secret))
        });
        // Large enough from the start: growing would leave copies behind.
        let mut json = Zeroizing::new(Vec::with_capacity(size));
        serde_json::to_writer(&mut *json, &exposed).expect("texts by name are JSON");
        self.seal(entropy, Purpose::Secrets, owner, record, &json)
    }

    /// Opens what [`Vault::seal_secrets`] made for the same record.
    pub fn open_secrets(
        &self,
        owner: MerchantId,
        record: Uuid,
        sealed: &[u8],
    ) -> Result<BTreeMap<String, SecretString>, VaultError> {
        let json = self.open(Purpose::Secrets, owner, record, sealed)?;
        // The error is dropped: it may quote what it read.
        let texts: BTreeMap<String, String> =
            serde_json::from_slice(&json).map_err(|_| VaultError::Contents("a set of secrets"))?;
        Ok(texts.into_iter().map(|(name, text)| (name, SecretString::from(text))).collect())
    }
}
