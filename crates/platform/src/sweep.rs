//! The platform's own due work: managed recoveries, holds, and events to be delivered.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use storage::StoreError;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Platform;

/// How long a lease lasts: longer than any batch's calls.
const LEASE_SECS: i64 = 600;
/// Most rows of one claim.
const BATCH_MAX: i64 = 16;
/// Most merchants of one sweep.
const MERCHANTS_MAX: i64 = 1_000;
/// Most steps at once.
const AT_ONCE_MAX: usize = 16;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Recoveries worked on.
    pub recoveries: usize,
    /// Events sent, or found to have no receiver.
    pub events: usize,
}

impl Swept {
    /// Whether nothing was due.
    pub fn is_idle(self) -> bool {
        self == Self::default()
    }
}

impl Platform {
    /// One pass over everything of the platform's own that is due now, merchant by merchant and several at once. It
    /// stands beside the [`charging::Driver`], which clears up attempts and operations. A step that fails is logged and
    /// comes again when its lease ends.
    pub async fn sweep(self: &Arc<Self>) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let permits = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let mut steps = JoinSet::new();
        let now = self.now();
        for mid in self.store().list_merchants_with_due_recoveries(now, MERCHANTS_MAX).await? {
            let fence = self.minter.uuid();
            let due = self.store().acquire_due_recoveries(mid, now, lease(now), fence, BATCH_MAX).await?;
            for recovery in due {
                swept.recoveries = swept.recoveries.saturating_add(1);
                let (platform, permits) = (Arc::clone(self), Arc::clone(&permits));
                steps.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    let id = recovery.id;
                    if let Err(error) = platform.work_on(recovery, fence).await {
                        tracing::error!(recovery.id = %id, error = %error, "Recovery {id} was not worked on");
                    }
                });
            }
        }
        finish(&mut steps).await;
        let now = self.now();
        for mid in self.store().list_merchants_with_due_platform_events(now, MERCHANTS_MAX).await? {
            let fence = self.minter.uuid();
            let due =
                self.store().acquire_due_platform_events(mid, now, lease(now), fence, BATCH_MAX).await?;
            swept.events = swept.events.saturating_add(due.len());
            let (platform, permits) = (Arc::clone(self), Arc::clone(&permits));
            steps.spawn(async move {
                let _permit = permits.acquire_owned().await;
                if let Err(error) = platform.deliver(due, fence).await {
                    tracing::error!(merchant.id = %mid, error = %error, "Events of {mid} were not delivered");
                }
            });
        }
        finish(&mut steps).await;
        Ok(swept)
    }

    /// Sweeps until told to stop.
    #[expect(clippy::disallowed_methods, reason = "the driver is the one that waits")]
    pub async fn run(self: Arc<Self>, poll: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.sweep().await {
                Ok(swept) if !swept.is_idle() => continue,
                Ok(_) => {}
                Err(error) => tracing::error!(error = %error, "A sweep for the platform's due work failed"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }
}

async fn finish(steps: &mut JoinSet<()>) {
    while let Some(ended) = steps.join_next().await {
        if let Err(error) = ended {
            tracing::error!(error = %error, "A step of the platform ended badly; its work comes again");
        }
    }
}

fn lease(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(LEASE_SECS)).unwrap_or(Timestamp::MAX)
}
