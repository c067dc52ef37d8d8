//! Order import: one call, one answer, never charged twice (M1–M5).

mod again;
mod input;

pub use input::{Import, ImportAnswer, ImportLine, RawCard};

use std::fmt::Write;
use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState, Initiator, Purpose, Route};
use domain::configuration::{Configuration, Target};
use domain::ids::{CardId, CustomerId, MerchantId, PaymentId};
use domain::order::{Order, OrderStatus, Routed};
use domain::payment::{Payment, PaymentState};
use domain::placement::Problem;
use domain::routing::{Choice, decide_route};
use jiff::{SignedDuration, Timestamp};
use storage::cards::Card;
use storage::{
    StoreError, Transaction, attempts, cards, guards, late_approvals, merchants, orders, payments,
};

use crate::checkout::Checkout;
use crate::draft::{Draft, draft};
use crate::effects::is_stopped;
use crate::{Hub, HubError};

/// The same import within this time is the same sale (M3).
const SAME_IMPORT_SECS: i64 = 600;
/// How often an import is made again after the configuration changed under it.
const TRIES_MAX: usize = 4;

/// Everything a charge needs, decided before it begins.
pub(crate) struct Prepared {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) draft: Draft,
    pub(crate) order: Order,
    pub(crate) payment: Payment,
    pub(crate) card: Card,
    pub(crate) choice: Choice,
    pub(crate) guard_key: String,
    pub(crate) known: Option<Order>,
    pub(crate) paid_before: bool,
}

enum Try {
    Answer(ImportAnswer),
    Again,
}

fn refused(field: &str, message: impl Into<String>) -> ImportAnswer {
    ImportAnswer::Refused(vec![Problem::new(field, message)])
}

impl Hub {
    /// Makes and charges an order. The charge finishes also when the caller hangs up.
    pub async fn import(&self, merchant_id: MerchantId, import: Import) -> Result<ImportAnswer, HubError> {
        for _ in 0..TRIES_MAX {
            match Box::pin(self.try_import(merchant_id, &import)).await? {
                Try::Answer(answer) => return Ok(answer),
                Try::Again => {
                    self.reload(merchant_id).await?;
                }
            }
        }
        Err(HubError::Interrupted)
    }

    /// Everything wrong with an import that is already known to be refused, so that all problems are told at once.
    pub async fn check_import(
        &self,
        merchant_id: MerchantId,
        import: &Import,
    ) -> Result<Vec<Problem>, HubError> {
        let configuration = self.configuration(merchant_id).await?;
        Ok(draft(&configuration, import, None, self.minter().now()).err().unwrap_or_default())
    }

    async fn try_import(&self, merchant_id: MerchantId, import: &Import) -> Result<Try, HubError> {
        let configuration = self.configuration(merchant_id).await?;
        let (known, waited) = match import.order_id {
            None => (None, false),
            Some(id) => match self.known_order(&configuration, id).await? {
                Some((order, waited)) => (Some(order), waited),
                None => return Ok(Try::Answer(refused("orderId", "there is no order with this id"))),
            },
        };
        let drafted = match draft(&configuration, import, known.as_ref(), self.minter().now()) {
            Ok(drafted) => drafted,
            Err(problems) => return Ok(Try::Answer(ImportAnswer::Refused(problems))),
        };
        if let Some(known) = &known
            && let Some(answer) = self.answer_again(known, waited, &drafted).await?
        {
            return Ok(Try::Answer(answer));
        }
        let prepared = match self.prepare(configuration, import, drafted, known).await? {
            Ok(prepared) => prepared,
            Err(answer) => return Ok(Try::Answer(answer)),
        };
        if prepared.draft.is_test {
            return self.approve_test(prepared).await;
        }
        Box::pin(self.charge(prepared)).await
    }

    async fn prepare(
        &self,
        configuration: Arc<Configuration>,
        import: &Import,
        draft: Draft,
        known: Option<Order>,
    ) -> Result<Result<Prepared, ImportAnswer>, HubError> {
        let now = self.minter().now();
        let merchant_id = configuration.merchant_id;
        let choice =
            if draft.is_test { Ok(unrouted(&draft)) } else { self.route(&configuration, &draft).await? };
        let (choice, no_route) = match choice {
            Ok(choice) => (choice, None),
            Err(why) => (unrouted(&draft), Some(why)),
        };
        let routed = Routed { gateway_id: choice.gateway_id, profile_id: choice.profile_id };
        let payments = match &known {
            None => Vec::new(),
            Some(order) => self.store().list_payments_of_order(merchant_id, order.id).await?,
        };
        let order = self.order_of(&configuration, import, &draft, known.as_ref(), routed, now);
        let earlier = payments.last().cloned();
        if let Some(earlier) = &earlier
            && is_stopped(&self.store().list_attempts_of_payment(merchant_id, earlier.id).await?)
        {
            let words = "the cardholder has stopped this payment at the bank; it may not be attempted again";
            return Ok(Err(refused("orderId", words)));
        }
        if earlier.as_ref().is_some_and(|payment| payment.amount != draft.total) {
            return Ok(Err(refused(
                "product1_price",
                "a declined order is charged again for the same amount; send a new order for another one",
            )));
        }
        let paid_before = earlier.is_some();
        let payment = Payment {
            // An order's first payment carries the order's own UUID: two imports of one order cannot make two debts.
            id: PaymentId::from_uuid(order.id.uuid()),
            merchant_id,
            order_id: order.id,
            amount: draft.total,
            state: PaymentState::Attempting,
            cycle: None,
        };
        let card = self.card_of(merchant_id, &draft);
        let guard_key = self.guard_key(&order, &card);
        let prepared =
            Prepared { configuration, draft, order, payment, card, choice, guard_key, known, paid_before };
        match no_route {
            None => Ok(Ok(prepared)),
            Some(why) => self.decline_unrouted(prepared, &why.0).await.map(Err),
        }
    }

