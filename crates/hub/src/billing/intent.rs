//! The intent of a bill: subscription, debt and attempt in one transaction, before any byte leaves.

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState, Initiator, Purpose};
use domain::configuration::Configuration;
use domain::ids::{AttemptId, OrderId, PaymentId};
use domain::network_rules::NetworkCaps;
use domain::order::{CardShown, Order};
use domain::payment::{Payment, PaymentState};
use domain::subscription::{InitialCharge, Subscription, SubscriptionEvent};
use gateways::{StoredCredential, SubscriptionTerms};
use jiff::Timestamp;
use storage::{Transaction, attempts, cards, late_approvals, merchants, payments, subscriptions};
use uuid::Uuid;

use super::case::BillingCase;
use super::plan::{Due, Planned, ago, later};
use crate::stored_charge::StoredCharge;
use crate::{Hub, HubError};

/// How often a bill is planned again after the configuration changed under it.
const TRIES_MAX: usize = 4;

impl Hub {
    /// Does what a leased subscription is due for; `held` says why no charge may be made by itself, if none may.
    pub(super) async fn bill(
        &self,
        subscription: Subscription,
        fence: Uuid,
        held: Option<&str>,
    ) -> Result<(), HubError> {
        for _ in 0..TRIES_MAX {
            let configuration = self.configuration(subscription.merchant_id).await?;
            match self.try_bill(&configuration, &subscription, fence, held).await {
                Err(HubError::Store(error)) if error.is_conflict_in(merchants::CONFIGURATION_CHANGED) => {
                    self.reload(subscription.merchant_id).await?;
                }
                // Somebody changed the subscription meanwhile, and said when it is due next.
                Err(HubError::Store(error)) if error.is_conflict_in(subscriptions::CHANGED_SINCE) => {
                    return Ok(());
                }
                Err(HubError::Store(error)) if error.is_conflict_in(late_approvals::UNDECIDED) => {
                    let words = "An approval of this bill came late and is kept or given back first.";
                    return self.hold(&subscription, fence, self.in_hours(1), words, false).await;
                }
                Err(HubError::Store(error)) if error.is_conflict_in(attempts::LIVE_ATTEMPT_EXISTS) => {
                    // Under way, or approved and still to be given back: then a person must look.
                    let words =
                        "Another attempt of this bill is under way, or approved and not given back yet.";
                    return self.hold(&subscription, fence, self.in_hours(1), words, true).await;
                }
                // Another bill of the card was faster: what that means for this one is planned anew.
                Err(HubError::Store(error))
                    if error.is_conflict_in(attempts::OVER_CARD_BUDGET)
                        || error.is_conflict_in(attempts::CARD_NOT_FREE) => {}
                other => return other,
            }
        }
        Err(HubError::Interrupted)
    }

    fn in_hours(&self, hours: i64) -> Timestamp {
        later(self.minter().now(), hours)
    }

    async fn try_bill(
        &self,
        configuration: &Arc<Configuration>,
        subscription: &Subscription,
        fence: Uuid,
        held: Option<&str>,
    ) -> Result<(), HubError> {
        match self.due(configuration, subscription, held).await? {
            Due::Send(planned) => {
                Box::pin(self.send_bill(configuration, subscription, *planned, fence)).await
            }
            Due::Hold { until, words, mend } => self.hold(subscription, fence, until, &words, mend).await,
            Due::Pause { open } => {
                let mut next = self.changed(subscription, SubscriptionEvent::Pause);
                next.next_action_at = None;
                next.pause_at = None;
                let words = "Paused, as scheduled.";
                let paused =
                    self.event_of(&next, "pause", self.minter().uuid(), subscription.order_id, None, words);
                let transaction =
                    Transaction::new("pause_due")
                        .with(subscriptions::update(&next, Some(fence)))
                        .with(self.tell_of(subscription, words))
                        // What a salvage gateway works on is asked to stop; the driver does it (M23).
                        .with_all(open.map(|id| {
                            attempts::ask_cancel(subscription.merchant_id, id, self.minter().now())
                        }))
                        .with(paused);
                Ok(self.store().commit(transaction).await.map(|_| ())?)
            }
            Due::Move { slot, at, words } => {
                let mut next = self.changed(subscription, SubscriptionEvent::Recycle);
                next.slot = slot;
                next.tries = 0;
                next.next_action_at = Some(at);
                next.next_bill_at = Some(at);
                next.held.clone_from(&words);
                let transaction = Transaction::new("move_slot")
                    .with(subscriptions::update(&next, Some(fence)))
                    .with(self.tell_of(subscription, words));
                Ok(self.store().commit(transaction).await.map(|_| ())?)
            }
            Due::Fail(words) => {
                let steps = self.failed(configuration, subscription, None, &words);
                let next = self.stopped(subscription, SubscriptionEvent::Fail, &words);
                let transaction = Transaction::new("fail_due")
                    .with(subscriptions::update(&next, Some(fence)))
                    .with_all(steps);
                Ok(self.store().commit(transaction).await.map(|_| ())?)
            }
        }
    }

