//! The platform's own due work: managed recoveries, holds, and events to be delivered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use charging::{CHARGING_HELD, is_outage};
use domain::ids::MerchantId;
use jiff::{SignedDuration, Timestamp};
use storage::platform::{self as rows, Recovery};
use storage::{StoreError, Transaction};
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    /// comes again, later each time, until a person is told; no merchant's step holds up another's.
    pub async fn sweep(self: &Arc<Self>) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        // After a restored backup nothing charges or voids by itself before the books were compared (M31).
        if self.store().find_mark(CHARGING_HELD).await?.is_none() {
            swept.recoveries = self.sweep_recoveries().await?;
        }
        swept.events = self.sweep_events().await?;
        Ok(swept)
    }

    async fn sweep_recoveries(self: &Arc<Self>) -> Result<usize, StoreError> {
        let (mut count, now) = (0_usize, self.now());
        let permits = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let (mut steps, mut of) = (JoinSet::new(), HashMap::new());
        for mid in self.store().list_merchants_with_due_recoveries(now, MERCHANTS_MAX).await? {
            let fence = self.minter.uuid();
            let due = self.store().acquire_due_recoveries(mid, now, lease(now), fence, BATCH_MAX).await;
            let due = match due {
                Ok(due) => due,
                Err(error) if is_outage(&error) => {
                    self.finish(steps, of).await;
                    return Err(error);
                }
                Err(error) => {
                    self.tell_unread(mid, &error).await;
                    continue;
                }
            };
            for recovery in due {
                count = count.saturating_add(1);
                let (platform, permits) = (Arc::clone(self), Arc::clone(&permits));
                let kept = recovery.clone();
                let step = steps.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    platform.work_on(recovery, fence).await
                });
                of.insert(step.id(), (kept, fence));
            }
        }
        self.finish(steps, of).await;
        Ok(count)
    }

    async fn sweep_events(self: &Arc<Self>) -> Result<usize, StoreError> {
        let (mut count, now) = (0_usize, self.now());
        let permits = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let mut steps = JoinSet::new();
        for mid in self.store().list_merchants_with_due_platform_events(now, MERCHANTS_MAX).await? {
            let fence = self.minter.uuid();
            let due = self.store().acquire_due_platform_events(mid, now, lease(now), fence, BATCH_MAX).await;
            let due = match due {
                Ok(due) => due,
                // Deliveries that are under way are finished; the others' turn comes with the next sweep.
                Err(error) => {
                    tracing::error!(merchant.id = %mid, error = %error, "Events of {mid} could not be read");
                    continue;
                }
            };
            count = count.saturating_add(due.len());
            let (platform, permits) = (Arc::clone(self), Arc::clone(&permits));
            steps.spawn(async move {
                let _permit = permits.acquire_owned().await;
                if let Err(error) = platform.deliver(due, fence).await {
                    tracing::error!(merchant.id = %mid, error = %error, "Events of {mid} were not delivered");
                }
            });
        }
        while let Some(ended) = steps.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "A step of the platform ended badly; its work comes again");
            }
        }
        Ok(count)
    }

    /// Waits for the steps that are under way, and takes care of those that failed.
    async fn finish(
        &self,
        mut steps: JoinSet<Result<(), StoreError>>,
        mut of: HashMap<Id, (Recovery, Uuid)>,
    ) {
        while let Some(ended) = steps.join_next_with_id().await {
            let (step, failure) = match ended {
                Ok((step, Ok(()))) => (step, None),
                Ok((_, Err(error))) if is_outage(&error) => {
                    tracing::error!(error = %error, "A step of the platform failed; its work comes again");
                    continue;
                }
                Ok((step, Err(error))) => (step, Some(error.to_string())),
                Err(error) => (error.id(), Some("the step ended badly".to_owned())),
            };
            let Some((recovery, fence)) = of.remove(&step) else { continue };
            let (id, uuid) = (recovery.id, recovery.id.uuid());
            let Some(failure) = failure else {
                self.charging.went_well(uuid);
                continue;
            };
            tracing::error!(recovery.id = %id, error = failure, "Recovery {id} was not worked on");
            let stuck = self.charging.stumbled(uuid);
            let mid = recovery.merchant_id;
            let step = rows::postpone_recovery(mid, id, fence, stuck.again_at, None, self.now());
            let mut postponed = Transaction::new("recovery_stumbled").with(step);
            if stuck.needs_person {
                let words = format!("Recovery {id} fails each time it is worked on: {failure}.");
                postponed = postponed.with(self.charging.alert_stuck(mid, words));
            }
            if let Err(error) = self.store().commit(postponed).await {
                tracing::error!(error = %error, "That could not be kept; it comes again when its lease ends");
            }
        }
    }

    /// A recovery that cannot even be read is shown; those that were leased with it come again when their lease ends.
    async fn tell_unread(&self, mid: MerchantId, error: &StoreError) {
        tracing::error!(merchant.id = %mid, error = %error, "A recovery of {mid} could not be read");
        let words = format!("{error}: nothing can be done with it.");
        let alert = Transaction::new("recovery_unread").with(self.charging.alert_stuck(mid, words));
        if let Err(error) = self.store().commit(alert).await {
            tracing::error!(error = %error, "That could not be kept");
        }
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

fn lease(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(LEASE_SECS)).unwrap_or(Timestamp::MAX)
}
