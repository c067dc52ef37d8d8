//! Reports by id, time and attempt, and the merchant whose gateway they come in for.

use domain::ids::{AttemptId, GatewayId, InboundReportId, MerchantId, OperationId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{InboundReport, ReportState, read};
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[FIND_INBOUND_REPORT, LIST_INBOUND_REPORTS, LIST_REPORTED_OPERATIONS, FIND_MERCHANT_OF_GATEWAY];

const FIND_INBOUND_REPORT: &str = concat!(
    "-- find_inbound_report
SELECT ",
    columns!(),
    "
FROM inbound_reports
WHERE merchant_id = $1
    AND id = $2"
);

const LIST_INBOUND_REPORTS: &str = concat!(
    "-- list_inbound_reports
SELECT ",
    columns!(),
    "
FROM inbound_reports
WHERE merchant_id = $1
    AND ($2 IS NULL OR state = $2)
    AND (received_at, id) < ($3, $4)
ORDER BY received_at DESC, id DESC
LIMIT CAST($5 AS BIGINT)"
);

const LIST_REPORTED_OPERATIONS: &str = "-- list_reported_operations
SELECT operation_id
FROM inbound_reports
WHERE merchant_id = $1
    AND attempt_id = $2
    AND operation_id IS NOT NULL
ORDER BY received_at, id";

const FIND_MERCHANT_OF_GATEWAY: &str = "-- find_merchant_of_gateway
SELECT merchant_id
FROM configuration
WHERE resource = 'gateway'
    AND id = $1
ORDER BY merchant_id
LIMIT 1";

impl Store {
    /// A report.
    pub async fn find_inbound_report(
        &self,
        merchant_id: MerchantId,
        id: InboundReportId,
    ) -> Result<Option<InboundReport>, StoreError> {
        let statement = Statement::new(FIND_INBOUND_REPORT, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Reports, newest first: those before the one that came in at that moment under that id.
    pub async fn list_inbound_reports(
        &self,
        merchant_id: MerchantId,
        state: Option<ReportState>,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<InboundReport>, StoreError> {
        let (at, id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_microsecond(), id));
        let args = vec![
            merchant_id.into(),
            Value::Text(state.map(|state| state.as_str().to_owned())),
            at.into(),
            id.into(),
            limit.into(),
        ];
        self.query(Statement::new(LIST_INBOUND_REPORTS, args)).await?.iter().map(read).collect()
    }

    /// The refunds of an attempt that reports were about.
    pub async fn list_reported_operations(
        &self,
        merchant_id: MerchantId,
        attempt_id: AttemptId,
    ) -> Result<Vec<OperationId>, StoreError> {
        let args = vec![merchant_id.into(), attempt_id.into()];
        let rows = self.query(Statement::new(LIST_REPORTED_OPERATIONS, args)).await?;
        rows.iter().map(|row| row.id("operation_id")).collect()
    }

    /// Whose gateway this is; none when nobody has one of this id.
    pub async fn find_merchant_of_gateway(&self, id: GatewayId) -> Result<Option<MerchantId>, StoreError> {
        let found = self.query_one(Statement::new(FIND_MERCHANT_OF_GATEWAY, vec![id.into()])).await?;
        found.map(|row| row.id("merchant_id")).transpose()
    }
}
