//! Captures, voids and refunds that are due, and their leases.

use domain::ids::{MerchantId, OperationId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Operation, read};
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_OPERATIONS,
    NEXT_DUE_OPERATION,
    CLAIM_DUE_OPERATIONS_SQLITE,
    CLAIM_DUE_OPERATIONS_POSTGRES,
    HOLD_OPERATION,
];

const LIST_MERCHANTS_WITH_DUE_OPERATIONS: &str = "-- list_merchants_with_due_operations
SELECT merchant_id
FROM operations
WHERE next_check_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_check_at)
LIMIT CAST($2 AS BIGINT)";

const NEXT_DUE_OPERATION: &str = "-- next_due_operation
SELECT MIN(next_check_at) AS due
FROM operations
WHERE next_check_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming. ARRAY makes it
// choose them once; as a join, the limit could be counted anew.
const CLAIM_DUE_OPERATIONS_SQLITE: &str = concat!(
    "-- claim_due_operations_sqlite
UPDATE operations
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM operations
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT CAST($5 AS BIGINT))
RETURNING ",
    columns!()
);

const CLAIM_DUE_OPERATIONS_POSTGRES: &str = concat!(
    "-- claim_due_operations_postgres
UPDATE operations
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM operations
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

const HOLD_OPERATION: &str = "-- hold_operation
UPDATE operations
SET lease_until = $4,
    sent_at = $5,
    code = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND lease_fence = $3";

/// Name of the step that fails when the lease has gone to somebody else.
pub const LEASE_LOST: &str = "hold_operation";

/// Keeps a lease until `lease_until`, just before a request is sent under it at `now`: whoever has lost it sends nothing. That an
/// earlier request never left says nothing of this one, so [`super::NOT_SENT`] is forgotten first: a process that dies
/// before it can say more leaves an operation that is asked about (M16).
pub fn hold(
    merchant_id: MerchantId,
    id: OperationId,
    fence: Uuid,
    lease_until: Timestamp,
    now: Timestamp,
) -> Step {
    let args = vec![merchant_id.into(), id.into(), fence.into(), lease_until.into(), now.into()];
    Step::one(HOLD_OPERATION, args)
}

impl Store {
    /// Merchants that have operations due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_operations(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_OPERATIONS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due operations of one merchant to the holder of `fence`.
    pub async fn acquire_due_operations(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<Operation>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_OPERATIONS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_OPERATIONS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_operations").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next operation is due, over all merchants.
    pub async fn next_due_operation(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_OPERATION, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }
}
