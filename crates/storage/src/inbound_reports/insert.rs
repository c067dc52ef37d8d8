//! A report comes in: its bytes first, then what they say.

use domain::ids::{GatewayId, InboundReportId, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use super::InboundReport;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_INBOUND_REPORT, TAKE_SIGNATURE, NAME_INBOUND_REPORT];

const INSERT_INBOUND_REPORT: &str = "-- insert_inbound_report
INSERT INTO inbound_reports (merchant_id, id, gateway_id, received_at, headers, host, body, kind, reference,
    gateway_reference, state, effect, tries, next_try_at, lease_until, lease_fence)
VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', '', 'received', '', 0, $4, $8, $9)";

/// Keeps a report, due at once and leased to the one who received it: when that one dies, another takes it up.
pub fn insert(report: &InboundReport, lease_until: Timestamp, fence: Uuid) -> Step {
    let headers = serde_json::to_string(&report.headers).unwrap_or_else(|_| "[]".to_owned());
    Step::one(
        INSERT_INBOUND_REPORT,
        vec![
            report.merchant_id.into(),
            report.id.into(),
            report.gateway_id.into(),
            report.received_at.into(),
            headers.into(),
            Value::from(&report.host),
            report.body.clone().into(),
            lease_until.into(),
            fence.into(),
        ],
    )
}

const TAKE_SIGNATURE: &str = "-- take_signature
INSERT INTO inbound_signatures (merchant_id, gateway_id, signature, report_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, gateway_id, signature) DO UPDATE
SET report_id = excluded.report_id
WHERE inbound_signatures.report_id = excluded.report_id";

/// Name of the step that fails when the same report was read before.
pub const SEEN_BEFORE: &str = "take_signature";

const NAME_INBOUND_REPORT: &str = "-- name_inbound_report
UPDATE inbound_reports
SET kind = $4, reference = $5, gateway_reference = $6
WHERE merchant_id = $1
    AND id = $2
    AND state = 'received'
    AND lease_fence = $3";

/// What a report says, once its signature is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// What makes a repetition the same report.
    pub signature: &'a str,
    /// What it tells, e.g. `completed`.
    pub kind: &'a str,
    /// Our reference that it names.
    pub reference: &'a str,
    /// The gateway's id.
    pub gateway_reference: &'a str,
}

/// Names what a report tells. Conflict in [`SEEN_BEFORE`] when another report came with the same signature.
pub fn name(
    merchant_id: MerchantId,
    gateway_id: GatewayId,
    id: InboundReportId,
    named: Named<'_>,
    fence: Uuid,
) -> [Step; 2] {
    let taken = vec![merchant_id.into(), gateway_id.into(), named.signature.into(), id.into()];
    let told = vec![
        merchant_id.into(),
        id.into(),
        fence.into(),
        named.kind.into(),
        named.reference.into(),
        named.gateway_reference.into(),
    ];
    [Step::one(TAKE_SIGNATURE, taken), Step::one(NAME_INBOUND_REPORT, told)]
}
