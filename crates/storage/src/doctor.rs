//! Questions whose every answer is a broken invariant (DESIGN.md section 4).

use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    PAID_TWICE,
    PAID_WITHOUT_APPROVAL,
    APPROVAL_WITHOUT_PAID,
    COMPLETE_WITHOUT_PAID,
    PAID_WITHOUT_COMPLETE,
    SALE_WITHOUT_EVENT,
    SALE_WITHOUT_FULFILMENT,
    DOUBT_WITHOUT_WORK,
    OPERATION_WITHOUT_WORK,
    GIVEN_BACK_TOO_MUCH,
    SALVAGE_WITHOUT_DECLINE,
    FIRST_CHARGE_AFTER_NEVER,
    REBILL_WITHOUT_EVENT,
    REBILL_WITHOUT_ORDER,
    CYCLE_WITHOUT_PAYMENT,
    SUBSCRIPTION_WITHOUT_WORK,
    SALVAGE_OF_ENDED,
    OVER_CARD_CAP,
];

macro_rules! broken {
    ($name:ident, $line:literal, $sql:literal) => {
        const $name: &str = concat!("-- ", $line, "\n", $sql);
    };
}

broken!(
    PAID_TWICE,
    "paid_twice",
    "SELECT merchant_id, payment_id AS id, 'payment is approved and not reversed twice' AS what
FROM attempts
WHERE state = 'approved' AND reversed_at IS NULL AND purpose = 'collect'
GROUP BY merchant_id, payment_id
HAVING COUNT(*) > 1
ORDER BY payment_id"
);
broken!(
    PAID_WITHOUT_APPROVAL,
    "paid_without_approval",
    "SELECT p.merchant_id, p.id, 'payment is paid without an approved attempt' AS what
FROM payments p
WHERE p.state = 'paid' AND NOT EXISTS (
    SELECT 1 FROM attempts a WHERE a.merchant_id = p.merchant_id AND a.payment_id = p.id
        AND a.state = 'approved' AND a.reversed_at IS NULL)
    AND NOT EXISTS (
    SELECT 1 FROM orders o WHERE o.merchant_id = p.merchant_id AND o.id = p.order_id AND o.is_test)
ORDER BY p.id"
);
broken!(
    APPROVAL_WITHOUT_PAID,
    "approval_without_paid",
    "SELECT a.merchant_id, a.id, 'attempt is approved and its payment is not paid, nor is it being undone' AS what
FROM attempts a
JOIN payments p ON p.merchant_id = a.merchant_id AND p.id = a.payment_id
WHERE a.state = 'approved' AND a.reversed_at IS NULL AND p.state <> 'paid'
    AND NOT EXISTS (
        SELECT 1 FROM operations x WHERE x.merchant_id = a.merchant_id AND x.attempt_id = a.id
            AND x.kind IN ('void', 'refund') AND x.state IN ('sending', 'in_doubt', 'done'))
    AND NOT EXISTS (
        SELECT 1 FROM alerts l WHERE l.merchant_id = a.merchant_id AND l.attempt_id = a.id AND l.closed_at IS NULL)
ORDER BY a.id"
);
broken!(
    COMPLETE_WITHOUT_PAID,
    "complete_without_paid",
    "SELECT o.merchant_id, o.id, 'order is complete without a paid payment' AS what
FROM orders o
WHERE o.status = 'complete' AND NOT EXISTS (
    SELECT 1 FROM payments p WHERE p.merchant_id = o.merchant_id AND p.order_id = o.id AND p.state = 'paid')
ORDER BY o.id"
);
broken!(
    PAID_WITHOUT_COMPLETE,
    "paid_without_complete",
    "SELECT o.merchant_id, o.id, 'payment is paid and its order is declined or pending' AS what
FROM orders o
JOIN payments p ON p.merchant_id = o.merchant_id AND p.order_id = o.id
WHERE p.state = 'paid' AND o.status IN ('partial', 'pending', 'declined')
ORDER BY o.id"
);
broken!(
    SALE_WITHOUT_EVENT,
    "sale_without_event",
    "SELECT p.merchant_id, p.id, 'payment is paid and nobody was told (no new_sale event)' AS what
FROM payments p
JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
WHERE p.state = 'paid' AND p.subscription_id IS NULL AND NOT o.is_test AND NOT EXISTS (
    SELECT 1 FROM events e WHERE e.merchant_id = p.merchant_id AND e.subject_id = p.id AND e.kind = 'new_sale')
ORDER BY p.id"
);
// The completion of a trial may pay for what was shipped at the sale: it is passed over.
broken!(
    SALE_WITHOUT_FULFILMENT,
    "sale_without_fulfilment",
    "SELECT p.merchant_id, p.id, 'payment of goods is paid and nothing is shipped' AS what
FROM payments p
JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
WHERE p.state = 'paid' AND NOT o.is_test AND o.details LIKE '%\"is_shippable\":true%' AND NOT EXISTS (
    SELECT 1 FROM fulfilments f WHERE f.merchant_id = p.merchant_id AND f.payment_id = p.id)
    AND NOT EXISTS (
    SELECT 1 FROM subscriptions s WHERE s.merchant_id = p.merchant_id AND s.id = p.subscription_id
        AND s.order_id = p.order_id)
ORDER BY p.id"
);
broken!(
    DOUBT_WITHOUT_WORK,
    "doubt_without_work",
    "SELECT merchant_id, id, 'open attempt is neither due for a check nor shown to a person' AS what
FROM attempts
WHERE state IN ('sending', 'in_doubt', 'pending') AND next_check_at IS NULL AND NOT needs_person
ORDER BY id"
);
broken!(
    OPERATION_WITHOUT_WORK,
    "operation_without_work",
    "SELECT merchant_id, id, 'open operation is neither due for a check nor shown to a person' AS what
FROM operations
WHERE state IN ('sending', 'in_doubt') AND next_check_at IS NULL AND NOT needs_person
ORDER BY id"
);
broken!(
    GIVEN_BACK_TOO_MUCH,
    "given_back_too_much",
    "SELECT a.merchant_id, a.id, 'more was given back than was taken' AS what
FROM attempts a
WHERE a.state = 'approved' AND a.approved_minor < (
    SELECT COALESCE(SUM(x.amount_minor), 0) FROM operations x
    WHERE x.merchant_id = a.merchant_id AND x.attempt_id = a.id AND x.kind IN ('void', 'refund')
        AND x.state IN ('sending', 'in_doubt', 'done'))
ORDER BY a.id"
);
broken!(
    SALVAGE_WITHOUT_DECLINE,
    "salvage_without_decline",
    "SELECT a.merchant_id, a.id, 'cascade attempt salvages nothing that was declined' AS what
FROM attempts a
WHERE a.route IN ('cascade', 'cascade_all') AND NOT EXISTS (
    SELECT 1 FROM attempts d WHERE d.merchant_id = a.merchant_id AND d.id = a.salvages AND d.state = 'declined'
        AND d.class = 'soft')
ORDER BY a.id"
);
// Which kinds only salvage is no column: the caller says it, and rows of those kinds are passed over below.
broken!(
    FIRST_CHARGE_AFTER_NEVER,
    "first_charge_after_never",
    "SELECT a.merchant_id, a.id, a.gateway_kind, 'attempt without the buyer on an ordinary gateway with a locked card' AS what
FROM attempts a
JOIN card_locks l ON l.merchant_id = a.merchant_id AND l.card_fingerprint = a.card_fingerprint
WHERE a.route IN ('cascade', 'cascade_all', 'rebill', 'recycle')
    AND a.created_at > l.created_at AND (l.until IS NULL OR a.created_at < l.until)
ORDER BY a.id"
);

