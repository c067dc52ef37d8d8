//! What comes of a report: its end, another try later, or nothing when it is a repetition.

use domain::ids::{AttemptId, GatewayId, InboundReportId, MerchantId, OperationId};
use jiff::Timestamp;
use uuid::Uuid;

use super::ReportState;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[END_INBOUND_REPORT, RETRY_INBOUND_REPORT, DISCARD_INBOUND_REPORT, TRIM_REFUSED_REPORTS];

const END_INBOUND_REPORT: &str = "-- end_inbound_report
UPDATE inbound_reports
SET state = $4,
    effect = $5,
    attempt_id = $6,
    operation_id = $7,
    tries = tries + 1,
    next_try_at = NULL,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND state = 'received'
    AND lease_fence = $3";

/// Name of the step that fails when somebody else works on the report, or has ended it.
pub const LEASE_LOST: &str = "end_inbound_report";

/// How a report ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Anything but [`ReportState::Received`].
    pub state: ReportState,
    /// What came of it, in one sentence.
    pub effect: String,
    /// The attempt that it is about.
    pub attempt_id: Option<AttemptId>,
    /// The refund that it tells of.
    pub operation_id: Option<OperationId>,
}

/// Ends a report. Conflict in [`LEASE_LOST`] when the lease has gone to somebody else: what stands in the same
/// transaction then does not happen either.
pub fn end(merchant_id: MerchantId, id: InboundReportId, ended: &Ended, fence: Uuid) -> Step {
    Step::one(
        END_INBOUND_REPORT,
        vec![
            merchant_id.into(),
            id.into(),
            fence.into(),
            ended.state.as_str().into(),
            Value::from(&ended.effect),
            Value::id(ended.attempt_id),
            Value::id(ended.operation_id),
        ],
    )
}

const RETRY_INBOUND_REPORT: &str = "-- retry_inbound_report
UPDATE inbound_reports
SET effect = $4,
    tries = tries + 1,
    next_try_at = $5,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND state = 'received'
    AND lease_fence = $3";

/// Cannot be applied yet, for this reason: tried again then. Nothing when the lease has gone to somebody else.
pub fn wait(merchant_id: MerchantId, id: InboundReportId, why: &str, at: Timestamp, fence: Uuid) -> Step {
    Step::any(RETRY_INBOUND_REPORT, vec![merchant_id.into(), id.into(), fence.into(), why.into(), at.into()])
}

const DISCARD_INBOUND_REPORT: &str = "-- discard_inbound_report
DELETE FROM inbound_reports
WHERE merchant_id = $1
    AND id = $2
    AND state = 'received'
    AND lease_fence = $3";

/// Forgets a repetition of a report that is kept already.
pub fn discard(merchant_id: MerchantId, id: InboundReportId, fence: Uuid) -> Step {
    Step::any(DISCARD_INBOUND_REPORT, vec![merchant_id.into(), id.into(), fence.into()])
}

const TRIM_REFUSED_REPORTS: &str = "-- trim_refused_reports
DELETE FROM inbound_reports
WHERE merchant_id = $1
    AND state = 'refused'
    AND id IN (
        SELECT id
        FROM inbound_reports
        WHERE merchant_id = $1 AND gateway_id = $2 AND state = 'refused'
        ORDER BY received_at DESC, id DESC
        LIMIT 100 OFFSET CAST($3 AS BIGINT))";

/// Keeps only the newest `kept` refused reports of a gateway, so that a flood of forged ones fills no disk.
pub fn trim_refused(merchant_id: MerchantId, gateway_id: GatewayId, kept: i64) -> Step {
    Step::any(TRIM_REFUSED_REPORTS, vec![merchant_id.into(), gateway_id.into(), kept.into()])
}
