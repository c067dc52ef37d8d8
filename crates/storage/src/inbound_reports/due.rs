//! Reports that are due, claimed merchant by merchant.

use domain::ids::MerchantId;
use jiff::Timestamp;
use uuid::Uuid;

use super::{InboundReport, read};
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[LIST_MERCHANTS_WITH_DUE_REPORTS, NEXT_DUE_REPORT, CLAIM_DUE_REPORTS_SQLITE, CLAIM_DUE_REPORTS_POSTGRES];

const LIST_MERCHANTS_WITH_DUE_REPORTS: &str = "-- list_merchants_with_due_reports
SELECT merchant_id
FROM inbound_reports
WHERE next_try_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_try_at)
LIMIT CAST($2 AS BIGINT)";

const NEXT_DUE_REPORT: &str = "-- next_due_report
SELECT MIN(next_try_at) AS due
FROM inbound_reports
WHERE next_try_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming (see attempts).
const CLAIM_DUE_REPORTS_SQLITE: &str = concat!(
    "-- claim_due_reports_sqlite
UPDATE inbound_reports
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM inbound_reports
        WHERE merchant_id = $1 AND next_try_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_try_at LIMIT CAST($5 AS BIGINT))
RETURNING ",
    columns!()
);

const CLAIM_DUE_REPORTS_POSTGRES: &str = concat!(
    "-- claim_due_reports_postgres
UPDATE inbound_reports
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM inbound_reports
        WHERE merchant_id = $1 AND next_try_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_try_at LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

impl Store {
    /// Merchants that have reports due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_reports(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_REPORTS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due reports of one merchant to the holder of `fence`, in the order in which they are due.
    pub async fn acquire_due_reports(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<InboundReport>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_REPORTS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_REPORTS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_reports").with(Step::returning(sql, args));
        let rows = self.commit(claim).await?;
        let mut claimed: Vec<InboundReport> = rows.iter().map(read).collect::<Result<_, _>>()?;
        claimed.sort_by_key(|report| (report.next_try_at, report.received_at, report.id));
        Ok(claimed)
    }

    /// When the next report is due, over all merchants.
    pub async fn next_due_report(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_REPORT, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }
}
