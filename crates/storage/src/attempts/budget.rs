//! Attempts with one card, counted under its budget (M28).

use domain::ids::MerchantId;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[COUNT_ATTEMPTS_OF_CARD, WITHIN_CARD_CAPS];

const COUNT_ATTEMPTS_OF_CARD: &str = "-- count_attempts_of_card
SELECT
    CAST(COALESCE(SUM(CASE WHEN created_at >= $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS day_count,
    CAST(COUNT(*) AS BIGINT) AS month_count
FROM attempts
WHERE merchant_id = $1
    AND card_fingerprint = $2
    AND created_at >= $4
    AND NOT (state = 'not_executed' OR (state = 'declined' AND reason = 'merchant_config'))";

const WITHIN_CARD_CAPS: &str = "-- within_card_caps
SELECT CAST(1 AS BIGINT) AS fits
FROM (
    SELECT
        COALESCE(SUM(CASE WHEN created_at >= $3 THEN 1 ELSE 0 END), 0) AS day_count,
        COUNT(*) AS month_count
    FROM attempts
    WHERE merchant_id = $1
        AND card_fingerprint = $2
        AND created_at >= $4
        AND NOT (state = 'not_executed' OR (state = 'declined' AND reason = 'merchant_config'))) AS counted
WHERE day_count < $5
    AND month_count < $6";

/// Name of the step that fails when the card's budget is used up.
pub const OVER_CARD_CAPS: &str = "within_card_caps";

/// Requires room under a card's caps: fewer than `caps.0` attempts since `day`, fewer than `caps.1` since `month`.
/// Stands after [`crate::cards::lock_budget`] in the transaction of the intent: counting under a limit needs a lock.
pub fn require_card_caps(
    merchant_id: MerchantId,
    fingerprint: &str,
    day: Timestamp,
    month: Timestamp,
    caps: (i64, i64),
) -> Step {
    Step::require(
        WITHIN_CARD_CAPS,
        vec![merchant_id.into(), fingerprint.into(), day.into(), month.into(), caps.0.into(), caps.1.into()],
    )
}

impl Store {
    /// Attempts with a card since two moments: those that count in its budget (M4, M28).
    pub async fn count_attempts_of_card(
        &self,
        merchant_id: MerchantId,
        fingerprint: &str,
        day: Timestamp,
        month: Timestamp,
    ) -> Result<(i64, i64), StoreError> {
        let args = vec![merchant_id.into(), fingerprint.into(), day.into(), month.into()];
        match self.query_one(Statement::new(COUNT_ATTEMPTS_OF_CARD, args)).await? {
            Some(row) => Ok((row.int("day_count")?, row.int("month_count")?)),
            None => Ok((0, 0)),
        }
    }
}
