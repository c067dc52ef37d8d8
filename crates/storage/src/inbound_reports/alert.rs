//! Alerts about reports: raised once, and not again while they are open.

use crate::alerts::Alert;
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[ALERT_ONCE];

const ALERT_ONCE: &str = "-- alert_once
INSERT INTO alerts (merchant_id, id, kind, order_id, attempt_id, words, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7
FROM merchants
WHERE merchants.id = $1
    AND NOT EXISTS (
        SELECT 1 FROM alerts
        WHERE alerts.merchant_id = $1
            AND alerts.kind = $3
            AND alerts.closed_at IS NULL
            AND (alerts.attempt_id = $5 OR ($5 IS NULL AND alerts.attempt_id IS NULL AND alerts.words = $6)))";

/// Raises an alert unless one of its kind is open already: about the same attempt, or, without an attempt, with the same
/// words.
pub fn alert_once(alert: &Alert) -> Step {
    Step::any(
        ALERT_ONCE,
        vec![
            alert.merchant_id.into(),
            alert.id.into(),
            Value::from(&alert.kind),
            Value::id(alert.order_id),
            Value::id(alert.attempt_id),
            Value::from(&alert.words),
            alert.created_at.into(),
        ],
    )
}
