//! Attempts that are due, and their leases.

use domain::attempt::Attempt;
use domain::ids::MerchantId;
use jiff::Timestamp;
use uuid::Uuid;

use super::row::read;
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_ATTEMPTS,
    NEXT_DUE_ATTEMPT,
    CLAIM_DUE_ATTEMPTS_SQLITE,
    CLAIM_DUE_ATTEMPTS_POSTGRES,
];

// Grouped by an expression: SQLite would rather read the index that is in the groups' order, and with it every attempt
// that waits, than the due ones by their time.
const LIST_MERCHANTS_WITH_DUE_ATTEMPTS: &str = "-- list_merchants_with_due_attempts
SELECT COALESCE(attempts.merchant_id, attempts.merchant_id) AS merchant_id
FROM attempts
WHERE next_check_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY COALESCE(attempts.merchant_id, attempts.merchant_id)
ORDER BY MIN(next_check_at)
LIMIT CAST($2 AS BIGINT)";

const NEXT_DUE_ATTEMPT: &str = "-- next_due_attempt
SELECT MIN(next_check_at) AS due
FROM attempts
WHERE next_check_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming. ARRAY makes it
// choose them once; as a join, the limit could be counted anew.
const CLAIM_DUE_ATTEMPTS_SQLITE: &str = concat!(
    "-- claim_due_attempts_sqlite
UPDATE attempts
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM attempts
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT CAST($5 AS BIGINT))
RETURNING ",
    columns!()
);

const CLAIM_DUE_ATTEMPTS_POSTGRES: &str = concat!(
    "-- claim_due_attempts_postgres
UPDATE attempts
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM attempts
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

impl Store {
    /// Merchants that have attempts due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_attempts(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_ATTEMPTS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due attempts of one merchant to the holder of `fence`.
    pub async fn acquire_due_attempts(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_ATTEMPTS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_ATTEMPTS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_attempts").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next attempt is due, over all merchants.
    pub async fn next_due_attempt(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_ATTEMPT, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }
}
