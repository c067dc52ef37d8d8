//! Changes of recoveries.

use domain::ids::{MerchantId, RecoveryId};
use jiff::Timestamp;

use super::recovery::{Recovery, RecoveryState};
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_RECOVERY, MOVE_RECOVERY, REFUND_RECOVERY, CHARGE_BACK_RECOVERY];

const INSERT_RECOVERY: &str = "-- insert_recovery
INSERT INTO recoveries (merchant_id, id, external_order_id, idempotency_key, fingerprint, state, answered, reason,
    amount_minor, currency, purpose, initiator, payment_id, refunded_minor, details, created_at, updated_at,
    email_lower, expires_at, card_id, card_expires, steps, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19, $20, $21, $22)
ON CONFLICT DO NOTHING";

/// Name of the step that fails when the key was used, or another recovery of the same order is live.
pub const RECOVERY_EXISTS: &str = "insert_recovery";

/// A new recovery, found again by `email`; conflict when its key was used before, or another recovery of the same order
/// is live.
pub fn insert_recovery(recovery: &Recovery, email: &str) -> Step {
    let managed = recovery.managed.as_ref();
    Step::one(
        INSERT_RECOVERY,
        vec![
            recovery.merchant_id.into(),
            recovery.id.into(),
            Value::from(&recovery.external_order_id),
            Value::from(&recovery.idempotency_key),
            Value::from(&recovery.fingerprint),
            recovery.state.as_str().into(),
            recovery.answered.clone().into(),
            Value::from(&recovery.reason),
            recovery.amount.minor().into(),
            recovery.amount.currency().code().into(),
            recovery.purpose.as_str().into(),
            recovery.initiator.as_str().into(),
            Value::id(recovery.payment_id),
            recovery.refunded_minor.into(),
            Value::from(&recovery.details),
            recovery.created_at.into(),
            email.to_lowercase().into(),
            Value::at(managed.map(|one| one.expires_at)),
            Value::id(managed.map(|one| one.card_id)),
            managed.map(|one| one.card_expires.clone()).into(),
            managed.map_or(0, |one| one.steps).into(),
            Value::at(recovery.due_at),
        ],
    )
}

const MOVE_RECOVERY: &str = "-- move_recovery
UPDATE recoveries
SET due_at = CASE WHEN state = $3 THEN COALESCE($8, due_at) ELSE $8 END,
    state = $3,
    answered = COALESCE(answered, $4),
    reason = $5,
    updated_at = $6,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND $7 LIKE '%,' || state || ',%'";

/// A recovery's way from some states to another.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// From one of these.
    pub from: &'a [RecoveryState],
    /// To this one.
    pub to: RecoveryState,
    /// The status that the evaluate is answered with; the first one is kept.
    pub answered: Option<&'a str>,
    /// Why: one sentence.
    pub reason: &'a str,
    /// When it is looked at next; where the state stays, none keeps what was.
    pub due_at: Option<Timestamp>,
}

/// Moves a recovery from one of these states; from any other, nothing happens. Whoever leased it has lost it.
pub fn move_recovery(merchant_id: MerchantId, id: RecoveryId, way: Move<'_>, at: Timestamp) -> Step {
    let args = vec![
        merchant_id.into(),
        id.into(),
        way.to.as_str().into(),
        way.answered.map(ToOwned::to_owned).into(),
        way.reason.into(),
        at.into(),
        words(way.from).into(),
        Value::at(way.due_at),
    ];
    Step::any(MOVE_RECOVERY, args)
}

/// Name of the step that fails when somebody else has ended the recovery.
pub const MOVED_BEFORE: &str = "move_recovery";

/// The same, and from any other state it is a conflict.
pub fn require_move(step: Step) -> Step {
    Step { expect: crate::Expect::One, ..step }
}

/// States as one text for `LIKE`, e.g. `,approved,declined,`.
pub(super) fn words(states: &[RecoveryState]) -> String {
    states.iter().fold(",".to_owned(), |text, state| text + state.as_str() + ",")
}

const REFUND_RECOVERY: &str = "-- refund_recovery
UPDATE recoveries
SET refunded_minor = refunded_minor + $3,
    state = CASE WHEN state = 'approved' AND refunded_minor + $3 >= amount_minor THEN 'refunded' ELSE state END,
    updated_at = $4
WHERE merchant_id = $1
    AND id = $2";

/// Counts minor units given back; all of them make a collected one refunded.
pub fn refund_recovery(merchant_id: MerchantId, id: RecoveryId, minor: i64, at: Timestamp) -> Step {
    Step::one(REFUND_RECOVERY, vec![merchant_id.into(), id.into(), minor.into(), at.into()])
}

const CHARGE_BACK_RECOVERY: &str = "-- charge_back_recovery
UPDATE recoveries
SET charged_back_at = $3,
    updated_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND state IN ('approved', 'refunded')
    AND charged_back_at IS NULL";

/// Name of the step that fails when the recovery took no money, or was charged back before.
pub const CHARGED_BACK_BEFORE: &str = "charge_back_recovery";

/// Marks that the issuer took the money back, once.
pub fn charge_back_recovery(merchant_id: MerchantId, id: RecoveryId, at: Timestamp) -> Step {
    Step::one(CHARGE_BACK_RECOVERY, vec![merchant_id.into(), id.into(), at.into()])
}
