//! What a due subscription does now.

use domain::attempt::{Attempt, AttemptState, Decline, Route};
use domain::calendar::slot_at;
use domain::card::Brand;
use domain::configuration::{Configuration, Gateway};
use domain::declines::{Class, Reason, SalvageRoute, salvage_route};
use domain::ids::{AttemptId, GatewayId};
use domain::money::Money;
use domain::network_rules::{CardHistory, Hold, NetworkCaps, decide_hand_over, decide_hold};
use domain::order::{CardShown, Order};
use domain::recycle::{AfterDecline, RecycleCase, decide_recycle};
use domain::subscription::{Subscription, SubscriptionStatus};
use jiff::{SignedDuration, Timestamp};

use super::begin::{billing_time, zone_of};
use super::lapsed::lost_deadline;
use crate::effects::is_stopped;
use crate::stored_charge::is_open;
use crate::{Hub, HubError};

/// Looked at again so long after something stood in the way that a person must mend.
const MEND_HOURS: i64 = 24;

/// What a due subscription does.
#[derive(Debug)]
pub(super) enum Due {
    /// Its scheduled pause begins; what of its bill is open is stopped.
    Pause { open: Option<AttemptId> },
    /// An attempt is made.
    Send(Box<Planned>),
    /// Something holds it back until then; `mend` when a person must mend it.
    Hold { until: Timestamp, words: String, mend: bool },
    /// It goes on in a later slot.
    Move { slot: i64, at: Timestamp, words: String },
    /// Nothing can collect it.
    Fail(String),
}

/// An attempt that is to be made.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) cycle: i64,
    pub(super) original: Money,
    pub(super) amount: Money,
    pub(super) gateway_id: GatewayId,
    pub(super) gateway_kind: String,
    pub(super) route: Route,
    pub(super) slot: Option<i64>,
    pub(super) deadline: Option<Timestamp>,
    pub(super) salvages: Option<AttemptId>,
    pub(super) why: String,
    pub(super) is_mastercard: bool,
    /// Since when no equal charge may lie; none where a salvage gateway is asked.
    pub(super) apart: Option<Timestamp>,
    /// The card as it may be shown.
    pub(super) card: Option<CardShown>,
    /// The reference of the first charge at the subscription's gateway, when it was not known (M30).
    pub(super) initial_reference: Option<String>,
    /// The order that the subscription began on.
    pub(super) origin: Option<Order>,
}

/// What the card's attempts say about another one, and what was read with them.
struct OfCard {
    history: CardHistory,
    last_equal_at: Option<Timestamp>,
    shown: Option<CardShown>,
    initial_reference: Option<String>,
    origin: Option<Order>,
}

/// Where and for how much the next attempt would be made.
struct Place<'a> {
    gateway: &'a Gateway,
    slot: i64,
    amount: Money,
    why: String,
}

pub(super) fn later(from: Timestamp, hours: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}

pub(super) fn ago(now: Timestamp, hours: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
}

impl Hub {
    /// Decides what a due subscription does now; `held` says why no charge may be made by itself, if none may.
    pub(super) async fn due(
        &self,
        configuration: &Configuration,
        subscription: &Subscription,
        held: Option<&str>,
    ) -> Result<Due, HubError> {
        let now = self.minter().now();
        // Also while it recycles: a customer who asked for a pause is not charged after its date.
        if subscription.pause_at.is_some_and(|at| at <= now) {
            let attempts = self.attempts_so_far(subscription).await?;
            return Ok(Due::Pause { open: attempts.iter().find(|one| is_open(one)).map(|one| one.id) });
        }
        if let Some(words) = held {
            return Ok(Due::Hold { until: later(now, 1), words: words.to_owned(), mend: false });
        }
        let cycle = subscription.cycle.saturating_add(1);
        let original = match subscription.terms.amount_of(cycle) {
            Ok(original) => original,
            Err(error) => return Ok(Due::Fail(format!("Cycle {cycle} has no amount: {error}."))),
        };
        let attempts = self.attempts_so_far(subscription).await?;
        if crate::effects::is_stopped(&attempts) {
            // The cardholder stopped this very payment: it is never attempted again (M28).
            return Ok(Due::Fail("The cardholder stopped this payment.".to_owned()));
        }
        let place = match self.place(configuration, subscription, original, &attempts) {
            Ok(place) => place,
            Err(due) => return Ok(due),
        };
        self.allowed(configuration, subscription, original, &attempts, place).await
    }

