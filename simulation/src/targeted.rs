//! What must hold for the payments that a step touched, asked after every commit that is about money.

use anyhow::Result;
use storage::{Statement, Store, Value};
use uuid::Uuid;

/// How many invariants [`broken`] asks about.
pub(crate) const COUNT: usize = 6;

const TOUCHED: &str = "-- touched_payments
WITH touched (id) AS (SELECT unhex(value) FROM json_each($1)),
seen AS (
    SELECT a.* FROM attempts a WHERE a.merchant_id IN (SELECT id FROM touched) AND (
        a.id IN (SELECT id FROM touched) OR a.payment_id IN (SELECT id FROM touched))
)
SELECT 'paid_twice' AS what, hex(s.payment_id) AS id
FROM seen s
WHERE (SELECT COUNT(*) FROM attempts b WHERE b.merchant_id = s.merchant_id AND b.payment_id = s.payment_id
    AND b.state = 'approved' AND b.reversed_at IS NULL AND b.purpose = 'collect') > 1
UNION ALL
SELECT 'two_live', hex(s.payment_id)
FROM seen s
WHERE (SELECT COUNT(*) FROM attempts b WHERE b.merchant_id = s.merchant_id AND b.payment_id = s.payment_id
    AND b.purpose = s.purpose
    AND (b.state IN ('sending', 'in_doubt', 'pending') OR (b.state = 'approved' AND b.reversed_at IS NULL))) > 1
UNION ALL
SELECT 'own_attempt_after_never', hex(s.id)
FROM seen s
JOIN card_locks l ON l.merchant_id = s.merchant_id AND l.card_fingerprint = s.card_fingerprint
WHERE s.route IN ('rebill', 'recycle', 'cascade', 'cascade_all') AND s.gateway_kind = 'nmi'
    AND s.created_at > l.created_at AND (l.until IS NULL OR s.created_at < l.until)
UNION ALL
SELECT 'attempt_after_the_end', hex(s.id)
FROM seen s
JOIN payments p ON p.merchant_id = s.merchant_id AND p.id = s.payment_id
JOIN subscriptions c ON c.merchant_id = p.merchant_id AND c.id = p.subscription_id
WHERE s.route IN ('rebill', 'recycle') AND s.state = 'sending'
    AND c.status IN ('cancelled', 'complete', 'paused', 'recycle_failed') AND s.created_at > c.updated_at
UNION ALL
SELECT 'cascade_after_cancellation', hex(s.id)
FROM seen s
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.route IN ('cascade', 'cascade_all', 'rerun', 'reimport') AND s.state = 'sending'
    AND o.status IN ('cancelled', 'refunded') AND s.created_at > o.updated_at
UNION ALL
SELECT 'over_card_cap', hex(s.id)
FROM seen s
WHERE s.route IN ('rebill', 'recycle') AND 15 <= (
    SELECT COUNT(*) FROM attempts b
    WHERE b.merchant_id = s.merchant_id AND b.card_fingerprint = s.card_fingerprint
        AND b.created_at < s.created_at AND b.created_at >= s.created_at - 2592000000000
        AND b.state NOT IN ('approved', 'not_executed') AND NOT (b.state = 'declined' AND b.reason = 'merchant_config'))";

/// What is broken about the payments and attempts with these ids.
pub(crate) async fn broken(store: &Store, ids: &[Uuid]) -> Result<Vec<String>> {
    let hex: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    let list = Value::Text(Some(serde_json::to_string(&hex)?));
    let rows = store.backend().query(Statement::new(TOUCHED, vec![list])).await?;
    rows.iter().map(|row| Ok(format!("{} {}", row.text("what")?, row.text("id")?))).collect()
}
