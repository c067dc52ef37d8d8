//! The driver: takes what is due, merchant by merchant, and works on it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::attempt::Attempt;
use domain::ids::MerchantId;
use jiff::Timestamp;
use storage::StoreError;
use storage::operations::Operation;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Charging;
use crate::consequences::Consequences;
use crate::stuck::is_outage;

/// Most rows of one claim.
const BATCH_MAX: i64 = 32;
/// Most merchants of one sweep.
const MERCHANTS_MAX: i64 = 1_000;
/// Most steps at once: a slow gateway holds up only its own.
const AT_ONCE_MAX: usize = 16;
/// Seconds between heartbeats; a database whose newest one is old was restored from a backup (M31).
const HEARTBEAT_SECS: i64 = 60;
/// Seconds between two looks whether the comparison with the gateways' books is due.
const BOOKS_SECS: i64 = 60;

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

/// One due row.
enum Work {
    Attempt(Box<Attempt>),
    Operation(Box<Operation>),
}

impl Work {
    fn id(&self) -> Uuid {
        match self {
            Self::Attempt(attempt) => attempt.id.uuid(),
            Self::Operation(operation) => operation.id.uuid(),
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt(attempt) => write!(f, "Attempt {}", attempt.id),
            Self::Operation(operation) => write!(f, "Operation {}", operation.id),
        }
    }
}

/// The steps of a sweep that are under way, and what each works on.
struct Steps {
    under_way: JoinSet<Result<(), StoreError>>,
    of: HashMap<Id, (Arc<Work>, Uuid)>,
    permits: Arc<Semaphore>,
}

impl Default for Steps {
    fn default() -> Self {
        let permits = Arc::new(Semaphore::new(AT_ONCE_MAX));
        Self { under_way: JoinSet::new(), of: HashMap::new(), permits }
    }
}

impl Steps {
    fn spawn(&mut self, driver: &Driver, work: Work, fence: Uuid) {
        let (driver, permits, work) = (driver.clone(), Arc::clone(&self.permits), Arc::new(work));
        let kept = Arc::clone(&work);
        let step = self.under_way.spawn(async move {
            let _permit = permits.acquire_owned().await;
            driver.work(&work, fence).await
        });
        self.of.insert(step.id(), (kept, fence));
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
    /// logged and comes again, later each time, until a person is called; the others are not held up by it. When the
    /// database does not answer, the steps under way are finished first.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let (mut swept, mut steps) = (Swept::default(), Steps::default());
        let claimed = match self.claim_attempts(&mut swept, &mut steps).await {
            Ok(()) => self.claim_operations(&mut swept, &mut steps).await,
            Err(error) => Err(error),
        };
        self.finish(steps).await;
        claimed.map(|()| swept)
    }

    async fn claim_attempts(&self, swept: &mut Swept, steps: &mut Steps) -> Result<(), StoreError> {
        let (now, store) = (self.charging.minter.now(), &self.charging.store);
        for merchant_id in store.list_merchants_with_due_attempts(now, MERCHANTS_MAX).await? {
            let (fence, lease) = (self.charging.minter.uuid(), self.charging.lease_until());
            let claimed = store.acquire_due_attempts(merchant_id, now, lease, fence, BATCH_MAX).await;
            for attempt in self.readable(merchant_id, claimed, fence).await? {
                swept.attempts = swept.attempts.saturating_add(1);
                steps.spawn(self, Work::Attempt(Box::new(attempt)), fence);
            }
        }
        Ok(())
    }

    async fn claim_operations(&self, swept: &mut Swept, steps: &mut Steps) -> Result<(), StoreError> {
        let (now, store) = (self.charging.minter.now(), &self.charging.store);
        for merchant_id in store.list_merchants_with_due_operations(now, MERCHANTS_MAX).await? {
            let (fence, lease) = (self.charging.minter.uuid(), self.charging.lease_until());
            let claimed = store.acquire_due_operations(merchant_id, now, lease, fence, BATCH_MAX).await;
            for operation in self.readable(merchant_id, claimed, fence).await? {
                swept.operations = swept.operations.saturating_add(1);
                steps.spawn(self, Work::Operation(Box::new(operation)), fence);
            }
        }
        Ok(())
    }