    async fn route(
        &self,
        configuration: &Configuration,
        draft: &Draft,
    ) -> Result<Result<Choice, domain::routing::NoRoute>, HubError> {
        let profile = match draft.target {
            Target::Gateway(_) => None,
            Target::Profile(id) => configuration.gateway_profile(id),
        };
        let known = profile.map(|one| (one.id.uuid(), one.algorithm, one.members.as_slice()));
        let standing = self.standing(configuration, known, profile.map(|one| one.id)).await?;
        Ok(decide_route(configuration, draft.target, draft.total, &standing))
    }

    fn order_of(
        &self,
        configuration: &Configuration,
        import: &Import,
        draft: &Draft,
        known: Option<&Order>,
        routed: Routed,
        now: Timestamp,
    ) -> Order {
        let mut extra = known.map(|order| order.extra.clone()).unwrap_or_default();
        extra.retain(|(name, _)| !import.extra.iter().any(|(fresh, _)| fresh == name));
        extra.extend(import.extra.iter().cloned());
        Order {
            id: known.map_or_else(|| self.minter().mint(), |order| order.id),
            merchant_id: configuration.merchant_id,
            customer_id: known.map_or_else(|| self.minter().mint::<CustomerId>(), |order| order.customer_id),
            subscription_id: None,
            campaign_id: draft.campaign.id,
            campaign_number: draft.campaign.number,
            status: OrderStatus::Pending,
            total: draft.total,
            sales_tax: draft.sales_tax,
            items: draft.items.clone(),
            contact: draft.contact.clone(),
            routed: (!draft.is_test).then_some(routed),
            is_test: draft.is_test,
            is_salvaged: false,
            cascade_note: String::new(),
            extra,
            card: Some(draft.card.shown()),
            created_at: known.map_or(now, |order| order.created_at),
            updated_at: now,
        }
    }

    fn card_of(&self, merchant_id: MerchantId, draft: &Draft) -> Card {
        let fingerprint = self.vault().fingerprint(merchant_id, &draft.card.number);
        let id = card_id(&fingerprint);
        let sealed =
            self.vault().seal_card(self.minter().entropy().as_ref(), merchant_id, id, &draft.card.number);
        Card { merchant_id, id, fingerprint, shown: draft.card.shown(), sealed }
    }

    /// What makes a repeated import the same import: campaign, items, amount, e-mail and card (M3).
    fn guard_key(&self, order: &Order, card: &Card) -> String {
        let mut text = format!(
            "{}|{}|{}|{}",
            order.campaign_number,
            order.total,
            order.contact.email.to_lowercase(),
            card.fingerprint
        );
        for item in &order.items {
            // Writing to a string cannot fail.
            let _ = write!(text, "|{}x{}", item.product_number, item.quantity);
        }
        self.vault().body_fingerprint(text.as_bytes())
    }

    /// No gateway can take it: DECLINED, and it can be rerun (M4).
    async fn decline_unrouted(&self, prepared: Prepared, why: &str) -> Result<ImportAnswer, HubError> {
        let now = self.minter().now();
        let mut order = prepared.order.clone();
        order.status = OrderStatus::Declined;
        order.routed = None;
        order.cascade_note = why.to_owned();
        let mut payment = prepared.payment.clone();
        payment.state = PaymentState::Declined;
        let transaction = Transaction::new("decline_unrouted")
            .with(cards::upsert(&prepared.card, now))
            .with(insert_or_submit(&prepared, &order))
            .with(insert_or_set(&prepared, &payment, now))
            .with(self.tell(&order, why.to_owned()))
            .with(self.alert(&order, None, "no_route", why.to_owned()));
        self.store().commit(transaction).await?;
        Ok(ImportAnswer::Order(Box::new(self.view(order).await?)))
    }

    /// A test card: approved locally and flagged; no gateway, no fulfilment, no event (M5, R149).
    async fn approve_test(&self, prepared: Prepared) -> Result<Try, HubError> {
        let now = self.minter().now();
        let mut order = prepared.order.clone();
        order.status = OrderStatus::Complete;
        let mut payment = prepared.payment.clone();
        payment.state = PaymentState::Paid;
        let transaction = Transaction::new("approve_test")
            .with(insert_or_submit(&prepared, &order))
            .with(insert_or_set(&prepared, &payment, now))
            .with(self.tell(&order, "A test card was used: approved here, no gateway was asked."));
        self.store().commit(transaction).await?;
        Ok(Try::Answer(ImportAnswer::Order(Box::new(self.view(order).await?))))
    }

