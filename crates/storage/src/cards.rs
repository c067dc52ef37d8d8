//! Stored cards, card budgets and card locks. The number itself is only ever a sealed value.

use domain::ids::{AttemptId, CardId, MerchantId};
use domain::order::CardShown;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    UPSERT_CARD,
    FIND_CARD,
    LIST_CARDS_AFTER,
    PURGE_CARDS,
    RESEAL_CARD,
    LOCK_CARD_BUDGET,
    INSERT_CARD_LOCK,
    FIND_CARD_LOCK,
];

/// A stored card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id, made of the fingerprint.
    pub id: CardId,
    /// Keyed fingerprint of the number.
    pub fingerprint: String,
    /// What may be shown.
    pub shown: CardShown,
    /// The sealed number.
    pub sealed: Vec<u8>,
}

const UPSERT_CARD: &str = "-- upsert_card
INSERT INTO cards (merchant_id, id, fingerprint, brand, bin, last_four, expires, sealed, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT (merchant_id, id) DO UPDATE
SET expires = excluded.expires,
    sealed = CASE WHEN length(cards.sealed) = 0 THEN excluded.sealed ELSE cards.sealed END,
    updated_at = excluded.updated_at";

/// Keeps a card; the same card again only renews its expiry, and its number when that was erased.
pub fn upsert(card: &Card, at: Timestamp) -> Step {
    Step::one(
        UPSERT_CARD,
        vec![
            card.merchant_id.into(),
            card.id.into(),
            Value::from(&card.fingerprint),
            Value::from(&card.shown.brand),
            Value::from(&card.shown.bin),
            Value::from(&card.shown.last_four),
            Value::from(&card.shown.expires),
            card.sealed.clone().into(),
            at.into(),
        ],
    )
}

const FIND_CARD: &str = "-- find_card
SELECT merchant_id, id, fingerprint, brand, bin, last_four, expires, sealed
FROM cards
WHERE merchant_id = $1
    AND id = $2";

const LIST_CARDS_AFTER: &str = "-- list_cards_after
SELECT merchant_id, id, fingerprint, brand, bin, last_four, expires, sealed
FROM cards
WHERE merchant_id = $1
    AND id > $2
    AND length(sealed) > 0
ORDER BY id
LIMIT CAST($3 AS BIGINT)";

const PURGE_CARDS: &str = "-- purge_cards
UPDATE cards
SET sealed = $4
WHERE merchant_id = $1
    AND updated_at < $2
    AND id IN (
        SELECT c.id
        FROM cards c
        WHERE c.merchant_id = $1
            AND c.updated_at < $2
            AND length(c.sealed) > 0
            AND NOT EXISTS (
                SELECT 1 FROM subscriptions s
                WHERE s.merchant_id = c.merchant_id AND s.card_id = c.id AND s.status NOT IN ('complete', 'cancelled'))
            AND NOT EXISTS (
                SELECT 1 FROM attempts a
                WHERE a.merchant_id = c.merchant_id AND a.card_fingerprint = c.fingerprint
                    AND (a.created_at >= $2 OR a.state IN ('sending', 'in_doubt', 'pending')))
        ORDER BY c.updated_at
        LIMIT CAST($3 AS BIGINT))
RETURNING id";

const RESEAL_CARD: &str = "-- reseal_card
UPDATE cards
SET sealed = $3
WHERE merchant_id = $1
    AND id = $2";

/// Replaces the sealed value after a key rotation.
pub fn reseal(merchant_id: MerchantId, id: CardId, sealed: Vec<u8>) -> Step {
    Step::one(RESEAL_CARD, vec![merchant_id.into(), id.into(), sealed.into()])
}

const LOCK_CARD_BUDGET: &str = "-- lock_card_budget
INSERT INTO card_budgets (merchant_id, card_fingerprint, version)
VALUES ($1, $2, 1)
ON CONFLICT (merchant_id, card_fingerprint) DO UPDATE
SET version = card_budgets.version + 1";

/// Locks a card's budget row for the rest of the transaction: counting under a limit needs a lock.
pub fn lock_budget(merchant_id: MerchantId, fingerprint: &str) -> Step {
    Step::one(LOCK_CARD_BUDGET, vec![merchant_id.into(), fingerprint.into()])
}

const INSERT_CARD_LOCK: &str = "-- insert_card_lock
INSERT INTO card_locks (merchant_id, card_fingerprint, reason, attempt_id, created_at, until)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (merchant_id, card_fingerprint) DO UPDATE
SET reason = excluded.reason,
    attempt_id = excluded.attempt_id,
    created_at = excluded.created_at,
    until = excluded.until
WHERE card_locks.until IS NOT NULL
    AND (excluded.until IS NULL OR excluded.until > card_locks.until)";

/// Bars a card from the merchant's own gateways. A longer lock replaces a shorter one, never the other way round: a
/// *never* after an expired wait must hold.
pub fn lock(
    merchant_id: MerchantId,
    fingerprint: &str,
    reason: &str,
    attempt_id: AttemptId,
    at: Timestamp,
    until: Option<Timestamp>,
) -> Step {
    Step::any(
        INSERT_CARD_LOCK,
        vec![
            merchant_id.into(),
            fingerprint.into(),
            reason.into(),
            attempt_id.into(),
            at.into(),
            Value::at(until),
        ],
    )
}

const FIND_CARD_LOCK: &str = "-- find_card_lock
SELECT reason
FROM card_locks
WHERE merchant_id = $1
    AND card_fingerprint = $2
    AND (until IS NULL OR until > $3)";

impl Store {
    /// A stored card.
    pub async fn find_card(&self, merchant_id: MerchantId, id: CardId) -> Result<Option<Card>, StoreError> {
        let statement = Statement::new(FIND_CARD, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Stored cards after an id, in order of id: for key rotation.
    pub async fn list_cards_after(
        &self,
        merchant_id: MerchantId,
        after: CardId,
        limit: i64,
    ) -> Result<Vec<Card>, StoreError> {
        let args = vec![merchant_id.into(), after.into(), limit.into()];
        self.query(Statement::new(LIST_CARDS_AFTER, args)).await?.iter().map(read).collect()
    }

    /// Erases the sealed numbers of cards that nothing has needed since `before` (M34): no subscription that may still be
    /// billed, no attempt. The cards that were erased, at most `limit`; what may be shown of them stays.
    pub async fn purge_cards(
        &self,
        merchant_id: MerchantId,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<CardId>, StoreError> {
        let args = vec![merchant_id.into(), before.into(), limit.into(), Vec::<u8>::new().into()];
        let purge = Transaction::new("purge_cards").with(Step::returning(PURGE_CARDS, args));
        self.commit(purge).await?.iter().map(|row| row.id("id")).collect()
    }

    /// The reason for which a card is barred, if it is.
    pub async fn find_card_lock(
        &self,
        merchant_id: MerchantId,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let args = vec![merchant_id.into(), fingerprint.into(), now.into()];
        self.query_one(Statement::new(FIND_CARD_LOCK, args)).await?.map(|row| row.text("reason")).transpose()
    }
}

fn read(row: &crate::Row) -> Result<Card, StoreError> {
    Ok(Card {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        fingerprint: row.text("fingerprint")?,
        shown: CardShown {
            brand: row.text("brand")?,
            bin: row.text("bin")?,
            last_four: row.text("last_four")?,
            expires: row.text("expires")?,
        },
        sealed: row.opt_bytes("sealed")?.unwrap_or_default(),
    })
}