    /// The attempts of the bill that is being collected.
    async fn attempts_so_far(&self, subscription: &Subscription) -> Result<Vec<Attempt>, HubError> {
        match subscription.collecting {
            Some(payment) => {
                Ok(self.store().list_attempts_of_payment(subscription.merchant_id, payment).await?)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The gateway and amount of the next attempt, or why there is none.
    fn place<'a>(
        &self,
        configuration: &'a Configuration,
        subscription: &Subscription,
        original: Money,
        attempts: &[Attempt],
    ) -> Result<Place<'a>, Due> {
        let recycling = subscription.status == SubscriptionStatus::RecycleBilling;
        if !recycling {
            let gateway = self.own_gateway(configuration, subscription)?;
            let cycle = subscription.cycle.saturating_add(1);
            let why = format!("Bill {cycle} is due; the subscription rests on gateway {}.", gateway.number);
            return Ok(Place { gateway, slot: 0, amount: original, why });
        }
        let campaign = configuration.campaign(subscription.campaign_id);
        if campaign.is_some_and(|campaign| campaign.disable_recycle_billing) {
            return Err(Due::Fail("The campaign does not try declined rebills again.".to_owned()));
        }
        let Some(profile) = configuration.recycle_profile_of(subscription.gateway_id) else {
            return Err(Due::Fail("No recycle profile serves its gateway any more.".to_owned()));
        };
        let slot = subscription.slot;
        if profile.slot(slot).is_none_or(|one| one.skip) {
            return Err(self.go_on(configuration, subscription, attempts, slot, None));
        }
        let (amount, chosen) =
            (profile.amount_of(slot, original), profile.gateway_of(slot, subscription.gateway_id));
        if amount.is_zero() && !original.is_zero() {
            // A charge of nothing is a card check: its approval would pay the cycle and ship it (R89).
            return Err(Due::Fail("The reductions leave nothing to bill.".to_owned()));
        }
        if chosen == subscription.gateway_id {
            let gateway = self.own_gateway(configuration, subscription)?;
            let why = format!("Re-attempt in slot {slot} on the subscription's gateway {}.", gateway.number);
            return Ok(Place { gateway, slot, amount, why });
        }
        let usable = configuration.gateway(chosen).filter(|gateway| {
            gateway.enabled && gateway.capabilities.recycle_slots != domain::configuration::RecycleSlots::None
        });
        let Some(gateway) = usable else {
            // A disabled or misplaced gateway is passed over, never charged first (R24, R47).
            return Err(self.go_on(configuration, subscription, attempts, slot, None));
        };
        let why =
            format!("Slot {slot} of recycle profile {} names gateway {}.", profile.title, gateway.number);
        Ok(Place { gateway, slot, amount, why })
    }

    fn own_gateway<'a>(
        &self,
        configuration: &'a Configuration,
        subscription: &Subscription,
    ) -> Result<&'a Gateway, Due> {
        let found = configuration.gateway(subscription.gateway_id);
        match found {
            Some(gateway) if gateway.enabled && gateway.capabilities.first_charge => Ok(gateway),
            other => {
                // Held with an alert, not failed (M26).
                let name =
                    other.map_or_else(|| "that was deleted".to_owned(), |gateway| gateway.number.to_string());
                let words =
                    format!("Its gateway {name} cannot be used; it is billed when the gateway is enabled.");
                Err(Due::Hold { until: later(self.minter().now(), MEND_HOURS), words, mend: true })
            }
        }
    }

    /// The next slot after one that cannot be used, as if it had been declined; `bar`: no ordinary gateway may be asked.
    fn go_on(
        &self,
        configuration: &Configuration,
        subscription: &Subscription,
        attempts: &[Attempt],
        slot: i64,
        bar: Option<&str>,
    ) -> Due {
        let last = last_decline(attempts);
        if let (None, Some(words)) = (&last, bar) {
            // Nothing of this debt was declined, so nothing could be salvaged either.
            return Due::Fail(format!("This card may not be asked again: {words}."));
        }
        let salvage: Vec<GatewayId> = salvage_gateways(configuration);
        let case = RecycleCase {
            profile: configuration.recycle_profile_of(subscription.gateway_id),
            campaign_disables: configuration
                .campaign(subscription.campaign_id)
                .is_some_and(|campaign| campaign.disable_recycle_billing),
            reason: last.map_or(Reason::Unknown, |(_, decline)| decline.reason),
            class: Class::Soft,
            slot,
            was_salvage: false,
            own_gateway: subscription.gateway_id,
            own_gateway_number: configuration
                .gateway(subscription.gateway_id)
                .map_or(0, |gateway| gateway.number),
            ordinary_bar: bar,
            salvage_gateways: &salvage,
        };
        match decide_recycle(&case) {
            AfterDecline::Retry { slot, days, why, .. } => {
                let zone = zone_of(configuration);
                let saturday = case.profile.is_some_and(|profile| profile.bill_on_saturday);
                let sold_at = subscription.terms.sold_at;
                let at = slot_at(
                    self.minter().now(),
                    days,
                    saturday,
                    &billing_time(configuration, &zone),
                    sold_at,
                );
                Due::Move { slot, at, words: why }
            }
            AfterDecline::Fail(words) => Due::Fail(words),
        }
    }

    /// What network rules and spacing say about an attempt at this place (M12, M27, M28).
    async fn allowed(
        &self,
        configuration: &Configuration,
        subscription: &Subscription,
        original: Money,
        attempts: &[Attempt],
        place: Place<'_>,
    ) -> Result<Due, HubError> {
        let now = self.minter().now();
        let is_salvage = place.gateway.capabilities.is_salvage_only();
        let on_this_card: Vec<Attempt> = attempts
            .iter()
            .filter(|attempt| attempt.card_fingerprint == subscription.card_fingerprint)
            .cloned()
            .collect();
        if is_stopped(&on_this_card) {
            return Ok(Due::Fail("The payer stopped this payment at the bank.".to_owned()));
        }
        let OfCard { history, last_equal_at, shown, initial_reference, origin } =
            self.card_history(subscription, &place, attempts).await?;
        let hold = if is_salvage {
            decide_hand_over(&history, &NetworkCaps::DEFAULT, now)
        } else {
            decide_hold(&history, &NetworkCaps::DEFAULT, now)
        };
        match hold {
            Hold::Free => {}
            Hold::Until(until, words) => return Ok(Due::Hold { until, words, mend: false }),
            Hold::Never(words) if is_salvage => return Ok(Due::Fail(words)),
            Hold::Never(words) => {
                return Ok(self.go_on(configuration, subscription, attempts, place.slot, Some(&words)));
            }
        }
        let connections = &self.charging.connections;
        let live = connections.gateway(subscription.merchant_id, configuration.version, place.gateway).await;
        let live = match live {
            Ok(live) => live,
            Err(error) => {
                let words = format!("Gateway {} cannot be used: {error}.", place.gateway.number);
                return Ok(Due::Hold { until: later(now, 1), words, mend: true });
            }
        };
        let spacing = SignedDuration::from_secs(live.equal_charge_spacing_secs());
        let apart = now.checked_sub(spacing).unwrap_or(now);
        let free_at = last_equal_at.and_then(|at| at.checked_add(spacing).ok());
        if let Some(until) = free_at.filter(|until| !is_salvage && *until > now) {
            let words = "The same amount was charged on this card moments ago; the gateway could take this bill for a repetition.".to_owned();
            return Ok(Due::Hold { until, words, mend: false });
        }
        let salvages = last_decline(attempts);
        if is_salvage && let Some(words) = not_salvageable(salvages) {
            return Ok(Due::Fail(words));
        }
        let salvages = salvages.map(|(id, _)| id);
        let days = live.salvage_days().filter(|_| is_salvage);
        let deadline = days.map(|days| {
            lost_deadline(attempts, subscription, place.slot, now)
                .unwrap_or_else(|| later(now, days.saturating_mul(24)))
        });
        Ok(Due::Send(Box::new(Planned {
            cycle: subscription.cycle.saturating_add(1),
            original,
            amount: place.amount,
            gateway_id: place.gateway.id,
            gateway_kind: place.gateway.kind.clone(),
            route: if place.slot == 0 { Route::Rebill } else { Route::Recycle },
            slot: (place.slot > 0).then_some(place.slot),
            deadline,
            salvages,
            why: place.why,
            is_mastercard: matches!(history.brand, Brand::Mastercard | Brand::Maestro),
            apart: Some(apart).filter(|_| !is_salvage),
            card: shown,
            initial_reference,
            origin,
        })))
    }

    async fn card_history(
        &self,
        subscription: &Subscription,
        place: &Place<'_>,
        attempts: &[Attempt],
    ) -> Result<OfCard, HubError> {
        let now = self.minter().now();
        let (merchant_id, fingerprint) = (subscription.merchant_id, &subscription.card_fingerprint);
        let (day, month) = (ago(now, 24), ago(now, 720));
        let own = subscription.gateway_id;
        let is_known = subscription.initial.as_ref().is_some_and(|one| one.gateway_id == own);
        let facts = self.store().find_bill_facts(
            merchant_id,
            fingerprint,
            (day, month),
            (place.gateway.id, place.amount),
            now,
            subscription.card_id,
            Some(subscription.order_id),
            (!is_known).then_some(own),
        );
        let facts = facts.await?;
        let used = facts.used;
        let last = if used.month_count > 0 {
            self.store().find_last_decline_of_card(merchant_id, fingerprint, month).await?
        } else {
            None
        };
        let this_payment = attempts.first().map(|attempt| attempt.payment_id);
        let history = CardHistory {
            brand: used.brand.as_deref().and_then(Brand::parse).unwrap_or(Brand::Other),
            attempts_in_24h: used.day_count,
            scheduled_in_24h: used.scheduled_count,
            attempts_in_30d: used.month_count,
            oldest_in_24h: used.oldest_of_day,
            oldest_in_30d: used.oldest_of_month,
            last_declined_at: last.as_ref().map(|last| last.at),
            last_reason: last.as_ref().map(|last| last.reason),
            last_network_code: last.as_ref().and_then(|last| last.network_code.clone()),
            last_advice_code: last.as_ref().and_then(|last| last.advice_code.clone()),
            last_was_this_payment: last.as_ref().is_some_and(|last| Some(last.payment_id) == this_payment),
            locked: used.locked,
        };
        Ok(OfCard {
            history,
            last_equal_at: used.last_equal_at,
            shown: facts.shown,
            initial_reference: facts.initial_reference,
            origin: facts.origin,
        })
    }
}

