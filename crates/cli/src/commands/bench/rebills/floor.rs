//! The floor: the rows of an approved rebill, through the same statements and the same store, without reads, rules,
//! vault or gateway.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use domain::attempt::{Approval, Attempt, AttemptState, Initiator, Outcome, Route};
use domain::ids::{MerchantId, OrderId, PaymentId};
use domain::order::{FulfilmentState, Order};
use domain::payment::{Payment, PaymentState};
use domain::subscription::{InitialCharge, Subscription};
use hub::Hub;
use jiff::{SignedDuration, Timestamp};
use storage::events::Event;
use storage::fulfilments::Fulfilment;
use storage::timeline::Line;
use storage::{
    Step, Transaction, attempts, cards, events, fulfilments, merchants, orders, payments, standing,
    subscriptions, timeline,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::super::load::all_of;
use super::pattern::Pattern;

/// As many at once as the billing run has.
const AT_ONCE: usize = 64;
/// As many of one claim as the billing run takes.
const BATCH: i64 = 16;
/// The network caps of the budget question.
const CAPS: (i64, i64) = (35, 35);

/// A rebill to repeat.
pub(super) struct Floor {
    hub: Hub,
    pattern: Arc<Pattern>,
}

/// The same without anything that is the database's.
struct Bill {
    subscription: Subscription,
    payment: Payment,
    attempt: Attempt,
}

impl Floor {
    pub(super) fn new(hub: &Hub, pattern: &Arc<Pattern>) -> Arc<Self> {
        Arc::new(Self { hub: hub.clone(), pattern: Arc::clone(pattern) })
    }

    /// Drains everything that is due; how much that was.
    pub(super) async fn drain(self: &Arc<Self>) -> Result<usize> {
        let (permits, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        let now = self.hub.minter().now();
        for merchant in self.hub.store().list_merchants_with_due_subscriptions(now, i64::MAX).await? {
            let permit = Arc::clone(&permits).acquire_owned().await?;
            let (floor, permits) = (Arc::clone(self), Arc::clone(&permits));
            tasks.spawn(async move { floor.of_merchant(merchant, now, permit, &permits).await });
        }
        Ok(all_of(tasks).await?.into_iter().sum())
    }

    async fn of_merchant(
        self: &Arc<Self>,
        merchant: MerchantId,
        now: Timestamp,
        permit: tokio::sync::OwnedSemaphorePermit,
        permits: &Arc<Semaphore>,
    ) -> Result<usize> {
        let mut bills = JoinSet::new();
        let (mut count, mut claiming) = (0, Some(permit));
        loop {
            let fence = self.hub.minter().uuid();
            let until = now + SignedDuration::from_secs(600);
            let due = self.hub.store().acquire_due_subscriptions(merchant, now, until, fence, BATCH).await?;
            let is_last = i64::try_from(due.len())? < BATCH;
            // The claim is done; bills have places of their own.
            claiming.take();
            for subscription in due {
                count += 1;
                let permit = Arc::clone(permits).acquire_owned().await?;
                let floor = Arc::clone(self);
                bills.spawn(async move {
                    floor.one(subscription, fence).await?;
                    drop(permit);
                    Ok(())
                });
            }
            if is_last {
                break;
            }
        }
        all_of(bills).await?;
        Ok(count)
    }

    /// One rebill: intent, then outcome.
    async fn one(&self, before: Subscription, fence: Uuid) -> Result<()> {
        let bill = self.bill(before);
        self.hub.store().commit(self.intent(&bill, fence)).await?;
        self.hub.store().commit(self.outcome(bill)?).await?;
        Ok(())
    }

    fn bill(&self, before: Subscription) -> Bill {
        let (minter, now) = (self.hub.minter(), self.hub.minter().now());
        let id: PaymentId = minter.mint();
        let payment = Payment {
            id,
            merchant_id: before.merchant_id,
            order_id: OrderId::from_uuid(id.uuid()),
            state: PaymentState::Attempting,
            cycle: Some((before.id, before.cycle + 1)),
            ..self.pattern.payment.clone()
        };
        let attempt = Attempt {
            id: minter.mint(),
            merchant_id: before.merchant_id,
            payment_id: id,
            order_id: payment.order_id,
            initiator: Initiator::Merchant,
            route: Route::Rebill,
            card_id: before.card_id,
            card_fingerprint: before.card_fingerprint.clone(),
            created_at: now,
            state: AttemptState::Sending,
            next_check_at: Some(now + SignedDuration::from_secs(300)),
            ..self.pattern.attempt.clone()
        };
        let initial = InitialCharge { gateway_id: before.gateway_id, reference: id.base32() };
        let subscription = Subscription {
            collecting: Some(id),
            next_action_at: None,
            initial: Some(initial),
            updated_at: now,
            ..before
        };
        Bill { subscription, payment, attempt }
    }

    fn intent(&self, bill: &Bill, fence: Uuid) -> Transaction {
        let (attempt, now) = (&bill.attempt, bill.attempt.created_at);
        let (merchant, card) = (attempt.merchant_id, &attempt.card_fingerprint);
        let ago = |hours| now - SignedDuration::from_hours(hours);
        Transaction::new("floor_bill_intent")
            .with(merchants::check_version(merchant, self.pattern.configuration.version))
            .with(subscriptions::update(&bill.subscription, Some(fence)))
            .with(payments::insert(&bill.payment, now))
            .with(cards::lock_budget(merchant, card))
            .with(attempts::require_card_budget(merchant, card, ago(24), ago(720), CAPS))
            .with(attempts::require_free_card(attempt, now, now - SignedDuration::from_secs(1_200)))
            .with(attempts::insert(attempt))
            .with(self.line(attempt.merchant_id, bill.subscription.order_id, &attempt.why))
            .without_rows()
    }

    fn outcome(&self, bill: Bill) -> Result<Transaction> {
        let now = self.hub.minter().now();
        let Bill { subscription, payment, attempt } = bill;
        let (merchant_id, minor) = (attempt.merchant_id, attempt.amount.minor());
        let next_at = Some(now + SignedDuration::from_hours(720));
        let next = Subscription {
            cycle: subscription.cycle + 1,
            collecting: None,
            next_bill_at: next_at,
            next_action_at: next_at,
            version: subscription.version + 1,
            ..subscription
        };
        let approval = match &self.pattern.attempt.state {
            AttemptState::Approved { approval, .. } => Some(approval.clone()),
            _ => None,
        };
        let approval = approval.context("the pattern was approved")?;
        let outcome = Outcome::Approved(Approval { reference: attempt.id.base32(), ..approval });
        let order = Order {
            id: payment.order_id,
            merchant_id,
            customer_id: next.customer_id,
            subscription_id: Some(next.id),
            created_at: now,
            updated_at: now,
            ..self.pattern.order.clone()
        };
        let shard = i64::from(attempt.id.uuid().as_bytes().last().copied().unwrap_or(0));
        Ok(Transaction::new("floor_bill_outcome")
            .with(attempts::settle(merchant_id, attempt.id, &outcome, now, None))
            .with(payments::pay(merchant_id, payment.id, minor, now))
            .with(subscriptions::update(&next, None))
            .with(orders::insert(&order, ""))
            .with(events::insert(&Event {
                merchant_id,
                id: self.hub.minter().mint(),
                kind: "recurring_order".to_owned(),
                subject_id: payment.id.uuid(),
                order_id: order.id,
                body: "{}".to_owned(),
                created_at: now,
            }))
            .with(fulfilments::insert(&Fulfilment {
                merchant_id,
                id: self.hub.minter().mint(),
                order_id: order.id,
                payment_id: payment.id,
                state: FulfilmentState::Hold,
                created_at: now,
            }))
            .with(standing::add_volume(merchant_id, attempt.gateway_id, None, 202_601, shard, minor))
            .with(self.line(merchant_id, next.order_id, &attempt.why))
            .without_rows())
    }

    fn line(&self, merchant_id: MerchantId, order_id: OrderId, words: &str) -> Step {
        let (id, at) = (self.hub.minter().mint(), self.hub.minter().now());
        timeline::insert(&Line { merchant_id, id, order_id, at, words: words.to_owned() })
    }
}
