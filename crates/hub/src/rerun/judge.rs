//! The verdict on one order, from what is known of it today (R117–R120, R148, Q19).

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState, Outcome};
use domain::card::Brand;
use domain::configuration::{Configuration, Gateway};
use domain::declines::{Class, Reason};
use domain::ids::{AttemptId, MerchantId, OrderId};
use domain::network_rules::{CardHistory, Hold, NetworkCaps, decide_hand_over, decide_hold};
use domain::order::{Order, OrderStatus};
use domain::payment::Payment;
use domain::rerun::{RerunCase, RerunTarget, Verdict, judge_rerun};
use jiff::{SignedDuration, Timestamp};
use storage::attempts::CardUse;

use super::choose::Chosen;
use super::{Rerun, Skip, SkipKind};
use crate::checkout::read_decline;
use crate::effects::is_stopped;
use crate::people::PersonError;
use crate::view::OrderView;
use crate::{Hub, HubError};

/// Most orders of one preview.
pub const PREVIEW_MAX: usize = 1_000;

/// The verdict on one order of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The order.
    pub order_id: OrderId,
    /// Why it would be left alone; none: it would be attempted.
    pub skip: Option<Skip>,
    /// Where it would go and why, or why not: one sentence.
    pub words: String,
}

/// A rerun that may be sent.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) order: Order,
    pub(super) payment: Payment,
    /// The newest attempt: its card is charged again.
    pub(super) before: Attempt,
    pub(super) gateway: Gateway,
    pub(super) salvages: Option<AttemptId>,
    pub(super) is_mastercard: bool,
    /// One sentence.
    pub(super) why: String,
}

/// So many hours before a moment.
pub(super) fn ago(now: Timestamp, hours: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
}

/// The decline that is salvaged, under today's maps.
struct Turned {
    id: AttemptId,
    reason: Reason,
    class: Class,
    words: String,
}

impl Hub {
    /// Judges orders without sending anything.
    pub async fn preview_reruns(
        &self,
        merchant_id: MerchantId,
        orders: &[OrderId],
        rerun: &Rerun,
    ) -> Result<Vec<Judged>, PersonError> {
        let configuration = self.reload(merchant_id).await?;
        let target = super::send::target_of(&configuration, rerun)?;
        let mut verdicts = Vec::with_capacity(orders.len());
        for id in orders {
            let judged = match self.find_order_view(merchant_id, *id).await? {
                None => Err(Skip::new(SkipKind::NotFound, "There is no order with this id.")),
                Some(view) => self.judge(&configuration, &view, target, rerun, false).await?,
            };
            let (skip, words) = match judged {
                Ok(planned) => (None, planned.why),
                Err(skip) => (Some(skip.clone()), skip.words),
            };
            verdicts.push(Judged { order_id: *id, skip, words });
        }
        Ok(verdicts)
    }

    /// Judges one order. `is_real` says that it will be sent: a preview moves no round-robin pointer.
    pub(super) async fn judge(
        &self,
        configuration: &Arc<Configuration>,
        view: &OrderView,
        target: RerunTarget,
        rerun: &Rerun,
        is_real: bool,
    ) -> Result<Result<Planned, Skip>, HubError> {
        let order = &view.order;
        let payment = view.payments.iter().find(|payment| payment.cycle.is_none()).cloned();
        let attempts: Vec<&Attempt> = view
            .attempts
            .iter()
            .filter(|attempt| payment.as_ref().is_none_or(|payment| attempt.payment_id == payment.id))
            .collect();
        let is_declined = order.status == OrderStatus::Declined;
        let live = attempts
            .iter()
            .find(|one| one.state.is_open() || (is_declined && one.state.is_live()))
            .map(|one| one.state.name());
        let before = attempts.last().copied().cloned();
        let is_candidate = is_declined && live.is_none() && order.subscription_id.is_none();
        // What costs a question is asked only of an order that could be rerun at all.
        let facts = match (&payment, &before) {
            (Some(payment), Some(before)) if is_candidate => {
                Some(self.facts(configuration, order, payment, before, target, is_real).await?)
            }
            _ => None,
        };
        let turned = self.turned(configuration, &attempts);
        let chosen = facts.as_ref().and_then(|facts| facts.chosen.as_ref().ok());
        let cap = facts.as_ref().and_then(|facts| facts.bar.clone());
        let case = RerunCase {
            order_status: order.status,
            is_new_sale: order.subscription_id.is_none(),
            is_test: order.is_test,
            live_attempt: live,
            declined: turned.as_ref().map(|turned| (turned.reason, turned.class)),
            card_lock: facts.as_ref().and_then(|facts| facts.used.locked.as_deref()),
            cap_bar: cap.as_deref(),
            has_card: facts.as_ref().is_some_and(|facts| facts.has_card),
            bought_since: facts.as_ref().is_some_and(|facts| facts.bought_since),
            allow_bought_since: rerun.override_bought_since,
            target,
            gateway: chosen.map(|chosen| &chosen.gateway),
        };
        if let Verdict::Skip(words) = judge_rerun(&case) {
            let words = no_gateway(&case, facts.as_ref()).unwrap_or(words);
            return Ok(Err(Skip::new(kind_of(&case), words)));
        }
        if is_stopped(&view.attempts) {
            let words = "The cardholder has stopped this payment at the bank; it may not be attempted again.";
            return Ok(Err(Skip::new(SkipKind::NotEligible, words)));
        }
        let (Some(payment), Some(before), Some(chosen)) = (payment, before, chosen) else {
            return Ok(Err(Skip::new(SkipKind::NoGateway, "No gateway can take it now.")));
        };
        let said = turned.as_ref().map_or("Nothing was declined before.", |turned| turned.words.as_str());
        Ok(Ok(Planned {
            order: order.clone(),
            payment,
            before,
            gateway: chosen.gateway.clone(),
            salvages: turned.as_ref().map(|turned| turned.id),
            is_mastercard: facts.as_ref().is_some_and(|facts| facts.is_mastercard),
            why: format!("Rerun: {}. {said}", chosen.why),
        }))
    }

