//! One pass over everything that is due: merchant by merchant, several at once, never more in memory than is worked on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use charging::is_outage;
use domain::ids::{MerchantId, OrderId, SubscriptionId};
use domain::subscription::Subscription;
use jiff::{SignedDuration, Timestamp};
use storage::{StoreError, Transaction, subscriptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

use crate::{Hub, HubError};

/// How long a lease lasts: longer than any call to a gateway.
const LEASE_SECS: i64 = 150;
/// How long a subscription that cannot be read is left alone, seconds.
const ASIDE_SECS: i64 = 21_600;
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
    /// number of processes may run it; leases and versions keep them apart. A bill that fails is logged and comes again,
    /// later each time; when the database does not answer, the bills under way are finished first.
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
        let held: Option<Arc<str>> = self.store().find_mark(charging::CHARGING_HELD).await?.map(Arc::from);
        let fence = self.minter().uuid();
        let until = lease(self.minter().now());
        let due = self.store().acquire_due_subscriptions(merchant_id, now, until, fence, most.into()).await;
        let due = match due {
            Err(error) if !is_outage(&error) => {
                self.set_subscription_aside(merchant_id, &error, fence).await?;
                return Ok(0);
            }
            other => other?,
        };
        let (count, mut bills, mut of) = (due.len(), JoinSet::new(), HashMap::new());
        for subscription in due {
            let place = places.split(1);
            let (hub, held) = (self.clone(), held.clone());
            let about = (subscription.id, subscription.order_id);
            let bill = bills.spawn(async move {
                let billed = Box::pin(hub.bill(subscription, fence, held.as_deref())).await;
                drop(place);
                billed
            });
            of.insert(bill.id(), about);
        }
        // Somebody else took the rest.
        drop(places);
        while let Some(ended) = bills.join_next_with_id().await {
            let (bill, failure) = match ended {
                Ok((bill, Ok(()))) => (bill, None),
                Ok((bill, Err(error))) => (bill, Some(error)),
                Err(error) => (error.id(), Some(HubError::Interrupted)),
            };
            let Some((id, order_id)) = of.remove(&bill) else { continue };
            match failure {
                None => self.charging.went_well(id.uuid()),
                Some(error) => self.not_billed(merchant_id, id, order_id, &error, fence).await,
            }
        }
        Ok(count)
    }

    /// A bill failed: its subscription is left alone for longer each time, until a person is told. It is still due, and
    /// whoever changes it ends the wait. When the database did not answer, its lease ends by itself.
    async fn not_billed(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        order_id: OrderId,
        error: &HubError,
        fence: Uuid,
    ) {
        let uuid = id.uuid();
        tracing::error!(subscription.id = %id, error = %error, "Subscription {uuid} was not billed; it comes again");
        if matches!(error, HubError::Store(error) if is_outage(error)) {
            return;
        }
        let stuck = self.charging.stumbled(uuid);
        let mut kept = Transaction::new("not_billed").with(subscriptions::postpone(
            merchant_id,
            id,
            fence,
            stuck.again_at,
        ));
        if stuck.needs_person {
            let order = order_id.base32();
            let words = format!("Subscription {id} of order {order} fails each time it is billed: {error}.");
            kept = kept.with(self.charging.alert_stuck(merchant_id, words));
        }
        if let Err(error) = self.store().commit(kept).await {
            tracing::error!(error = %error, "That could not be kept; it comes again when its lease ends");
        }
    }

    /// A subscription that cannot even be read: it is shown, and left alone for long, so that those that were leased with
    /// it are billed when their lease ends.
    async fn set_subscription_aside(
        &self,
        merchant_id: MerchantId,
        error: &StoreError,
        fence: Uuid,
    ) -> Result<(), HubError> {
        tracing::error!(merchant.id = %merchant_id, error = %error, "A subscription of {merchant_id} could not be read");
        let StoreError::Inconsistent { id, .. } = error else { return Ok(()) };
        let Ok(id) = id.parse::<SubscriptionId>() else { return Ok(()) };
        let until = self
            .minter()
            .now()
            .saturating_add(SignedDuration::from_secs(ASIDE_SECS))
            .unwrap_or(Timestamp::MAX);
        let words = format!("{error}: it cannot be billed.");
        let aside = Transaction::new("set_subscription_aside")
            .with(subscriptions::postpone(merchant_id, id, fence, until))
            .with(self.charging.alert_stuck(merchant_id, words));
        self.store().commit(aside).await?;
        Ok(())
    }

    /// Bills one subscription now if nobody else does: leased like any other due one.
    pub(crate) async fn bill_one(&self, subscription: Subscription) -> Result<(), HubError> {
        let (merchant_id, now) = (subscription.merchant_id, self.minter().now());
        let held = self.store().find_mark(charging::CHARGING_HELD).await?;
        let fence = self.minter().uuid();
        let leased = self.store().lease_subscription(merchant_id, subscription.id, now, lease(now), fence);
        match leased.await? {
            Some(subscription) => Box::pin(self.bill(subscription, fence, held.as_deref())).await,
            None => Ok(()),
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
            // One merchant's trouble is no other's: only a database that does not answer ends the pass.
            Ok(Err(HubError::Store(error))) if !is_outage(&error) => {
                tracing::error!(error = %error, "A turn of the billing run failed; its work comes again");
            }
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
