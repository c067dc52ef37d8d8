//! A bill that was collected: next cycle, order, shipment, event, in the outcome's own transaction (R90–R93, R132).

use charging::Consequence;
use domain::attempt::{Approval, Attempt};
use domain::calendar::next_bill_at;
use domain::configuration::Configuration;
use domain::order::{CardShown, FulfilmentState};
use domain::subscription::{InitialCharge, Subscription, SubscriptionEvent, SubscriptionStatus};
use storage::fulfilments::Fulfilment;
use storage::{Step, fulfilments, orders, payments, standing, subscriptions};

use super::begin::{billing_time, zone_of};
use super::case::BillingCase;
use super::intent::rebill_order;
use crate::Hub;
use crate::standing::month_of;

impl Hub {
    /// What follows when a bill is approved.
    pub(super) fn bill_won(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        approval: &Approval,
        card: Option<CardShown>,
    ) -> Consequence {
        let gateway = configuration.gateway(attempt.gateway_id);
        let can_void = gateway.is_some_and(|gateway| gateway.capabilities.void);
        if let Some(why) = unwanted(case) {
            return self.bill_given_back(case, attempt, can_void, why);
        }
        let steps = self.bill_paid(configuration, case, attempt, approval, card);
        Consequence { steps, then: Vec::new() }
    }

    /// What follows when a person keeps an approval of a bill that came late (M17): what an approval in time would have
    /// brought. A subscription that had failed goes on. The sentence says why it cannot be kept.
    pub(crate) fn bill_kept(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        approval: &Approval,
        card: Option<CardShown>,
    ) -> Result<Vec<Step>, String> {
        if let Some(why) = unkeepable(case, attempt) {
            return Err(why);
        }
        let mut case = case.clone();
        if case.subscription.status == SubscriptionStatus::RecycleFailed {
            // Why it had failed; of any other status it is the customer's wish to end after this bill.
            case.subscription.stop_reason = String::new();
        }
        Ok(self.bill_paid(configuration, &case, attempt, approval, card))
    }

    /// The cycle is paid: the steps of an approval that may be kept.
    fn bill_paid(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        approval: &Approval,
        card: Option<CardShown>,
    ) -> Vec<Step> {
        let subscription = &case.subscription;
        let gateway = configuration.gateway(attempt.gateway_id);
        let is_salvaged = gateway.is_some_and(|gateway| gateway.capabilities.is_salvage_only());
        let next = self.advanced(configuration, case, attempt, approval);
        let (merchant_id, now) = (attempt.merchant_id, self.minter().now());
        // Where it is booked was settled when the debt began, whatever the product is now (Q24).
        let completes_trial = case.payment.order_id == subscription.order_id;
        let mut steps = vec![
            payments::pay(merchant_id, attempt.payment_id, approval.amount.minor(), now),
            subscriptions::update(&next, None),
        ];
        if !completes_trial {
            steps.push(orders::insert(&rebill_order(case, attempt, is_salvaged, card, now), ""));
        }
        steps.push(self.event_of(
            &next,
            "recurring_order",
            attempt.payment_id.uuid(),
            case.payment.order_id,
            Some(attempt),
            "",
        ));
        if subscription.terms.ships_on(case.cycle) {
            steps.push(fulfilments::insert(&Fulfilment {
                merchant_id,
                id: self.minter().mint(),
                order_id: case.payment.order_id,
                payment_id: attempt.payment_id,
                state: FulfilmentState::Hold,
                created_at: now,
            }));
        }
        steps.push(volume(configuration, attempt, now));
        steps.push(self.tell_of(subscription, said(case, attempt, &next, is_salvaged)));
        steps
    }

