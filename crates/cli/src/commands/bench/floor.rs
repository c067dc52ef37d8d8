//! The floor: the rows of an approved order, through the same statements and the same store, without HTTP or rules.

use anyhow::{Context, Result};
use domain::attempt::{Approval, Attempt, AttemptState, Outcome};
use domain::ids::MerchantId;
use domain::order::{FulfilmentState, Order, OrderStatus};
use domain::payment::{Payment, PaymentState};
use hub::Hub;
use jiff::Timestamp;
use storage::cards::Card;
use storage::events::Event;
use storage::fulfilments::Fulfilment;
use storage::orders::OrderFilter;
use storage::timeline::Line;
use storage::{
    Transaction, attempts, cards, events, fulfilments, guards, merchants, orders, payments, standing,
    timeline,
};

/// A stored order to repeat.
pub(super) struct Floor {
    hub: Hub,
    version: i64,
    order: Order,
    payment: Payment,
    attempt: Attempt,
    card: Card,
}

impl Floor {
    /// Takes the newest order as the pattern.
    pub(super) async fn new(hub: &Hub, merchant: MerchantId) -> Result<Self> {
        let store = hub.store();
        let found = store.list_orders(merchant, &OrderFilter::default(), 1, 0).await?;
        let view = hub.view(found.into_iter().next().context("an order to repeat")?).await?;
        let attempt = view.attempts.into_iter().next().context("its attempt")?;
        let payment = view.payments.into_iter().next().context("its payment")?;
        let card = store.find_card(merchant, attempt.card_id).await?.context("its card")?;
        let version = hub.configuration(merchant).await?.version;
        Ok(Self { hub: hub.clone(), version, order: view.order, payment, attempt, card })
    }

    /// One order: intent, then outcome.
    pub(super) async fn one(&self) -> Result<()> {
        let (minter, merchant_id) = (self.hub.minter(), self.order.merchant_id);
        let now = minter.now();
        let order = Order { id: minter.mint(), status: OrderStatus::Pending, ..self.order.clone() };
        let payment = Payment {
            id: minter.mint(),
            order_id: order.id,
            state: PaymentState::Attempting,
            ..self.payment.clone()
        };
        // A card of its own, as in the orders that this is the floor of.
        let card = Card { id: minter.mint(), fingerprint: order.id.base32(), ..self.card.clone() };
        let attempt = Attempt {
            id: minter.mint(),
            card_id: card.id,
            card_fingerprint: card.fingerprint.clone(),
            order_id: order.id,
            payment_id: payment.id,
            state: AttemptState::Sending,
            next_check_at: Some(now),
            ..self.attempt.clone()
        };
        let key = order.id.base32();
        let intent = Transaction::new("floor_intent")
            .with(merchants::check_version(merchant_id, self.version))
            .with(guards::take(merchant_id, &key, order.id, now, Timestamp::MIN))
            .with(cards::upsert(&card, now))
            .with(orders::insert(&order, &key))
            .with(payments::insert(&payment, now))
            .with(attempts::insert(&attempt))
            .independent();
        self.hub.store().commit(intent).await?;
        self.hub.store().commit(self.outcome(&order, &payment, &attempt, now)).await?;
        Ok(())
    }

    fn outcome(&self, order: &Order, payment: &Payment, attempt: &Attempt, now: Timestamp) -> Transaction {
        let (minter, merchant_id) = (self.hub.minter(), order.merchant_id);
        let approval = Approval {
            reference: attempt.id.base32(),
            auth_code: "123456".to_owned(),
            avs: "N".to_owned(),
            cvv: "M".to_owned(),
            text: "SUCCESS".to_owned(),
            amount: attempt.amount,
        };
        let outcome = Outcome::Approved(approval);
        let (gateway, minor) = (attempt.gateway_id, attempt.amount.minor());
        let shard = i64::from(attempt.id.uuid().as_bytes().last().copied().unwrap_or(0));
        Transaction::new("floor_outcome")
            .with(attempts::settle(merchant_id, attempt.id, &outcome, now, None))
            .with(orders::complete(merchant_id, order.id, false, now))
            .with(payments::set_state(merchant_id, payment.id, PaymentState::Paid, now))
            .with(events::insert(&Event {
                merchant_id,
                id: minter.mint(),
                kind: "new_sale".to_owned(),
                subject_id: payment.id.uuid(),
                order_id: order.id,
                body: "{}".to_owned(),
                created_at: now,
            }))
            .with(fulfilments::insert(&Fulfilment {
                merchant_id,
                id: minter.mint(),
                order_id: order.id,
                payment_id: payment.id,
                state: FulfilmentState::Hold,
                created_at: now,
            }))
            .with(standing::add_volume(merchant_id, gateway, None, 202_601, shard, minor))
            .with(timeline::insert(&Line {
                merchant_id,
                id: minter.mint(),
                order_id: order.id,
                at: now,
                words: attempt.why.clone(),
            }))
            .independent()
    }
}
