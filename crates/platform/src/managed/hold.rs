//! Holds that nobody captured within the account's window are voided.

use charging::OperateError;
use gateways::OperationKind;
use jiff::{SignedDuration, Timestamp};
use storage::platform::{self as rows, Move, Recovery, RecoveryState};
use storage::{Step, StoreError};
use uuid::Uuid;

use crate::Platform;

/// How soon a hold is looked at again whose capture or void is under way, minutes.
const AGAIN_MINUTES: i64 = 30;

impl Platform {
    /// Voids a hold whose window is over. A capture that is under way comes first.
    pub(super) async fn end_hold(&self, recovery: &Recovery, fence: Uuid) -> Result<(), StoreError> {
        let again = SignedDuration::from_mins(AGAIN_MINUTES);
        let again = self.now().saturating_add(again).unwrap_or(Timestamp::MAX);
        // Before the call: when it ends, there is nothing left to give back.
        self.postpone(recovery, fence, again, None).await?;
        let Some(attempt) = self.approved_attempt(recovery).await? else { return Ok(()) };
        let why = "Nobody captured the order within its window.";
        let void = self.charging.new_operation(OperationKind::Void, &attempt, attempt.amount, why);
        let still = vec![self.still_held(recovery)];
        match self.charging.operate_with(&void, &attempt, still, self).await {
            Ok(_) | Err(OperateError::Busy | OperateError::NotApproved | OperateError::TooMuch) => Ok(()),
            Err(OperateError::Store(error)) if error.is_conflict_in(rows::MOVED_BEFORE) => Ok(()),
            Err(OperateError::Store(error)) => Err(error),
        }
    }

    /// Part of a void's intent: the hold has not become money meanwhile, which a void would give back.
    pub(crate) fn still_held(&self, recovery: &Recovery) -> Step {
        let here = RecoveryState::CaptureRequired;
        let reason = recovery.reason.as_str();
        let way = Move { from: &[here], to: here, answered: None, reason, due_at: None };
        rows::require_move(rows::move_recovery(recovery.merchant_id, recovery.id, way, self.now()))
    }
}
