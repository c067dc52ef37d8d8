//! Searching attempts by time, gateway and how they stand: those of checkouts and those of bills.

use domain::attempt::Attempt;
use domain::ids::{GatewayId, MerchantId};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::row::read;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[SEARCH_ATTEMPTS, COUNT_FOUND_ATTEMPTS];

/// How much earlier or later than its attempt an id may have been minted.
const MINTED_WITHIN_HOURS: i64 = 24;

/// How an attempt stands, as searches tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Approved, also when it was given back later.
    Approved,
    /// Declined, tried again perhaps.
    Soft,
    /// Declined for good.
    Hard,
    /// Its outcome is still to come.
    Open,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::Open => "open",
        }
    }
}

/// Which attempts to find. Those that provably did nothing are never found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptSearch {
    /// Only those at this gateway.
    pub gateway_id: Option<GatewayId>,
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// Only those made at or after.
    pub created_from: Option<Timestamp>,
    /// Only those made before.
    pub created_before: Option<Timestamp>,
    /// Only those that are marked as charged back, or only those that are not.
    pub is_charged_back: Option<bool>,
}

// Ids are minted in the order of time, so a range of days is a range of the primary key, a day wider on both sides.
macro_rules! search {
    () => {
        "
FROM attempts
WHERE merchant_id = $1
    AND id >= $2
    AND id <= $3
    AND created_at >= $4
    AND created_at < $5
    AND state <> 'not_executed'
    AND ($6 IS NULL OR gateway_id = $6)
    AND ($7 IS NULL OR $7 = CASE state WHEN 'approved' THEN 'approved' WHEN 'declined' THEN class ELSE 'open' END)
    AND ($8 IS NULL OR $8 = EXISTS (
        SELECT 1 FROM chargebacks
        WHERE chargebacks.merchant_id = attempts.merchant_id
            AND chargebacks.attempt_id = attempts.id
            AND chargebacks.reverted_at IS NULL))"
    };
}

const SEARCH_ATTEMPTS: &str = concat!(
    "-- search_attempts
SELECT ",
    columns!(),
    search!(),
    "
ORDER BY created_at, id
LIMIT CAST($9 AS BIGINT) OFFSET CAST($10 AS BIGINT)"
);

const COUNT_FOUND_ATTEMPTS: &str = concat!(
    "-- count_found_attempts
SELECT CAST(COUNT(*) AS BIGINT) AS found",
    search!()
);

/// The smallest or largest id that was minted within a millisecond (RFC 9562, section 5.7: the first 48 bits are time).
fn id_at(at: Timestamp, rest: u128) -> Uuid {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or(0) & 0xffff_ffff_ffff;
    Uuid::from_u128((millis << 80) | rest)
}

fn search_args(merchant_id: MerchantId, search: &AttemptSearch) -> Vec<Value> {
    let within = SignedDuration::from_hours(MINTED_WITHIN_HOURS);
    let first = search.created_from.and_then(|at| at.checked_sub(within).ok());
    let last = search.created_before.and_then(|at| at.checked_add(within).ok());
    vec![
        merchant_id.into(),
        first.map_or(Uuid::nil(), |at| id_at(at, 0)).into(),
        last.map_or(Uuid::max(), |at| id_at(at, (1 << 80) - 1)).into(),
        Value::Int(Some(search.created_from.map_or(i64::MIN, Timestamp::as_microsecond))),
        Value::Int(Some(search.created_before.map_or(i64::MAX, Timestamp::as_microsecond))),
        Value::id(search.gateway_id),
        Value::Text(search.standing.map(|standing| standing.word().to_owned())),
        Value::Bool(search.is_charged_back),
    ]
}

impl Store {
    /// Attempts, oldest first: pages do not shift while new ones are made.
    pub async fn search_attempts(
        &self,
        merchant_id: MerchantId,
        search: &AttemptSearch,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut args = search_args(merchant_id, search);
        args.extend([limit.into(), offset.into()]);
        self.query(Statement::new(SEARCH_ATTEMPTS, args)).await?.iter().map(read).collect()
    }

    /// How many attempts a search finds.
    pub async fn count_found_attempts(
        &self,
        merchant_id: MerchantId,
        search: &AttemptSearch,
    ) -> Result<i64, StoreError> {
        let statement = Statement::new(COUNT_FOUND_ATTEMPTS, search_args(merchant_id, search));
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }
}
