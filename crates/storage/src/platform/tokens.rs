//! Tokens for stored cards.

use domain::ids::{CardId, MerchantId, TokenId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_CARD_TOKEN, FIND_CARD_TOKEN];

/// A token for a stored card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardToken {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The token.
    pub id: TokenId,
    /// The stored card.
    pub card_id: CardId,
    /// `YYYY-MM`.
    pub expires: String,
    /// Given name on the card.
    pub first_name: String,
    /// Family name on the card.
    pub last_name: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT_CARD_TOKEN: &str = "-- insert_card_token
INSERT INTO card_tokens (merchant_id, id, card_id, expires, first_name, last_name, email, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// A new token; its card is stored in the same transaction.
pub fn insert_card_token(token: &CardToken) -> Step {
    Step::one(
        INSERT_CARD_TOKEN,
        vec![
            token.merchant_id.into(),
            token.id.into(),
            token.card_id.into(),
            Value::from(&token.expires),
            Value::from(&token.first_name),
            Value::from(&token.last_name),
            Value::from(&token.email),
            token.created_at.into(),
        ],
    )
}

const FIND_CARD_TOKEN: &str = "-- find_card_token
SELECT merchant_id, id, card_id, expires, first_name, last_name, email, created_at
FROM card_tokens
WHERE merchant_id = $1
    AND id = $2";

impl Store {
    /// A card token.
    pub async fn find_card_token(
        &self,
        merchant_id: MerchantId,
        id: TokenId,
    ) -> Result<Option<CardToken>, StoreError> {
        let statement = Statement::new(FIND_CARD_TOKEN, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read_token(&row)).transpose()
    }
}

fn read_token(row: &Row) -> Result<CardToken, StoreError> {
    Ok(CardToken {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        card_id: row.id("card_id")?,
        expires: row.text("expires")?,
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
        email: row.text("email")?,
        created_at: row.at("created_at")?,
    })
}
