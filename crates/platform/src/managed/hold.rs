//! Holds that nobody captured within the account's window are voided.

use charging::OperateError;
use domain::attempt::Attempt;
use gateways::OperationKind;
use jiff::{SignedDuration, Timestamp};
use storage::platform::{self as rows, Move, Recovery, RecoveryState};
use storage::{Step, StoreError};
use uuid::Uuid;

use crate::Platform;

/// How soon a hold is looked at again whose capture or void is under way, minutes.
const AGAIN_MINUTES: i64 = 30;
/// How often that doubles while the acquirer refuses the void: to a day and a third.
const DOUBLINGS_MAX: usize = 6;

impl Platform {
    /// Voids a hold whose window is over. A capture that is under way comes first.
    pub(super) async fn end_hold(&self, recovery: &Recovery, fence: Uuid) -> Result<(), StoreError> {
        let attempt = self.approved_attempt(recovery).await?;
        let refusals = match &attempt {
            Some(attempt) => self.refused_voids(attempt).await?,
            None => 0,
        };
        let minutes = AGAIN_MINUTES.saturating_mul(1 << refusals.min(DOUBLINGS_MAX));
        let again = self.now().saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX);
        // Before the call: when it ends, there is nothing left to give back.
        self.postpone(recovery, fence, again, None).await?;
        let Some(attempt) = attempt else { return Ok(()) };
        let why = "Nobody captured the order within its window.";
        let void = self.charging.new_operation(OperationKind::Void, &attempt, attempt.amount, why);
        let still = vec![self.still_held(recovery)];
        match self.charging.operate_with(&void, &attempt, still, self).await {
            Ok(_) | Err(OperateError::Busy | OperateError::NotApproved | OperateError::TooMuch) => Ok(()),
            Err(OperateError::Store(error)) if error.is_conflict_in(rows::MOVED_BEFORE) => Ok(()),
            Err(OperateError::Store(error)) => Err(error),
        }
    }

    /// How often the acquirer has refused to void this hold. Each refusal calls a person, so they come ever later.
    async fn refused_voids(&self, attempt: &Attempt) -> Result<usize, StoreError> {
        let all = self.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let voids = all.iter().filter(|one| one.attempt_id == attempt.id && one.kind == "void");
        Ok(voids.filter(|one| one.state == "refused").count())
    }

    /// Part of a void's intent: the hold has not become money meanwhile, which a void would give back.
    pub(crate) fn still_held(&self, recovery: &Recovery) -> Step {
        let here = RecoveryState::CaptureRequired;
        let reason = recovery.reason.as_str();
        let way = Move { from: &[here], to: here, answered: None, reason, due_at: None };
        rows::require_move(rows::move_recovery(recovery.merchant_id, recovery.id, way, self.now()))
    }
}
