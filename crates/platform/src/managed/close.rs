//! Ends of a managed recovery without money, and giving one back until later.

use jiff::Timestamp;
use storage::platform::{self as rows, Move, Recovery, RecoveryState};
use storage::{Step, StoreError, Transaction};
use uuid::Uuid;

use crate::Platform;

const OPEN: [RecoveryState; 1] = [RecoveryState::Open];
/// Why a cancelled one ended.
pub(super) const CANCELLED: &str = "The merchant cancelled the order.";

impl Platform {
    /// The steps that end an open recovery and tell it; nothing happens to one that has ended otherwise.
    pub(crate) fn closing_steps(&self, recovery: &Recovery, to: RecoveryState, why: &str) -> Vec<Step> {
        let (mid, id) = (recovery.merchant_id, recovery.id);
        let way = Move { from: &OPEN, to, answered: None, reason: why, due_at: None };
        let mut steps = self.moves(mid, id, way);
        if to == RecoveryState::Declined {
            steps.push(self.tell_given_up(mid, id));
        }
        steps
    }

    /// Ends an open recovery.
    pub(super) async fn close(
        &self,
        recovery: &Recovery,
        to: RecoveryState,
        why: &str,
    ) -> Result<(), StoreError> {
        let steps = self.closing_steps(recovery, to, why);
        self.store().commit(Transaction::new("close_recovery").with_all(steps)).await?;
        tracing::info!(
            recovery.id = %recovery.id,
            recovery.state = to.as_str(),
            "Recovery {} is {}: {why}",
            recovery.id,
            to.as_str()
        );
        Ok(())
    }

    /// Ends one that the merchant has cancelled. The fence is set and no attempt is open: none can approve any more.
    pub(crate) async fn close_cancelled(&self, recovery: &Recovery) -> Result<(), StoreError> {
        self.close(recovery, RecoveryState::Cancelled, CANCELLED).await
    }

    /// The same, when a cancel came while its attempt ran.
    pub(super) async fn close_if_fenced(&self, recovery: &Recovery) -> Result<(), StoreError> {
        if recovery.state != RecoveryState::Open {
            return Ok(());
        }
        let fenced = self.store().find_order_fence(recovery.merchant_id, &recovery.external_order_id).await?;
        if fenced.is_none() || self.has_open_attempt(recovery).await? {
            return Ok(());
        }
        self.close_cancelled(recovery).await
    }

    /// Gives a leased recovery back until then.
    pub(super) async fn postpone(
        &self,
        recovery: &Recovery,
        fence: Uuid,
        at: Timestamp,
        why: Option<&str>,
    ) -> Result<(), StoreError> {
        let (mid, id) = (recovery.merchant_id, recovery.id);
        let step = rows::postpone_recovery(mid, id, fence, at, why, self.now());
        self.store().commit(Transaction::new("postpone_recovery").with(step)).await.map(|_| ())
    }
}