    /// Held back by a rule or by something that a person must mend; told once per reason.
    async fn hold(
        &self,
        subscription: &Subscription,
        fence: Uuid,
        until: Timestamp,
        words: &str,
        mend: bool,
    ) -> Result<(), HubError> {
        let now = self.minter().now();
        let next = Subscription {
            held: words.to_owned(),
            next_action_at: Some(until),
            updated_at: now,
            ..subscription.clone()
        };
        let mut transaction = Transaction::new("hold_bill").with(subscriptions::update(&next, Some(fence)));
        if subscription.held != words {
            let said = format!("Bill held until {until}: {words}");
            transaction = transaction.with(self.tell_of(subscription, said));
            if mend {
                transaction = transaction.with(self.alert_of(subscription, None, "bill_held", words));
            }
        }
        Ok(self.store().commit(transaction).await.map(|_| ())?)
    }

    async fn send_bill(
        &self,
        configuration: &Arc<Configuration>,
        subscription: &Subscription,
        mut planned: Planned,
        fence: Uuid,
    ) -> Result<(), HubError> {
        let merchant_id = subscription.merchant_id;
        let now = self.minter().now();
        let origin = match planned.origin.take() {
            Some(origin) => origin,
            None => self.origin_of(merchant_id, subscription).await?,
        };
        let (payment, is_new) = self.payment_of(subscription, &planned).await?;
        let attempt = self.attempt_of(configuration, subscription, &payment, &planned, now);
        let mut next = Subscription {
            collecting: Some(payment.id),
            // Due again before it has ended only to begin its pause.
            next_action_at: subscription.pause_at,
            held: String::new(),
            updated_at: now,
            ..subscription.clone()
        };
        // The first charge at the gateway that it rests on, if that gateway made it (M30).
        if let Some(reference) = planned.initial_reference.clone() {
            next.initial = Some(InitialCharge { gateway_id: subscription.gateway_id, reference });
        }
        let (day, month) = (ago(now, 24), ago(now, 720));
        let caps = NetworkCaps::DEFAULT;
        let day_cap = if planned.is_mastercard { caps.mastercard_day } else { caps.month };
        let debt = if is_new {
            payments::insert(&payment, now)
        } else {
            payments::set_state(merchant_id, payment.id, PaymentState::Attempting, now)
        };
        let transaction = Transaction::new("bill_intent")
            .with(merchants::check_version(merchant_id, configuration.version))
            .with(subscriptions::update(&next, Some(fence)))
            .with(debt)
            .with(late_approvals::refuse_undecided(merchant_id, payment.id))
            .with(cards::lock_budget(merchant_id, &attempt.card_fingerprint))
            .with(attempts::require_card_budget(
                merchant_id,
                &attempt.card_fingerprint,
                day,
                month,
                (day_cap, caps.month),
            ))
            .with_all(planned.apart.map(|apart| attempts::require_free_card(&attempt, now, apart)))
            .with(attempts::insert(&attempt))
            .with(self.tell_of(subscription, attempt.why.clone()))
            .without_rows();
        self.store().commit(transaction).await?;
        next.version = next.version.saturating_add(1);
        let charge = StoredCharge {
            contact: origin.contact.clone(),
            order_reference: payment.order_id.base32(),
            credential: credential_of(&next, &attempt),
            terms: Some(agreement_of(&next, &planned)),
        };
        let (cycle, card) = (planned.cycle, planned.card);
        let case = BillingCase { payment, cycle, subscription: next, origin, card };
        self.charge_bill(configuration, &attempt, charge, case).await?;
        Ok(())
    }