/// The merchant's enabled salvage gateways.
pub(super) fn salvage_gateways(configuration: &Configuration) -> Vec<GatewayId> {
    let enabled = configuration.gateways.iter().filter(|gateway| gateway.enabled);
    enabled.filter(|gateway| gateway.capabilities.is_salvage_only()).map(|gateway| gateway.id).collect()
}

/// The last decline of a debt by an ordinary gateway: a salvage gateway's refusal says nothing new about the card (M25).
fn last_decline(attempts: &[Attempt]) -> Option<(AttemptId, &Decline)> {
    attempts.iter().rev().filter(|attempt| attempt.deadline.is_none()).find_map(|attempt| {
        match &attempt.state {
            AttemptState::Declined { decline, .. } => Some((attempt.id, decline)),
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Approved { .. }
            | AttemptState::NotExecuted { .. } => None,
        }
    })
}

/// Why a salvage gateway may not get it: nothing was declined, or the decline was a hard one (R96, M27).
fn not_salvageable(declined: Option<(AttemptId, &Decline)>) -> Option<String> {
    let Some((_, decline)) = declined else {
        return Some("Nothing was declined that a salvage gateway could turn.".to_owned());
    };
    match salvage_route(decline.reason, decline.class) {
        SalvageRoute::Any | SalvageRoute::SalvageGatewayOnly => None,
        SalvageRoute::None { .. } => Some(format!(
            "A salvage gateway may not get what was declined for this reason ({}).",
            decline.reason.as_str()
        )),
    }
}
