//! Runs that are due, their leases, and their cursor.

use domain::ids::{MerchantId, RunId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Run, columns, read};
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_RUNS,
    CLAIM_DUE_RUN_SQLITE,
    CLAIM_DUE_RUN_POSTGRES,
    ADVANCE_RUN,
    RELEASE_RUN,
    NEXT_DUE_RUN,
];

const LIST_MERCHANTS_WITH_DUE_RUNS: &str = "-- list_merchants_with_due_runs
SELECT merchant_id
FROM runs
WHERE next_action_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_action_at)
LIMIT CAST($2 AS BIGINT)";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming (see attempts).
const CLAIM_DUE_RUN_SQLITE: &str = concat!(
    "-- claim_due_run_sqlite
UPDATE runs
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM runs
        WHERE merchant_id = $1 AND next_action_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_action_at, id LIMIT 1)
RETURNING ",
    columns!()
);

const CLAIM_DUE_RUN_POSTGRES: &str = concat!(
    "-- claim_due_run_postgres
UPDATE runs
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM runs
        WHERE merchant_id = $1 AND next_action_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_action_at, id LIMIT 1 FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

const ADVANCE_RUN: &str = "-- advance_run
UPDATE runs
SET done_count = $4,
    state = CASE WHEN state = 'running' AND $4 >= item_count THEN 'done' ELSE state END,
    next_action_at = CASE WHEN state = 'running' AND $4 < item_count THEN $5 ELSE NULL END,
    updated_at = $5,
    lease_until = $6
WHERE merchant_id = $1
    AND id = $2
    AND lease_fence = $3
    AND done_count <= $4";

/// Name of the step that fails when somebody else works on the run now.
pub const NOT_HELD: &str = "advance_run";

/// Every item up to `done_count` has a verdict; the lease lasts until `lease_until`. The last one ends the run. Conflict
/// when the holder of `fence` holds it no longer.
pub fn advance(
    merchant_id: MerchantId,
    id: RunId,
    fence: Uuid,
    done_count: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Step {
    let args =
        vec![merchant_id.into(), id.into(), fence.into(), done_count.into(), now.into(), lease_until.into()];
    Step::one(ADVANCE_RUN, args)
}

const RELEASE_RUN: &str = "-- release_run
UPDATE runs
SET lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND lease_fence = $3";

/// Lets somebody else go on; nothing when the lease was lost.
pub fn release(merchant_id: MerchantId, id: RunId, fence: Uuid) -> Step {
    Step::any(RELEASE_RUN, vec![merchant_id.into(), id.into(), fence.into()])
}

const NEXT_DUE_RUN: &str = "-- next_due_run
SELECT MIN(next_action_at) AS due
FROM runs
WHERE next_action_at IS NOT NULL";

impl Store {
    /// Merchants that have runs due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_runs(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_RUNS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases a merchant's run that has waited longest to the holder of `fence`; none when none is due.
    pub async fn acquire_due_run(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
    ) -> Result<Option<Run>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_RUN_SQLITE,
            Dialect::Postgres => CLAIM_DUE_RUN_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into()];
        let claim = Transaction::new("acquire_due_run").with(Step::returning(sql, args));
        self.commit(claim).await?.first().map(read).transpose()
    }

    /// When the next run is due, over all merchants.
    pub async fn next_due_run(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_RUN, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }
}
