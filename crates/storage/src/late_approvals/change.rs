//! How a late approval goes on and ends.

use domain::ids::{AttemptId, MerchantId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{LateApproval, LateState};
use crate::statement::Step;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    INSERT_LATE_APPROVAL,
    BEGIN_GIVING_BACK,
    RETRY_LATE_APPROVAL,
    END_LATE_APPROVAL,
    KEEP_LATE_APPROVAL,
    HURRY_LATE_APPROVAL,
    CLOSE_ALERTS_OF_ATTEMPT,
];

const INSERT_LATE_APPROVAL: &str = "-- insert_late_approval
INSERT INTO late_approvals (merchant_id, attempt_id, order_id, gateway_id, gateway_reference, amount_minor, currency,
    seen_at, state, words, tries, next_action_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, 0, $10)
ON CONFLICT (merchant_id, attempt_id) DO NOTHING";

/// Name of the step that fails when the late approval of this attempt is known already.
pub const RECORDED_BEFORE: &str = "insert_late_approval";

/// A late approval, given back at its `next_action_at`; conflict when it is known already.
pub fn insert(late: &LateApproval) -> Step {
    Step::one(
        INSERT_LATE_APPROVAL,
        vec![
            late.merchant_id.into(),
            late.attempt_id.into(),
            late.order_id.into(),
            late.gateway_id.into(),
            Value::from(&late.gateway_reference),
            late.amount.minor().into(),
            late.amount.currency().code().into(),
            late.seen_at.into(),
            Value::from(&late.words),
            Value::at(late.next_action_at),
        ],
    )
}

const BEGIN_GIVING_BACK: &str = "-- begin_giving_back
UPDATE late_approvals
SET state = 'sending', lease_until = $4
WHERE merchant_id = $1
    AND attempt_id = $2
    AND lease_fence = $3
    AND state IN ('waiting', 'sending', 'in_doubt')";

/// Name of the step that fails when somebody else works on it, or has ended it.
pub const NOT_BEGUN: &str = "begin_giving_back";

/// The intent of its refund, just before the request leaves; the lease is kept until the call must have ended.
pub fn begin(merchant_id: MerchantId, id: AttemptId, fence: Uuid, lease_until: Timestamp) -> Step {
    Step::one(BEGIN_GIVING_BACK, vec![merchant_id.into(), id.into(), fence.into(), lease_until.into()])
}

const RETRY_LATE_APPROVAL: &str = "-- retry_late_approval
UPDATE late_approvals
SET state = $4,
    words = $5,
    tries = tries + 1,
    next_action_at = $6,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND attempt_id = $2
    AND lease_fence = $3
    AND state IN ('waiting', 'sending', 'in_doubt')";

/// Worked on again then: [`LateState::Waiting`] when no refund can have been done, else [`LateState::InDoubt`]. Nothing
/// when the lease has gone to somebody else.
pub fn wait(
    merchant_id: MerchantId,
    id: AttemptId,
    fence: Uuid,
    state: LateState,
    words: &str,
    at: Timestamp,
) -> Step {
    let args =
        vec![merchant_id.into(), id.into(), fence.into(), state.as_str().into(), words.into(), at.into()];
    Step::any(RETRY_LATE_APPROVAL, args)
}

const END_LATE_APPROVAL: &str = "-- end_late_approval
UPDATE late_approvals
SET state = 'given_back',
    words = $4,
    tries = tries + 1,
    next_action_at = NULL,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND attempt_id = $2
    AND state IN ('waiting', 'sending', 'in_doubt')
    AND (lease_fence IS NULL OR lease_fence = $3 OR lease_until <= $5)";

/// Name of the step that fails when it has ended, or somebody else works on it.
pub const ENDED_BEFORE: &str = "end_late_approval";

/// It was given back.
pub fn end(merchant_id: MerchantId, id: AttemptId, fence: Option<Uuid>, words: &str, now: Timestamp) -> Step {
    let args = vec![merchant_id.into(), id.into(), Value::Id(fence), words.into(), now.into()];
    Step::one(END_LATE_APPROVAL, args)
}

const KEEP_LATE_APPROVAL: &str = "-- keep_late_approval
UPDATE late_approvals
SET state = 'kept',
    words = $3,
    next_action_at = NULL,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND attempt_id = $2
    AND state = 'waiting'
    AND (lease_fence IS NULL OR lease_until <= $4)";

/// Name of the step that fails when its refund has begun, or a person decided before.
pub const NOT_WAITING: &str = "keep_late_approval";

/// A person keeps it; conflict in [`NOT_WAITING`] once its refund has begun.
pub fn keep(merchant_id: MerchantId, id: AttemptId, words: &str, now: Timestamp) -> Step {
    Step::one(KEEP_LATE_APPROVAL, vec![merchant_id.into(), id.into(), words.into(), now.into()])
}

const HURRY_LATE_APPROVAL: &str = "-- hurry_late_approval
UPDATE late_approvals
SET next_action_at = $3
WHERE merchant_id = $1
    AND attempt_id = $2
    AND state IN ('waiting', 'sending', 'in_doubt')
    AND next_action_at > $3";

/// A person wants it given back now. Nothing when that is under way.
pub fn hurry(merchant_id: MerchantId, id: AttemptId, now: Timestamp) -> Step {
    Step::any(HURRY_LATE_APPROVAL, vec![merchant_id.into(), id.into(), now.into()])
}

const CLOSE_ALERTS_OF_ATTEMPT: &str = "-- close_alerts_of_attempt
UPDATE alerts
SET closed_at = $4, words = words || ' ' || $5
WHERE merchant_id = $1
    AND attempt_id = $2
    AND kind = $3
    AND closed_at IS NULL";

/// Closes the open alerts of a kind about an attempt, and adds what came of it.
pub fn close_alerts(merchant_id: MerchantId, id: AttemptId, kind: &str, words: &str, at: Timestamp) -> Step {
    let args = vec![merchant_id.into(), id.into(), kind.into(), at.into(), words.into()];
    Step::any(CLOSE_ALERTS_OF_ATTEMPT, args)
}
