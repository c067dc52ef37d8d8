//! Deliveries of events: which are due, and what came of each try.

use domain::ids::{EventId, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use super::events::{PlatformEvent, read};
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_EVENTS,
    CLAIM_DUE_EVENTS_SQLITE,
    CLAIM_DUE_EVENTS_POSTGRES,
    NEXT_DUE_EVENT,
    RECORD_TRY,
    ADDRESS_EVENTS,
];

const LIST_MERCHANTS_WITH_DUE_EVENTS: &str = "-- list_merchants_with_due_platform_events
SELECT merchant_id
FROM platform_events
WHERE next_try_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_try_at)
LIMIT CAST($2 AS BIGINT)";

const NEXT_DUE_EVENT: &str = "-- next_due_platform_event
SELECT MIN(next_try_at) AS due
FROM platform_events
WHERE next_try_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming.
const CLAIM_DUE_EVENTS_SQLITE: &str = concat!(
    "-- claim_due_platform_events_sqlite
UPDATE platform_events
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM platform_events
        WHERE merchant_id = $1 AND next_try_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_try_at, id LIMIT CAST($5 AS BIGINT))
RETURNING ",
    event_columns!()
);

const CLAIM_DUE_EVENTS_POSTGRES: &str = concat!(
    "-- claim_due_platform_events_postgres
UPDATE platform_events
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM platform_events
        WHERE merchant_id = $1 AND next_try_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_try_at, id LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    event_columns!()
);

const RECORD_TRY: &str = "-- record_try
UPDATE platform_events
SET state = $4,
    tries = tries + $5,
    last_result = $6,
    next_try_at = $7,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND lease_fence = $3
    AND state = 'waiting'";

/// What came of a try to deliver an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryResult {
    /// The receiver has it.
    Delivered,
    /// It was sent, and the receiver does not have it for certain; again then.
    Again(Timestamp),
    /// It was not sent; then.
    Later(Timestamp),
    /// It was tried for long enough.
    GivenUp,
    /// The account names no address.
    Unaddressed,
}

/// Name of the step that fails when somebody else has taken the event over.
pub const TRY_LOST: &str = "record_try";

/// Records a try; conflict when the lease is not ours any more.
pub fn record_try(merchant_id: MerchantId, id: EventId, fence: Uuid, result: TryResult, words: &str) -> Step {
    let (state, sent, next) = match result {
        TryResult::Delivered => ("delivered", 1_i64, None),
        TryResult::Again(at) => ("waiting", 1, Some(at)),
        TryResult::Later(at) => ("waiting", 0, Some(at)),
        TryResult::GivenUp => ("given_up", 1, None),
        TryResult::Unaddressed => ("unaddressed", 0, None),
    };
    let args = vec![
        merchant_id.into(),
        id.into(),
        fence.into(),
        state.into(),
        sent.into(),
        words.into(),
        Value::at(next),
    ];
    Step::one(RECORD_TRY, args)
}

const ADDRESS_EVENTS: &str = "-- address_platform_events
UPDATE platform_events
SET state = 'waiting',
    next_try_at = $2
WHERE merchant_id = $1
    AND state = 'unaddressed'
    AND created_at >= $3";

/// Events that found no address since a moment are due: the account has one now.
pub fn address_events(merchant_id: MerchantId, now: Timestamp, since: Timestamp) -> Step {
    Step::any(ADDRESS_EVENTS, vec![merchant_id.into(), now.into(), since.into()])
}

impl Store {
    /// Merchants that have a due event which nobody has leased, the longest due first.
    pub async fn list_merchants_with_due_platform_events(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_EVENTS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due events of one merchant.
    pub async fn acquire_due_platform_events(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<PlatformEvent>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_EVENTS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_EVENTS_POSTGRES,
        };
        let args: Vec<Value> =
            vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_platform_events").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next event is sent, over all merchants.
    pub async fn next_due_platform_event(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.query_one(Statement::new(NEXT_DUE_EVENT, vec![])).await?;
        row.map_or(Ok(None), |row| row.opt_at("due"))
    }
}
