//! Copies of a merchant's ordinary transactions.

use domain::ids::MerchantId;
use domain::money::Money;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_TRANSMIT, LIST_TRANSMITS];

/// One copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The `transmitId`.
    pub id: Uuid,
    /// The merchant's order id.
    pub external_order_id: String,
    /// Whether it was declined.
    pub is_declined: bool,
    /// How much.
    pub amount: Money,
    /// JSON, card numbers masked.
    pub details: String,
    /// When it came.
    pub created_at: Timestamp,
}

const INSERT_TRANSMIT: &str = "-- insert_transmit
INSERT INTO platform_transmits (merchant_id, id, external_order_id, is_declined, amount_minor, currency, details,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Keeps a copy.
pub fn insert_transmit(transmit: &Transmit) -> Step {
    Step::one(
        INSERT_TRANSMIT,
        vec![
            transmit.merchant_id.into(),
            transmit.id.into(),
            Value::from(&transmit.external_order_id),
            transmit.is_declined.into(),
            transmit.amount.minor().into(),
            transmit.amount.currency().code().into(),
            Value::from(&transmit.details),
            transmit.created_at.into(),
        ],
    )
}

const LIST_TRANSMITS: &str = "-- list_transmits
SELECT merchant_id, id, external_order_id, is_declined, amount_minor, currency, details, created_at
FROM platform_transmits
WHERE merchant_id = $1
    AND external_order_id = $2
ORDER BY created_at, id
LIMIT CAST($3 AS BIGINT)";

impl Store {
    /// The copies of one order of the merchant, oldest first.
    pub async fn list_transmits(
        &self,
        merchant_id: MerchantId,
        external_order_id: &str,
        limit: i64,
    ) -> Result<Vec<Transmit>, StoreError> {
        let args = vec![merchant_id.into(), external_order_id.into(), limit.into()];
        self.query(Statement::new(LIST_TRANSMITS, args)).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Transmit, StoreError> {
    let id: domain::ids::EventId = row.id("id")?;
    Ok(Transmit {
        merchant_id: row.id("merchant_id")?,
        id: id.uuid(),
        external_order_id: row.text("external_order_id")?,
        is_declined: row.bool("is_declined")?,
        amount: row.money("amount_minor", "currency")?,
        details: row.text("details")?,
        created_at: row.at("created_at")?,
    })
}
