//! Chargebacks: money that issuers took back (R151–R159).

use domain::ids::{AttemptId, MerchantId, OrderId};
use domain::money::Money;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::StoreError;
use crate::events::Event;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    MARK_CHARGEBACK,
    REVERT_CHARGEBACK,
    TELL_CHARGEBACK,
    FIND_CHARGEBACK,
    LIST_CHARGEBACKS_OF_ORDER,
    LIST_CHARGEBACKS,
];

/// A chargeback as it is stored: one per approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chargeback {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The approval that was charged back (R155).
    pub attempt_id: AttemptId,
    /// Its order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// When, as the issuer or the caller says.
    pub charged_back_at: Timestamp,
    /// The issuer's reason code; may be empty.
    pub reason: String,
    /// A note of people; may be empty.
    pub note: String,
    /// `report` or `person`.
    pub source: String,
    /// When it was marked.
    pub created_at: Timestamp,
    /// When it was won, and the mark taken back (Q32).
    pub reverted_at: Option<Timestamp>,
}

impl Chargeback {
    /// Whether the mark stands.
    pub fn is_marked(&self) -> bool {
        self.reverted_at.is_none()
    }
}

const MARK_CHARGEBACK: &str = "-- mark_chargeback
INSERT INTO chargebacks (merchant_id, attempt_id, order_id, amount_minor, currency, charged_back_at, reason, note, source,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (merchant_id, attempt_id) DO UPDATE
SET amount_minor = excluded.amount_minor,
    currency = excluded.currency,
    charged_back_at = excluded.charged_back_at,
    reason = excluded.reason,
    note = excluded.note,
    source = excluded.source,
    created_at = excluded.created_at,
    reverted_at = NULL
WHERE chargebacks.reverted_at IS NOT NULL";

/// Name of the step that fails when the approval is marked already (R156).
pub const MARKED_BEFORE: &str = "mark_chargeback";

/// Marks an approval; conflict while it is marked.
pub fn mark(chargeback: &Chargeback) -> Step {
    Step::one(
        MARK_CHARGEBACK,
        vec![
            chargeback.merchant_id.into(),
            chargeback.attempt_id.into(),
            chargeback.order_id.into(),
            chargeback.amount.minor().into(),
            chargeback.amount.currency().code().into(),
            chargeback.charged_back_at.into(),
            Value::from(&chargeback.reason),
            Value::from(&chargeback.note),
            Value::from(&chargeback.source),
            chargeback.created_at.into(),
        ],
    )
}

const REVERT_CHARGEBACK: &str = "-- revert_chargeback
UPDATE chargebacks
SET reverted_at = $3
WHERE merchant_id = $1
    AND attempt_id = $2
    AND reverted_at IS NULL";

/// Name of the step that fails when there is no mark to take back.
pub const NOT_MARKED: &str = "revert_chargeback";

/// Takes a mark back (Q32); conflict when there is none.
pub fn revert(merchant_id: MerchantId, attempt_id: AttemptId, at: Timestamp) -> Step {
    Step::one(REVERT_CHARGEBACK, vec![merchant_id.into(), attempt_id.into(), at.into()])
}

const TELL_CHARGEBACK: &str = "-- tell_chargeback
INSERT INTO events (merchant_id, id, kind, subject_id, order_id, body, created_at, next_try_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (merchant_id, subject_id, kind) DO NOTHING";

/// Tells of a chargeback, once per approval: marked again after it was reverted, it is not told again (R158).
pub fn tell(event: &Event) -> Step {
    Step::any(
        TELL_CHARGEBACK,
        vec![
            event.merchant_id.into(),
            event.id.into(),
            Value::from(&event.kind),
            event.subject_id.into(),
            event.order_id.into(),
            Value::from(&event.body),
            event.created_at.into(),
        ],
    )
}

macro_rules! select {
    ($name:literal, $rest:literal) => {
        concat!(
            "-- ",
            $name,
            "
SELECT merchant_id, attempt_id, order_id, amount_minor, currency, charged_back_at, reason, note, source, created_at,
    reverted_at
FROM chargebacks
",
            $rest
        )
    };
}

const FIND_CHARGEBACK: &str = select!("find_chargeback", "WHERE merchant_id = $1\n    AND attempt_id = $2");

const LIST_CHARGEBACKS_OF_ORDER: &str = select!(
    "list_chargebacks_of_order",
    "WHERE merchant_id = $1\n    AND order_id = $2\nORDER BY created_at, attempt_id"
);

const LIST_CHARGEBACKS: &str = select!(
    "list_chargebacks",
    "WHERE merchant_id = $1\n    AND (created_at, attempt_id) < ($2, $3)
ORDER BY created_at DESC, attempt_id DESC\nLIMIT CAST($4 AS BIGINT)"
);

fn read(row: &Row) -> Result<Chargeback, StoreError> {
    Ok(Chargeback {
        merchant_id: row.id("merchant_id")?,
        attempt_id: row.id("attempt_id")?,
        order_id: row.id("order_id")?,
        amount: row.money("amount_minor", "currency")?,
        charged_back_at: row.at("charged_back_at")?,
        reason: row.text("reason")?,
        note: row.text("note")?,
        source: row.text("source")?,
        created_at: row.at("created_at")?,
        reverted_at: row.opt_at("reverted_at")?,
    })
}

impl Store {
    /// The chargeback of an approval, also when it was taken back.
    pub async fn find_chargeback(
        &self,
        merchant_id: MerchantId,
        attempt_id: AttemptId,
    ) -> Result<Option<Chargeback>, StoreError> {
        let statement = Statement::new(FIND_CHARGEBACK, vec![merchant_id.into(), attempt_id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// All chargebacks of an order's approvals, oldest first.
    pub async fn list_chargebacks_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Chargeback>, StoreError> {
        let statement = Statement::new(LIST_CHARGEBACKS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }

    /// Chargebacks, newest mark first: those before the one that was marked at that moment on that attempt.
    pub async fn list_chargebacks(
        &self,
        merchant_id: MerchantId,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Chargeback>, StoreError> {
        let (at, id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_microsecond(), id));
        let args = vec![merchant_id.into(), at.into(), id.into(), limit.into()];
        self.query(Statement::new(LIST_CHARGEBACKS, args)).await?.iter().map(read).collect()
    }
}
