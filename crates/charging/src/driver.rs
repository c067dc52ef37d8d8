//! The driver: takes what is due, merchant by merchant, and works on it.

use std::sync::Arc;
use std::time::Duration;

use domain::attempt::Attempt;
use jiff::Timestamp;
use storage::StoreError;
use storage::operations::Operation;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;

/// Most rows of one claim.
const BATCH_MAX: i64 = 32;
/// Most merchants of one sweep.
const MERCHANTS_MAX: i64 = 1_000;
/// Most steps at once: a slow gateway holds up only its own.
const AT_ONCE_MAX: usize = 16;
/// Seconds between heartbeats; a database whose newest one is old was restored from a backup (M31).
const HEARTBEAT_SECS: i64 = 60;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Attempts worked on.
    pub attempts: usize,
    /// Operations worked on.
    pub operations: usize,
}

impl Swept {
    /// Whether nothing was due.
    pub fn is_idle(self) -> bool {
        self == Self::default()
    }
}

/// Works on due attempts and operations. Any number of processes may run one; leases keep them apart.
#[derive(Debug, Clone)]
pub struct Driver {
    charging: Charging,
    consequences: Arc<dyn Consequences>,
}

impl Driver {
    /// A driver over these parts.
    pub fn new(charging: Charging, consequences: Arc<dyn Consequences>) -> Self {
        Self { charging, consequences }
    }

    /// One pass over everything that is due now, round robin over merchants and several at once. A step that fails is
    /// logged and comes again when its lease ends.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let now = self.charging.minter.now();
        let store = &self.charging.store;
        let permits = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let mut steps = JoinSet::new();
        for merchant_id in store.list_merchants_with_due_attempts(now, MERCHANTS_MAX).await? {
            let (fence, lease) = (self.charging.minter.uuid(), self.charging.lease_until());
            for attempt in store.acquire_due_attempts(merchant_id, now, lease, fence, BATCH_MAX).await? {
                swept.attempts = swept.attempts.saturating_add(1);
                let (driver, permits) = (self.clone(), Arc::clone(&permits));
                steps.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    driver.attempt(&attempt, fence).await;
                });
            }
        }
        for merchant_id in store.list_merchants_with_due_operations(now, MERCHANTS_MAX).await? {
            let (fence, lease) = (self.charging.minter.uuid(), self.charging.lease_until());
            for operation in store.acquire_due_operations(merchant_id, now, lease, fence, BATCH_MAX).await? {
                swept.operations = swept.operations.saturating_add(1);
                let (driver, permits) = (self.clone(), Arc::clone(&permits));
                steps.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    driver.operation(&operation, fence).await;
                });
            }
        }
        while let Some(ended) = steps.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "A step of the driver ended badly; its work comes again");
            }
        }
        Ok(swept)
    }

    async fn attempt(&self, attempt: &Attempt, fence: Uuid) {
        let result = self.charging.resolve(attempt, self.consequences.as_ref(), Some(fence)).await;
        if let Err(error) = result {
            tracing::error!(attempt.id = %attempt.id, error = %error, "Attempt {} was not resolved", attempt.id);
        }
    }

    async fn operation(&self, operation: &Operation, fence: Uuid) {
        let result = self.charging.resolve_operation(operation, self.consequences.as_ref(), fence).await;
        if let Err(error) = result {
            let id = operation.id;
            tracing::error!(operation.id = %id, error = %error, "Operation {id} was not resolved");
        }
    }

    /// Leaves a heartbeat when the last one of this loop is old enough.
    async fn beat(&self, node: &str, last: &mut Option<Timestamp>) {
        let now = self.charging.minter.now();
        let fresh = last.is_some_and(|last| now.duration_since(last).as_secs() < HEARTBEAT_SECS);
        if fresh {
            return;
        }
        let beat = storage::Transaction::new("beat").with(storage::marks::beat(node, now));
        if self.charging.store.commit(beat).await.is_ok() {
            *last = Some(now);
        }
    }

    /// Sweeps until told to stop, and leaves heartbeats in the name of `node`.
    #[expect(clippy::disallowed_methods, reason = "the driver is the one that waits")]
    pub async fn run(self, node: &str, poll: Duration, stop: CancellationToken) {
        let mut last_beat = None;
        while !stop.is_cancelled() {
            self.beat(node, &mut last_beat).await;
            match self.sweep().await {
                Ok(swept) if !swept.is_idle() => continue,
                Ok(_) => {}
                Err(error) => tracing::error!(error = %error, "A sweep for due work failed"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }
}
