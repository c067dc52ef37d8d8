//! One pass over everything that is due: merchant by merchant, several at once, never more in memory than is worked on.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::ids::MerchantId;
use domain::subscription::Subscription;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

use crate::{Hub, HubError};

/// How long a lease lasts: longer than any call to a gateway.
const LEASE_SECS: i64 = 150;
/// Most subscriptions of one claim: a merchant with more waits for its next turn, so that none starves another.
const BATCH_MAX: u32 = 16;
/// Most merchants of one pass.
const MERCHANTS_MAX: i64 = 10_000;
/// Most bills under way at once in this process. Each commits twice, and SQLite commits up to 64 together.
const AT_ONCE_MAX: usize = 64;
/// No turn begins after so long: other work is due too, and merchants that had nothing due before are listed anew.
const PASS_SECS: i64 = 5;

/// What a pass of the billing run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Subscriptions looked at.
    pub subscriptions: usize,
}

/// The turns of a pass that are under way, and what came of those that have ended.
#[derive(Default)]
struct Turns {
    under_way: JoinSet<Result<usize, HubError>>,
    subscriptions: usize,
    failed: Option<HubError>,
}

impl Hub {
    /// Bills what is due now, a batch per merchant and turn, until nothing is left or the pass has lasted long enough. Any
    /// number of processes may run it; leases and versions keep them apart. A bill that fails is logged and comes again
    /// when its lease ends; when a claim fails, the bills under way are finished first.
    pub async fn sweep_subscriptions(&self) -> Result<Swept, HubError> {
        let now = self.minter().now();
        let due = self.store().count_due_subscriptions_by_merchant(now, MERCHANTS_MAX).await?;
        let mut waiting: VecDeque<(MerchantId, i64)> = due.into();
        let (permits, mut turns) = (Arc::new(Semaphore::new(AT_ONCE_MAX)), Turns::default());
        // The list took its time too: over a pass it costs a tenth at most.
        let listed = self.minter().now();
        let lasts = SignedDuration::from_secs(PASS_SECS).max(listed.duration_since(now).saturating_mul(9));
        let end = listed.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        while let Some((merchant_id, count)) = waiting.pop_front() {
            let most = u32::try_from(count).unwrap_or(BATCH_MAX).min(BATCH_MAX);
            // Claimed is only what has a place already: a lease begins when work does, and memory holds no more.
            let Ok(places) = Arc::clone(&permits).acquire_many_owned(most).await else { break };
            turns.look();
            if turns.failed.is_some() || self.minter().now() > end {
                break;
            }
            let hub = self.clone();
            turns.under_way.spawn(async move { hub.turn(merchant_id, now, most, places).await });
            let left = count.saturating_sub(i64::from(most));
            if left > 0 {
                waiting.push_back((merchant_id, left));
            }
        }
        turns.end().await
    }

    /// Claims and bills up to `most` subscriptions of one merchant; how many there were.
    async fn turn(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        most: u32,
        mut places: OwnedSemaphorePermit,
    ) -> Result<usize, HubError> {
        let held: Option<Arc<str>> = self.store().find_mark(crate::CHARGING_HELD).await?.map(Arc::from);
        let fence = self.minter().uuid();
        let until = lease(self.minter().now());
        let due = self.store().acquire_due_subscriptions(merchant_id, now, until, fence, most.into()).await?;
        let (count, mut bills) = (due.len(), JoinSet::new());
        for subscription in due {
            let place = places.split(1);
            let (hub, held) = (self.clone(), held.clone());
            bills.spawn(async move {
                hub.bill_logged(subscription, fence, held.as_deref()).await;
                drop(place);
            });
        }
        // Somebody else took the rest.
        drop(places);
        while let Some(ended) = bills.join_next().await {
            if let Err(error) = ended {
                log_end(&error);
            }
        }
        Ok(count)
    }

    /// Bills one subscription now if nobody else does: leased like any other due one.
    pub(crate) async fn bill_one(&self, subscription: Subscription) -> Result<(), HubError> {
        let (merchant_id, now) = (subscription.merchant_id, self.minter().now());
        let held = self.store().find_mark(crate::CHARGING_HELD).await?;
        let fence = self.minter().uuid();
        let leased = self.store().lease_subscription(merchant_id, subscription.id, now, lease(now), fence);
        match leased.await? {
            Some(subscription) => Box::pin(self.bill(subscription, fence, held.as_deref())).await,
            None => Ok(()),
        }
    }

    async fn bill_logged(&self, subscription: Subscription, fence: Uuid, held: Option<&str>) {
        let id = subscription.id;
        if let Err(error) = Box::pin(self.bill(subscription, fence, held)).await {
            tracing::error!(
                subscription.id = %id,
                error = %error,
                "Subscription {} was not billed; it comes again when its lease ends",
                id.uuid()
            );
        }
    }
}

impl Turns {
    /// Takes note of the turns that have ended; they hold memory no longer.
    fn look(&mut self) {
        while let Some(ended) = self.under_way.try_join_next() {
            self.note(ended);
        }
    }

    /// Waits for the turns that are under way.
    async fn end(mut self) -> Result<Swept, HubError> {
        while let Some(ended) = self.under_way.join_next().await {
            self.note(ended);
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Swept { subscriptions: self.subscriptions }),
        }
    }

    fn note(&mut self, ended: Result<Result<usize, HubError>, JoinError>) {
        match ended {
            Ok(Ok(count)) => self.subscriptions = self.subscriptions.saturating_add(count),
            Ok(Err(error)) => self.failed = Some(error),
            Err(error) => log_end(&error),
        }
    }
}

fn log_end(error: &JoinError) {
    tracing::error!(error = %error, "A step of the billing run ended badly; its work comes again");
}

fn lease(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(LEASE_SECS)).unwrap_or(Timestamp::MAX)
}