broken!(
    REBILL_WITHOUT_EVENT,
    "rebill_without_event",
    "SELECT p.merchant_id, p.id, 'billing cycle is paid and was not told exactly once (recurring_order event)' AS what
FROM payments p
WHERE p.state = 'paid' AND p.subscription_id IS NOT NULL AND 1 <> (
    SELECT COUNT(*) FROM events e WHERE e.merchant_id = p.merchant_id AND e.subject_id = p.id
        AND e.kind = 'recurring_order')
ORDER BY p.id"
);
// Only the completion of a trial is booked on the order that the subscription began on (Q24).
broken!(
    REBILL_WITHOUT_ORDER,
    "rebill_without_order",
    "SELECT p.merchant_id, p.id, 'billing cycle is paid and has no order of its own' AS what
FROM payments p
JOIN subscriptions s ON s.merchant_id = p.merchant_id AND s.id = p.subscription_id
WHERE p.state = 'paid' AND p.order_id <> s.order_id AND NOT EXISTS (
    SELECT 1 FROM orders o WHERE o.merchant_id = p.merchant_id AND o.id = p.order_id
        AND o.subscription_id = p.subscription_id AND o.total_minor = p.amount_minor)
ORDER BY p.id"
);
// A cycle that was paid stays paid when its money is given back later, so what was told counts.
broken!(
    CYCLE_WITHOUT_PAYMENT,
    "cycle_without_payment",
    "SELECT s.merchant_id, s.id, 'subscription counts other cycles than were paid' AS what
FROM subscriptions s
WHERE s.cycle <> 1 + (
    SELECT COUNT(*)
    FROM payments p
    JOIN events e ON e.merchant_id = p.merchant_id AND e.subject_id = p.id AND e.kind = 'recurring_order'
    WHERE p.merchant_id = s.merchant_id AND p.subscription_id = s.id)
ORDER BY s.id"
);
broken!(
    SUBSCRIPTION_WITHOUT_WORK,
    "subscription_without_work",
    "SELECT s.merchant_id, s.id, 'subscription is to be billed, and is neither due nor being collected' AS what
FROM subscriptions s
WHERE s.status IN ('trial', 'active', 'pause_scheduled', 'cancellation_scheduled', 'recycle_billing')
    AND s.next_action_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM attempts a WHERE a.merchant_id = s.merchant_id AND a.payment_id = s.collecting
        AND a.state IN ('sending', 'in_doubt', 'pending'))
    AND NOT EXISTS (
    SELECT 1 FROM alerts l WHERE l.merchant_id = s.merchant_id AND l.order_id = s.order_id AND l.kind = 'bill_lost'
        AND l.closed_at IS NULL)