    /// The debt of the cycle: one per subscription and cycle, kept over all attempts.
    async fn payment_of(
        &self,
        subscription: &Subscription,
        planned: &Planned,
    ) -> Result<(Payment, bool), HubError> {
        if let Some(id) = subscription.collecting
            && let Some(known) = self.store().find_payment(subscription.merchant_id, id).await?
        {
            return Ok((known, false));
        }
        let id: PaymentId = self.minter().mint();
        // A rebill's order is made when it is approved, under the debt's own UUID; a trial's completion stays on the
        // original order (Q24).
        let order_id = if subscription.terms.is_trial_completion(planned.cycle) {
            subscription.order_id
        } else {
            OrderId::from_uuid(id.uuid())
        };
        let payment = Payment {
            id,
            merchant_id: subscription.merchant_id,
            order_id,
            amount: planned.original,
            state: PaymentState::Attempting,
            cycle: Some((subscription.id, planned.cycle)),
        };
        Ok((payment, true))
    }

    fn attempt_of(
        &self,
        configuration: &Configuration,
        subscription: &Subscription,
        payment: &Payment,
        planned: &Planned,
        now: Timestamp,
    ) -> Attempt {
        Attempt {
            id: self.minter().mint::<AttemptId>(),
            merchant_id: subscription.merchant_id,
            payment_id: payment.id,
            order_id: payment.order_id,
            purpose: Purpose::Collect,
            initiator: Initiator::Merchant,
            route: planned.route,
            gateway_id: planned.gateway_id,
            gateway_kind: planned.gateway_kind.clone(),
            amount: planned.amount,
            card_id: subscription.card_id,
            card_fingerprint: subscription.card_fingerprint.clone(),
            salvages: planned.salvages,
            slot: planned.slot,
            deadline: planned.deadline,
            why: planned.why.clone(),
            created_at: now,
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(self.charging.take_up_at(configuration.account.checkout_budget_secs)),
            needs_person: false,
        }
    }
}

/// The stored-credential flags of a rebill: the first charge's id only where that gateway made it (M30).
fn credential_of(subscription: &Subscription, attempt: &Attempt) -> StoredCredential {
    let initial = subscription.initial.as_ref().filter(|one| one.gateway_id == attempt.gateway_id);
    StoredCredential::Rebill { initial_reference: initial.map(|one| one.reference.clone()) }
}

fn agreement_of(subscription: &Subscription, planned: &Planned) -> SubscriptionTerms {
    SubscriptionTerms {
        reference: subscription.id.base32(),
        interval_days: subscription.terms.delay_days(planned.cycle),
        price: planned.original,
        payment_number: planned.cycle,
        payments_total: subscription.terms.final_cycle(),
    }
}

/// The order of a paid rebill: what was billed, to whom, on which card.
pub(super) fn rebill_order(
    case: &BillingCase,
    attempt: &Attempt,
    is_salvaged: bool,
    card: Option<CardShown>,
    now: Timestamp,
) -> Order {
    let (subscription, origin) = (&case.subscription, &case.origin);
    let terms = &subscription.terms;
    let shipping = terms
        .shipping
        .or_else(|| terms.plan.cycle(case.cycle).map(|cycle| cycle.shipping))
        .unwrap_or_else(|| domain::Money::zero(terms.currency));
    // A reduced bill reduces the price first.
    let shipping = if shipping.minor() > attempt.amount.minor() { attempt.amount } else { shipping };
    let price = domain::Money::new(
        attempt.amount.minor().saturating_sub(shipping.minor()),
        attempt.amount.currency(),
    );
    Order {
        id: case.payment.order_id,
        subscription_id: Some(subscription.id),
        status: domain::order::OrderStatus::Complete,
        total: attempt.amount,
        sales_tax: domain::Money::zero(attempt.amount.currency()),
        items: vec![domain::order::OrderItem {
            product_id: subscription.product_id,
            product_number: terms.product_number,
            name: terms.name.clone(),
            sku: terms.sku.clone(),
            quantity: terms.quantity,
            price,
            shipping,
            is_shippable: terms.ships_on(case.cycle),
        }],
        routed: Some(domain::order::Routed { gateway_id: subscription.gateway_id, profile_id: None }),
        is_salvaged,
        cascade_note: String::new(),
        card: card.or_else(|| origin.card.clone()),
        created_at: now,
        updated_at: now,
        ..origin.clone()
    }
}
