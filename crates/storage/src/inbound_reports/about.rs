//! Which attempts a report is about that names nothing but the gateway's own id.

use domain::ids::{AttemptId, GatewayId, MerchantId};

use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[LIST_ATTEMPTS_BY_GATEWAY_REFERENCE];

// A late approval may be known by an id that its attempt, which had ended before, never learned.
const LIST_ATTEMPTS_BY_GATEWAY_REFERENCE: &str = "-- list_attempts_by_gateway_reference
SELECT id
FROM attempts
WHERE merchant_id = $1
    AND gateway_id = $2
    AND gateway_reference = $3
    AND salvages IS NOT NULL
UNION
SELECT attempt_id AS id
FROM late_approvals
WHERE merchant_id = $1
    AND gateway_id = $2
    AND gateway_reference = $3
ORDER BY id
LIMIT CAST($4 AS BIGINT)";

impl Store {
    /// Attempts to salvage a decline that one gateway knows under this id of its own, oldest first. An empty id names none.
    pub async fn list_attempts_by_gateway_reference(
        &self,
        merchant_id: MerchantId,
        gateway_id: GatewayId,
        gateway_reference: &str,
        limit: i64,
    ) -> Result<Vec<AttemptId>, StoreError> {
        if gateway_reference.is_empty() {
            return Ok(Vec::new());
        }
        let args = vec![merchant_id.into(), gateway_id.into(), gateway_reference.into(), limit.into()];
        let rows = self.query(Statement::new(LIST_ATTEMPTS_BY_GATEWAY_REFERENCE, args)).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}
