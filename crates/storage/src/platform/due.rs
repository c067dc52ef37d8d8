//! Recoveries that are due: open ones for their next step, holds whose capture nobody asked for.

use domain::ids::{MerchantId, RecoveryId};
use jiff::Timestamp;
use uuid::Uuid;

use super::recovery::{Recovery, read};
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_RECOVERIES,
    CLAIM_DUE_RECOVERIES_SQLITE,
    CLAIM_DUE_RECOVERIES_POSTGRES,
    NEXT_DUE_RECOVERY,
    BEGIN_STEP,
    POSTPONE_RECOVERY,
    HURRY_RECOVERIES,
];

const LIST_MERCHANTS_WITH_DUE_RECOVERIES: &str = "-- list_merchants_with_due_recoveries
SELECT merchant_id
FROM recoveries
WHERE due_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(due_at)
LIMIT CAST($2 AS BIGINT)";

const NEXT_DUE_RECOVERY: &str = "-- next_due_recovery
SELECT MIN(due_at) AS due
FROM recoveries
WHERE due_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming.
const CLAIM_DUE_RECOVERIES_SQLITE: &str = concat!(
    "-- claim_due_recoveries_sqlite
UPDATE recoveries
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM recoveries
        WHERE merchant_id = $1 AND due_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY due_at LIMIT CAST($5 AS BIGINT))
RETURNING ",
    columns!()
);

const CLAIM_DUE_RECOVERIES_POSTGRES: &str = concat!(
    "-- claim_due_recoveries_postgres
UPDATE recoveries
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM recoveries
        WHERE merchant_id = $1 AND due_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY due_at LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

const BEGIN_STEP: &str = "-- begin_step
UPDATE recoveries
SET steps = steps + 1,
    due_at = $4,
    reason = $5,
    updated_at = $6,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND lease_fence = $3
    AND state = 'open'";

/// Name of the step that fails when an open recovery is not ours to work on any more.
pub const LEASE_LOST: &str = "begin_step";

/// Part of the intent of an own attempt: counts the step and sets when the next one is due, while the lease is ours.
pub fn begin_step(
    merchant_id: MerchantId,
    id: RecoveryId,
    fence: Uuid,
    next_at: Timestamp,
    reason: &str,
    at: Timestamp,
) -> Step {
    let args = vec![merchant_id.into(), id.into(), fence.into(), next_at.into(), reason.into(), at.into()];
    Step::one(BEGIN_STEP, args)
}

const POSTPONE_RECOVERY: &str = "-- postpone_recovery
UPDATE recoveries
SET due_at = $4,
    reason = COALESCE($5, reason),
    updated_at = $6,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND lease_fence = $3
    AND due_at IS NOT NULL";

/// Gives a leased recovery back, to be looked at then. Nothing happens when the lease is not ours any more.
pub fn postpone_recovery(
    merchant_id: MerchantId,
    id: RecoveryId,
    fence: Uuid,
    next_at: Timestamp,
    reason: Option<&str>,
    at: Timestamp,
) -> Step {
    let reason = reason.map(ToOwned::to_owned);
    let args = vec![merchant_id.into(), id.into(), fence.into(), next_at.into(), reason.into(), at.into()];
    Step::any(POSTPONE_RECOVERY, args)
}

const HURRY_RECOVERIES: &str = "-- hurry_recoveries
UPDATE recoveries
SET due_at = $3
WHERE merchant_id = $1
    AND external_order_id = $2
    AND state = 'open'
    AND due_at > $3";

/// Makes open recoveries of an order due now: a cancel has fenced it, and somebody must look.
pub fn hurry_recoveries(merchant_id: MerchantId, external_order_id: &str, at: Timestamp) -> Step {
    Step::any(HURRY_RECOVERIES, vec![merchant_id.into(), external_order_id.into(), at.into()])
}

impl Store {
    /// Merchants that have a due recovery which nobody has leased, the longest due first.
    pub async fn list_merchants_with_due_recoveries(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_RECOVERIES, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due recoveries of one merchant.
    pub async fn acquire_due_recoveries(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<Recovery>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_RECOVERIES_SQLITE,
            Dialect::Postgres => CLAIM_DUE_RECOVERIES_POSTGRES,
        };
        let args: Vec<Value> =
            vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_recoveries").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next recovery is due, over all merchants.
    pub async fn next_due_recovery(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.query_one(Statement::new(NEXT_DUE_RECOVERY, vec![])).await?;
        row.map_or(Ok(None), |row| row.opt_at("due"))
    }
}
