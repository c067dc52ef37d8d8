//! Cards: sealed by the vault, known by their fingerprint.

use domain::card::{CardNumber, Expiry};
use domain::ids::{CardId, MerchantId};
use domain::order::CardShown;
use storage::StoreError;
use storage::cards::Card;
use uuid::Uuid;

use crate::Platform;

impl Platform {
    /// A card as it is stored. Its id is made of the fingerprint, so the same card is the same row.
    pub(crate) fn sealed_card(
        &self,
        merchant_id: MerchantId,
        number: &CardNumber,
        expiry: Expiry,
    ) -> Result<Card, StoreError> {
        let fingerprint = self.vault.fingerprint(merchant_id, number);
        let id = Uuid::parse_str(&fingerprint).map(CardId::from_uuid).map_err(|_| {
            StoreError::Inconsistent { table: "cards", column: "fingerprint", id: String::new() }
        })?;
        Ok(Card {
            merchant_id,
            id,
            fingerprint,
            shown: CardShown {
                brand: number.brand().as_str().to_owned(),
                bin: number.bin().to_owned(),
                last_four: number.last_four().to_owned(),
                expires: expiry.year_month(),
            },
            sealed: self.vault.seal_card(self.minter.entropy().as_ref(), merchant_id, id, number),
        })
    }

    /// The number of a stored card; none when it does not open any more.
    pub(crate) fn open_card(&self, card: &Card) -> Option<CardNumber> {
        let opened = self.vault.open_card(card.merchant_id, card.id, &card.sealed);
        opened
            .inspect_err(
                |error| tracing::error!(card.id = %card.id, error = %error, "Card {} does not open", card.id),
            )
            .ok()
    }
}