    async fn facts(
        &self,
        configuration: &Arc<Configuration>,
        order: &Order,
        payment: &Payment,
        before: &Attempt,
        target: RerunTarget,
        is_real: bool,
    ) -> Result<Facts, HubError> {
        let now = self.minter().now();
        let (merchant_id, fingerprint) = (order.merchant_id, &before.card_fingerprint);
        let (day, month) = (ago(now, 24), ago(now, 720));
        let chosen = self.choose_rerun(configuration, order, payment.amount, target, is_real).await?;
        let asked = chosen.as_ref().map_or(before.gateway_id, |chosen| chosen.gateway.id);
        let used = self.store().find_card_use(
            merchant_id,
            fingerprint,
            day,
            month,
            asked,
            payment.amount,
            now,
            before.card_id,
        );
        let used = used.await?;
        let last = self.store().find_last_decline_of_card(merchant_id, fingerprint, month).await?;
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
            last_was_this_payment: last.as_ref().is_some_and(|last| last.payment_id == payment.id),
            locked: None,
        };
        let salvages = chosen.as_ref().is_ok_and(|one| one.gateway.capabilities.is_salvage_only());
        let card = self.store().find_card(merchant_id, before.card_id).await?;
        Ok(Facts {
            bar: bar(&history, salvages, now),
            has_card: card.is_some_and(|card| !card.sealed.is_empty()),
            is_mastercard: matches!(history.brand, Brand::Mastercard | Brand::Maestro),
            bought_since: self.has_bought_since(order).await?,
            used,
            chosen,
        })
    }

    /// The last decline of an ordinary gateway: that is what is salvaged (Q45). A salvage gateway's refusal says nothing
    /// new about the card.
    fn turned(&self, configuration: &Configuration, attempts: &[&Attempt]) -> Option<Turned> {
        let connections = &self.charging.connections;
        let is_ordinary = |attempt: &Attempt| {
            let provider = connections.provider(&attempt.gateway_kind);
            provider.is_none_or(|provider| !provider.capabilities.is_salvage_only())
        };
        attempts.iter().rev().filter(|attempt| is_ordinary(attempt)).find_map(|attempt| {
            let AttemptState::Declined { decline, .. } = &attempt.state else { return None };
            let fresh = match read_decline(configuration, attempt, decline.raw.clone()) {
                Outcome::Declined(fresh) => fresh,
                Outcome::Approved(_) | Outcome::NotExecuted(_) => decline.clone(),
            };
            let (reason, now, then) = (fresh.reason.as_str(), fresh.class.as_str(), decline.class.as_str());
            let words = if fresh.class == decline.class {
                format!("It was declined: {now} ({reason}).")
            } else {
                format!("It was declined: {then} then, {now} under today's maps ({reason}).")
            };
            Some(Turned { id: attempt.id, reason: fresh.reason, class: fresh.class, words })
        })
    }
}

/// What had to be asked for.
struct Facts {
    used: CardUse,
    bar: Option<String>,
    has_card: bool,
    is_mastercard: bool,
    bought_since: bool,
    chosen: Result<Chosen, String>,
}

/// Hard caps bar every gateway, the networks' "never" the merchant's own ones; advice to wait bars none: a person or the
/// merchant's own program asks for this attempt (M28).
fn bar(history: &CardHistory, salvages: bool, now: Timestamp) -> Option<String> {
    let caps = NetworkCaps::DEFAULT;
    match decide_hand_over(history, &caps, now) {
        Hold::Until(until, words) => return Some(format!("{words}, until {until}")),
        Hold::Never(words) => return Some(words),
        Hold::Free => {}
    }
    match decide_hold(history, &caps, now) {
        Hold::Never(words) if !salvages => Some(words),
        Hold::Never(_) | Hold::Until(_, _) | Hold::Free => None,
    }
}

/// Why no gateway was found, when nothing but that is missing.
fn no_gateway(case: &RerunCase<'_>, facts: Option<&Facts>) -> Option<String> {
    let words = facts?.chosen.as_ref().err()?;
    let is_only = case.has_card && !case.is_test && (!case.bought_since || case.allow_bought_since);
    is_only.then(|| words.clone())
}

fn kind_of(case: &RerunCase<'_>) -> SkipKind {
    if !case.is_new_sale {
        SkipKind::WrongState
    } else if case.live_attempt.is_some() {
        SkipKind::AttemptOpen
    } else if case.order_status != OrderStatus::Declined {
        SkipKind::WrongState
    } else if case.is_test || !case.has_card {
        SkipKind::NotEligible
    } else if case.bought_since && !case.allow_bought_since {
        SkipKind::BoughtSince
    } else if case.gateway.is_none_or(|gateway| !gateway.enabled) {
        SkipKind::NoGateway
    } else {
        SkipKind::NotEligible
    }
}