    /// What was leased. One row that cannot be read is set aside, and no merchant waits for another's.
    async fn readable<T>(
        &self,
        merchant_id: MerchantId,
        claimed: Result<Vec<T>, StoreError>,
        fence: Uuid,
    ) -> Result<Vec<T>, StoreError> {
        match claimed {
            Ok(rows) => Ok(rows),
            Err(error) if is_outage(&error) => Err(error),
            Err(error) => {
                let aside = self.charging.set_aside(merchant_id, &error, fence).await;
                let aside = aside.is_ok_and(|aside| aside);
                tracing::error!(merchant.id = %merchant_id, aside, error = %error, "Due work of {merchant_id} could not be read");
                Ok(Vec::new())
            }
        }
    }

    async fn work(&self, work: &Work, fence: Uuid) -> Result<(), StoreError> {
        match work {
            Work::Attempt(attempt) => {
                let done = self.charging.resolve(attempt, self.consequences.as_ref(), Some(fence));
                done.await.map(|_| ())
            }
            Work::Operation(operation) => {
                self.charging.resolve_operation(operation, self.consequences.as_ref(), fence).await
            }
        }
    }

    /// Waits for the steps that are under way, and takes care of those that failed.
    async fn finish(&self, mut steps: Steps) {
        while let Some(ended) = steps.under_way.join_next_with_id().await {
            let (step, failure) = match ended {
                Ok((step, Ok(()))) => (step, None),
                Ok((_, Err(error))) if is_outage(&error) => {
                    tracing::error!(error = %error, "A step of the driver failed; its work comes again");
                    continue;
                }
                Ok((step, Err(error))) => (step, Some(error.to_string())),
                Err(error) => (error.id(), Some("the step ended badly".to_owned())),
            };
            let Some((work, fence)) = steps.of.remove(&step) else { continue };
            let Some(failure) = failure else {
                self.charging.went_well(work.id());
                continue;
            };
            tracing::error!(work.id = %work.id(), error = failure, "{work} was not resolved");
            let noted = match work.as_ref() {
                Work::Attempt(attempt) => self.charging.attempt_stumbled(attempt, &failure, fence).await,
                Work::Operation(one) => self.charging.operation_stumbled(one, &failure, fence).await,
            };
            if let Err(error) = noted {
                tracing::error!(error = %error, "That could not be kept; it comes again when its lease ends");
            }
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

    /// Sweeps until told to stop, leaves heartbeats in the name of `node`, and compares the gateways' books with ours
    /// beside that: slow books hold up nothing.
    pub async fn run(self, node: &str, poll: Duration, stop: CancellationToken) {
        tokio::join!(self.sweep_until(node, poll, &stop), self.compare_until(poll, &stop));
    }

    #[expect(clippy::disallowed_methods, reason = "the driver is the one that waits")]
    async fn sweep_until(&self, node: &str, poll: Duration, stop: &CancellationToken) {
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

    /// The daily comparison (M19); after a restored backup it comes at once, and lets the work go on when nothing is
    /// wrong (M31). One that is under way when told to stop is left: it comes again.
    #[expect(clippy::disallowed_methods, reason = "the driver is the one that waits")]
    async fn compare_until(&self, poll: Duration, stop: &CancellationToken) {
        let mut looked: Option<Timestamp> = None;
        loop {
            let now = self.charging.minter.now();
            if looked.is_none_or(|at| now.duration_since(at).as_secs() >= BOOKS_SECS) {
                tokio::select! {
                    () = stop.cancelled() => return,
                    compared = self.charging.reconcile_due() => if let Err(error) = compared {
                        tracing::error!(error = %error, "The comparison with the gateways' books failed");
                    },
                }
                looked = Some(now);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(poll) => {}
            }
        }
    }
}