ORDER BY s.id"
);
broken!(
    SALVAGE_OF_ENDED,
    "salvage_of_ended",
    "SELECT a.merchant_id, a.id, 'open salvage of a subscription that ended or rests, and nobody asked to stop it' AS what
FROM attempts a
JOIN payments p ON p.merchant_id = a.merchant_id AND p.id = a.payment_id
JOIN subscriptions s ON s.merchant_id = p.merchant_id AND s.id = p.subscription_id
WHERE a.state IN ('sending', 'in_doubt', 'pending') AND a.deadline_at IS NOT NULL AND a.cancel_asked_at IS NULL
    AND s.status IN ('paused', 'complete', 'cancelled', 'recycle_failed')
ORDER BY a.id"
);
// The caps of domain::network_rules: 15 in 30 days, and 8 in 24 hours with a card of Mastercard's. Only what counted
// then counts here: an attempt that was approved since, or provably did nothing, is passed over.
broken!(
    OVER_CARD_CAP,
    "over_card_cap",
    "SELECT a.merchant_id, a.id, 'bill was attempted when the attempts of its card had reached their cap' AS what
FROM attempts a
WHERE a.route IN ('rebill', 'recycle') AND (15 <= (
    SELECT COUNT(*) FROM attempts b
        WHERE b.merchant_id = a.merchant_id AND b.card_fingerprint = a.card_fingerprint
            AND b.created_at < a.created_at AND b.created_at >= a.created_at - 2592000000000
            AND b.state NOT IN ('approved', 'not_executed')
            AND NOT (b.state = 'declined' AND b.reason = 'merchant_config')) OR (EXISTS (
        SELECT 1 FROM cards c WHERE c.merchant_id = a.merchant_id AND c.id = a.card_id
            AND c.brand IN ('mastercard', 'maestro'))
    AND 8 <= (
    SELECT COUNT(*) FROM attempts b
        WHERE b.merchant_id = a.merchant_id AND b.card_fingerprint = a.card_fingerprint
            AND b.created_at < a.created_at AND b.created_at >= a.created_at - 86400000000
            AND b.state NOT IN ('approved', 'not_executed')
            AND NOT (b.state = 'declined' AND b.reason = 'merchant_config'))))
ORDER BY a.id"
);

/// A broken invariant: which one, and what breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The invariant's name, e.g. `paid_twice`.
    pub invariant: String,
    /// What is wrong, in words.
    pub what: String,
    /// The id of the row, 26 characters.
    pub id: String,
}

impl Store {
    /// Every broken invariant; and how many were checked. `salvage_kinds` are the gateway kinds that only salvage
    /// declines: a locked card may still be handed to them (M28).
    pub async fn list_broken_invariants(
        &self,
        salvage_kinds: &[&str],
    ) -> Result<(Vec<Broken>, usize), StoreError> {
        let mut broken = Vec::new();
        for sql in ALL {
            let statement = Statement::new(sql, vec![]);
            let name = statement.name();
            for row in self.query(statement).await? {
                if *sql == FIRST_CHARGE_AFTER_NEVER
                    && salvage_kinds.contains(&row.text("gateway_kind")?.as_str())
                {
                    continue;
                }
                let id: domain::ids::OrderId = row.id("id")?;
                broken.push(Broken { invariant: name.to_owned(), what: row.text("what")?, id: id.base32() });
            }
        }
        Ok((broken, ALL.len()))
    }
}
