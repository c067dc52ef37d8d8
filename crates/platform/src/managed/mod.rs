//! Managed recoveries: a merchant hands over its own declined charge until a day, and hears of the end by webhook.
//!
//! State rows are the queue: an open recovery is due for its next step, a hold for the end of its capture window.

mod close;
mod hold;
mod ladder;
mod refusal;
mod step;
mod submit;

use std::sync::Arc;

use storage::StoreError;
use storage::platform::{Recovery, RecoveryState};
use uuid::Uuid;

use crate::Platform;

impl Platform {
    /// Works once on a recovery that is due and leased. Safe to run twice.
    pub(crate) async fn work_on(self: &Arc<Self>, recovery: Recovery, fence: Uuid) -> Result<(), StoreError> {
        match recovery.state {
            RecoveryState::Open => self.step(recovery, fence).await,
            RecoveryState::CaptureRequired => self.end_hold(&recovery, fence).await,
            RecoveryState::Processing
            | RecoveryState::Doubtful
            | RecoveryState::Approved
            | RecoveryState::Declined
            | RecoveryState::Challenge
            | RecoveryState::Cancelled
            | RecoveryState::Expired
            | RecoveryState::Refunded => Ok(()),
        }
    }
}
