//! Late approvals that are due, claimed merchant by merchant.

use domain::ids::MerchantId;
use jiff::Timestamp;
use uuid::Uuid;

use super::{LateApproval, read};
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_LATE_APPROVALS,
    NEXT_DUE_LATE_APPROVAL,
    CLAIM_DUE_LATE_APPROVALS_SQLITE,
    CLAIM_DUE_LATE_APPROVALS_POSTGRES,
];

const LIST_MERCHANTS_WITH_DUE_LATE_APPROVALS: &str = "-- list_merchants_with_due_late_approvals
SELECT merchant_id
FROM late_approvals
WHERE next_action_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_action_at)
LIMIT CAST($2 AS BIGINT)";

const NEXT_DUE_LATE_APPROVAL: &str = "-- next_due_late_approval
SELECT MIN(next_action_at) AS due
FROM late_approvals
WHERE next_action_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming (see attempts).
const CLAIM_DUE_LATE_APPROVALS_SQLITE: &str = concat!(
    "-- claim_due_late_approvals_sqlite
UPDATE late_approvals
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND attempt_id IN (
        SELECT attempt_id FROM late_approvals
        WHERE merchant_id = $1 AND next_action_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_action_at LIMIT CAST($5 AS BIGINT))
RETURNING ",
    columns!()
);

const CLAIM_DUE_LATE_APPROVALS_POSTGRES: &str = concat!(
    "-- claim_due_late_approvals_postgres
UPDATE late_approvals
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND attempt_id = ANY (ARRAY(
        SELECT attempt_id FROM late_approvals
        WHERE merchant_id = $1 AND next_action_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_action_at LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

impl Store {
    /// Merchants that have late approvals due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_late_approvals(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement =
            Statement::new(LIST_MERCHANTS_WITH_DUE_LATE_APPROVALS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due late approvals of one merchant to the holder of `fence`.
    pub async fn acquire_due_late_approvals(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<LateApproval>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_LATE_APPROVALS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_LATE_APPROVALS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_late_approvals").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next late approval is due, over all merchants.
    pub async fn next_due_late_approval(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_LATE_APPROVAL, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }
}