    /// The intent, then the charge in a task of its own.
    async fn charge(&self, prepared: Prepared) -> Result<Try, HubError> {
        let hub = self.clone();
        let order_id = prepared.order.id;
        let task = self.tracker.spawn(async move {
            let _mark = hub.running.mark(order_id);
            // The gateway is made before the intent, whose deadlines depend on how long its calls may take. When it
            // cannot be made, the charge finds out.
            let _ = hub.connect(&prepared).await;
            let attempt = hub.first_attempt(&prepared);
            match hub.record_intent(&prepared, &attempt).await {
                Ok(()) => {}
                Err(error) => return Ok(Err((error, prepared))),
            }
            Checkout::new(hub, prepared, attempt).run().await.map(Ok)
        });
        match task.await.map_err(|_| HubError::Interrupted)?? {
            Ok(view) => Ok(Try::Answer(ImportAnswer::Order(Box::new(view)))),
            Err((error, prepared)) => self.after_conflict(error, &prepared).await,
        }
    }

    async fn connect(&self, prepared: &Prepared) -> Option<()> {
        let configuration = &prepared.configuration;
        let configured = configuration.gateway(prepared.choice.gateway_id)?;
        let connections = &self.charging.connections;
        let live = connections.gateway(configuration.merchant_id, configuration.version, configured);
        live.await.ok().map(|_| ())
    }

    fn first_attempt(&self, prepared: &Prepared) -> Attempt {
        let gateway = prepared.configuration.gateway(prepared.choice.gateway_id);
        let declined_before = prepared.paid_before;
        Attempt {
            id: self.minter().mint(),
            merchant_id: prepared.order.merchant_id,
            payment_id: prepared.payment.id,
            order_id: prepared.order.id,
            purpose: Purpose::Collect,
            initiator: Initiator::Customer,
            route: if declined_before { Route::Reimport } else { Route::First },
            gateway_id: prepared.choice.gateway_id,
            gateway_kind: gateway.map(|one| one.kind.clone()).unwrap_or_default(),
            amount: prepared.payment.amount,
            card_id: prepared.card.id,
            card_fingerprint: prepared.card.fingerprint.clone(),
            salvages: None,
            slot: None,
            deadline: None,
            why: prepared.choice.why.clone(),
            created_at: self.minter().now(),
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(
                self.charging.take_up_at(prepared.configuration.account.checkout_budget_secs),
            ),
            needs_person: false,
        }
    }

    /// Committed before any byte leaves.
    async fn record_intent(&self, prepared: &Prepared, attempt: &Attempt) -> Result<(), StoreError> {
        let now = self.minter().now();
        let (order, merchant_id) = (&prepared.order, prepared.order.merchant_id);
        let expired =
            now.saturating_sub(SignedDuration::from_secs(SAME_IMPORT_SECS)).unwrap_or(Timestamp::MIN);
        let transaction = Transaction::new("record_intent")
            .with(merchants::check_version(merchant_id, prepared.configuration.version))
            .with(guards::take(merchant_id, &prepared.guard_key, order.id, now, expired))
            .with(cards::upsert(&prepared.card, now))
            .with(insert_or_submit(prepared, order))
            .with(insert_or_set(prepared, &prepared.payment, now))
            // A debt that was declined may have been collected after all: that is decided first (M17).
            .with_all(
                prepared
                    .paid_before
                    .then(|| late_approvals::refuse_undecided(merchant_id, prepared.payment.id)),
            )
            .with(attempts::insert(attempt))
            .independent();
        self.store().commit(transaction).await.map(|_| ())
    }
}

fn unrouted(draft: &Draft) -> Choice {
    let gateway_id = match draft.target {
        Target::Gateway(id) => id,
        Target::Profile(id) => domain::ids::GatewayId::from_uuid(id.uuid()),
    };
    Choice { gateway_id, profile_id: None, why: String::new(), next: Vec::new() }
}

fn insert_or_submit(prepared: &Prepared, order: &Order) -> storage::Step {
    match prepared.known {
        None => orders::insert(order, &prepared.guard_key),
        Some(_) => orders::submit(order, &prepared.guard_key),
    }
}

fn insert_or_set(prepared: &Prepared, payment: &Payment, now: Timestamp) -> storage::Step {
    if prepared.paid_before {
        payments::set_state(payment.merchant_id, payment.id, payment.state, now)
    } else {
        payments::insert(payment, now)
    }
}

/// A card's id is made of its fingerprint: the same card at the same merchant is the same row.
pub(crate) fn card_id(fingerprint: &str) -> CardId {
    let bytes = u128::from_str_radix(fingerprint, 16).unwrap_or_default().to_be_bytes();
    CardId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