    /// The subscription after a paid cycle; the gateway that it rests on stays (R93, M26).
    fn advanced(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        approval: &Approval,
    ) -> Subscription {
        let now = self.minter().now();
        let zone = zone_of(configuration);
        let before = &case.subscription;
        let mut terms = before.terms.clone();
        let agreed = before.terms.amount_of(case.cycle).unwrap_or(case.payment.amount);
        let owed = case.payment.amount.minor().min(agreed.minor());
        let reduced = attempt.slot.is_some() && approval.amount.minor() < owed;
        let profile = configuration.recycle_profile_of(before.gateway_id);
        if terms.price_once {
            terms.price = None;
            terms.price_once = false;
        }
        if reduced && profile.is_some_and(|profile| profile.hold_recycle_price) {
            // Approved at a reduced price: later bills keep it (Q26).
            let shipping = terms
                .shipping
                .or_else(|| terms.plan.cycle(case.cycle).map(|cycle| cycle.shipping))
                .map_or(0, domain::Money::minor);
            if shipping > approval.amount.minor() {
                // Shipping alone would bill more than was approved.
                terms.shipping = Some(approval.amount);
            }
            let goods = approval.amount.minor().saturating_sub(shipping).max(0);
            let unit = goods.checked_div(terms.quantity.max(1)).unwrap_or(goods);
            terms.price = Some(domain::Money::new(unit, approval.amount.currency()));
        }
        let next_bill = next_bill_at(&terms, case.cycle, now, &billing_time(configuration, &zone));
        let event = if next_bill.is_some() { SubscriptionEvent::Paid } else { SubscriptionEvent::FinalPaid };
        let mut next = self.changed(before, event);
        // Asked to end after this bill, whatever it took to collect it.
        if !before.stop_reason.is_empty() && next.status.is_open() {
            next.status = SubscriptionStatus::Cancelled;
        }
        if next.status == SubscriptionStatus::Active && next.pause_at.is_some() {
            // Recycled in between: the pause is still scheduled.
            next.status = SubscriptionStatus::PauseScheduled;
        }
        let runs = next.status.is_billable();
        next.cycle = case.cycle;
        next.collecting = None;
        next.slot = 0;
        next.tries = 0;
        next.held = String::new();
        next.terms = terms;
        // A paused subscription keeps its date: reactivated before it, the customer is not billed early.
        next.next_bill_at = next_bill.filter(|_| next.status.is_open());
        next.next_action_at = match (next.status, next.pause_at) {
            (SubscriptionStatus::PauseScheduled, Some(pause)) => {
                Some(next_bill.map_or(pause, |bill| bill.min(pause)))
            }
            _ => next_bill.filter(|_| runs),
        };
        let known = next.initial.as_ref().is_some_and(|one| one.gateway_id == before.gateway_id);
        let (same_gateway, same_card) =
            (attempt.gateway_id == before.gateway_id, attempt.card_id == before.card_id);
        if !known && same_gateway && same_card {
            let reference = approval.reference.clone();
            next.initial = Some(InitialCharge { gateway_id: attempt.gateway_id, reference });
        }
        next
    }
}

/// Why this approval may not be kept: the customer cancelled meanwhile, or the cycle is not the one that is owed (M17).
fn unwanted(case: &BillingCase) -> Option<String> {
    let subscription = &case.subscription;
    let owed = subscription.cycle.saturating_add(1) == case.cycle;
    match subscription.status {
        SubscriptionStatus::Cancelled | SubscriptionStatus::Complete | SubscriptionStatus::RecycleFailed => {
            let status = subscription.status.as_str();
            Some(format!(
                "Bill {} was approved when the subscription was {status}: given back in full.",
                case.cycle
            ))
        }
        // An approval that came before the pause is kept, and the status stays (M23).
        SubscriptionStatus::Trial
        | SubscriptionStatus::Active
        | SubscriptionStatus::Paused
        | SubscriptionStatus::PauseScheduled
        | SubscriptionStatus::CancellationScheduled
        | SubscriptionStatus::RecycleBilling => (!owed).then(|| {
            format!(
                "Bill {} was approved when cycle {} had been paid: given back in full.",
                case.cycle, subscription.cycle
            )
        }),
    }
}

/// Why a late approval of a bill cannot pay its cycle any more.
fn unkeepable(case: &BillingCase, attempt: &Attempt) -> Option<String> {
    let subscription = &case.subscription;
    match subscription.status {
        SubscriptionStatus::Cancelled | SubscriptionStatus::Complete => {
            return Some(format!("the subscription is {}; give it back", subscription.status.as_str()));
        }
        SubscriptionStatus::Trial
        | SubscriptionStatus::Active
        | SubscriptionStatus::Paused
        | SubscriptionStatus::PauseScheduled
        | SubscriptionStatus::CancellationScheduled
        | SubscriptionStatus::RecycleBilling
        | SubscriptionStatus::RecycleFailed => {}
    }
    let is_owed = subscription.cycle.saturating_add(1) == case.cycle;
    let is_collected = subscription.collecting == Some(attempt.payment_id);
    (!is_owed || !is_collected)
        .then(|| format!("bill {} is not the one that is owed now; give it back", case.cycle))
}

fn volume(configuration: &Configuration, attempt: &Attempt, now: jiff::Timestamp) -> Step {
    let shard = i64::from(attempt.id.uuid().as_bytes().last().copied().unwrap_or(0));
    let month = month_of(configuration, now);
    let minor = attempt.amount.minor();
    standing::add_volume(attempt.merchant_id, attempt.gateway_id, None, month, shard, minor)
}

fn said(case: &BillingCase, attempt: &Attempt, next: &Subscription, is_salvaged: bool) -> String {
    let how = if is_salvaged { "recovered" } else { "approved" };
    let then = match next.next_bill_at {
        Some(at) => format!("next bill {at}"),
        None => format!("the subscription is {}", next.status.as_str()),
    };
    format!("Bill {} {how}: {}; {then}.", case.cycle, attempt.amount)
}
