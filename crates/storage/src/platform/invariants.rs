//! Questions about recoveries whose every answer is a broken invariant (DESIGN.md section 4).

use domain::ids::RecoveryId;

use crate::doctor::Broken;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    RECOVERY_WITHOUT_WORK,
    RECOVERED_WITHOUT_PAID,
    PAID_WITHOUT_RECOVERED,
    ENDED_WITHOUT_EVENT,
    ATTEMPT_AFTER_EXPIRY,
];

const RECOVERY_WITHOUT_WORK: &str = "-- recovery_without_work
SELECT r.merchant_id, r.id, 'recovery waits for an acquirer that nobody asks' AS what
FROM recoveries r
WHERE r.state = 'processing' AND NOT EXISTS (
    SELECT 1 FROM attempts a WHERE a.merchant_id = r.merchant_id AND a.payment_id = r.payment_id
        AND a.state IN ('sending', 'in_doubt', 'pending'))
ORDER BY r.id";

const RECOVERED_WITHOUT_PAID: &str = "-- recovered_without_paid
SELECT r.merchant_id, r.id, 'recovery is answered approved and its payment is not' AS what
FROM recoveries r
WHERE r.state IN ('approved', 'capture_required') AND NOT EXISTS (
    SELECT 1 FROM payments p WHERE p.merchant_id = r.merchant_id AND p.id = r.payment_id AND p.state = 'paid')
ORDER BY r.id";

const PAID_WITHOUT_RECOVERED: &str = "-- paid_without_recovered
SELECT a.merchant_id, a.id, 'attempt is approved, its recovery is not, and nothing undoes it' AS what
FROM attempts a
JOIN recoveries r ON r.merchant_id = a.merchant_id AND r.payment_id = a.payment_id
WHERE a.state = 'approved' AND a.reversed_at IS NULL AND r.state NOT IN ('approved', 'capture_required')
    AND NOT EXISTS (
        SELECT 1 FROM operations x WHERE x.merchant_id = a.merchant_id AND x.attempt_id = a.id
            AND x.kind IN ('void', 'refund') AND x.state IN ('sending', 'in_doubt', 'done'))
    AND NOT EXISTS (
        SELECT 1 FROM alerts l WHERE l.merchant_id = a.merchant_id AND l.attempt_id = a.id AND l.closed_at IS NULL)
ORDER BY a.id";

// A hopeless one is declined in its evaluate's answer, before any step: nobody needs to be told of it.
const ENDED_WITHOUT_EVENT: &str = "-- ended_without_event
SELECT r.merchant_id, r.id, 'managed recovery has ended and nobody is told' AS what
FROM recoveries r
WHERE r.expires_at IS NOT NULL AND r.answered = 'SUBMITTED'
    AND r.state IN ('approved', 'refunded', 'declined', 'cancelled', 'expired')
    AND NOT EXISTS (
        SELECT 1 FROM platform_events e WHERE e.merchant_id = r.merchant_id AND e.recovery_id = r.id
            AND e.kind = CASE WHEN r.state = 'expired' THEN 'order.expired'
                WHEN r.state IN ('approved', 'refunded') THEN 'order.completed' ELSE 'order.cancelled' END)
ORDER BY r.id";

const ATTEMPT_AFTER_EXPIRY: &str = "-- attempt_after_expiry
SELECT a.merchant_id, a.id, 'own attempt was begun after its recovery had expired' AS what
FROM attempts a
JOIN recoveries r ON r.merchant_id = a.merchant_id AND r.payment_id = a.payment_id
WHERE r.expires_at IS NOT NULL AND a.created_at >= r.expires_at
ORDER BY a.id";

impl Store {
    /// Every broken invariant of recoveries; and how many were checked.
    pub async fn list_broken_recoveries(&self) -> Result<(Vec<Broken>, usize), StoreError> {
        let mut broken = Vec::new();
        for sql in ALL {
            let statement = Statement::new(sql, vec![]);
            let name = statement.name();
            for row in self.query(statement).await? {
                let id: RecoveryId = row.id("id")?;
                broken.push(Broken { invariant: name.to_owned(), what: row.text("what")?, id: id.base32() });
            }
        }
        Ok((broken, ALL.len()))
    }
}
