//! What follows from an outcome, as steps of the outcome's own transaction: exactly once, or not at all.

use domain::attempt::{Attempt, AttemptState, Decline};
use domain::configuration::Configuration;
use domain::declines::Reason;
use domain::ids::{GatewayId, GatewayProfileId};
use domain::order::Order;
use domain::payment::PaymentState;
use jiff::Timestamp;
use storage::alerts::Alert;
use storage::events::Event;
use storage::fulfilments::Fulfilment;
use storage::timeline::Line;
use storage::{Step, alerts, events, fulfilments, guards, orders, payments, standing, timeline};

use crate::Hub;
use crate::standing::month_of;

/// Whether the cardholder stopped the payment that these attempts belong to: it is never attempted again (M28).
pub(crate) fn is_stopped(attempts: &[Attempt]) -> bool {
    attempts.iter().any(|attempt| match &attempt.state {
        AttemptState::Declined { decline, .. } => decline.reason == Reason::StopPayment,
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Approved { .. }
        | AttemptState::NotExecuted { .. } => false,
    })
}

impl Hub {
    /// A line of an order's history.
    pub(crate) fn tell(&self, order: &Order, words: impl Into<String>) -> Step {
        timeline::insert(&Line {
            merchant_id: order.merchant_id,
            id: self.minter().mint(),
            order_id: order.id,
            at: self.minter().now(),
            words: words.into(),
        })
    }

    /// Something a person must look at.
    pub(crate) fn alert(&self, order: &Order, attempt: Option<&Attempt>, kind: &str, words: String) -> Step {
        alerts::insert(&Alert {
            merchant_id: order.merchant_id,
            id: self.minter().mint(),
            kind: kind.to_owned(),
            order_id: Some(order.id),
            attempt_id: attempt.map(|attempt| attempt.id),
            words,
            created_at: self.minter().now(),
        })
    }

    fn event(&self, order: &Order, kind: &str, subject: uuid::Uuid, attempt: &Attempt, text: &str) -> Step {
        let body = serde_json::json!({
            "event": kind,
            "order_id": order.id.to_string(),
            "attempt_id": attempt.id.to_string(),
            "gateway_id": attempt.gateway_id.to_string(),
            "amount_minor": order.total.minor(),
            "currency": order.total.currency().code(),
            "text": text,
        });
        events::insert(&Event {
            merchant_id: order.merchant_id,
            id: self.minter().mint(),
            kind: kind.to_owned(),
            subject_id: subject,
            order_id: order.id,
            body: body.to_string(),
            created_at: self.minter().now(),
        })
    }

    /// The order is paid: COMPLETE, fulfilment, New Sale, volumes (R59, R80).
    pub(crate) fn completed(
        &self,
        configuration: &Configuration,
        order: &Order,
        attempt: &Attempt,
    ) -> Vec<Step> {
        let (merchant_id, now) = (order.merchant_id, self.minter().now());
        let salvaged =
            configuration.gateway(attempt.gateway_id).is_some_and(|one| one.capabilities.is_salvage_only());
        let mut steps = vec![
            orders::complete(merchant_id, order.id, salvaged, now),
            payments::set_state(merchant_id, attempt.payment_id, PaymentState::Paid, now),
            self.event(order, "new_sale", attempt.payment_id.uuid(), attempt, ""),
        ];
        if order.items.iter().any(|item| item.is_shippable) {
            steps.push(fulfilments::insert(&Fulfilment {
                merchant_id,
                id: self.minter().mint(),
                order_id: order.id,
                payment_id: attempt.payment_id,
                state: domain::order::FulfilmentState::Hold,
                created_at: now,
            }));
        }
        steps.extend(self.subscriptions_begun(configuration, order, attempt));
        steps.extend(Self::volumes(configuration, order, attempt, now));
        let how = if salvaged { "Recovered" } else { "Approved" };
        steps.push(self.tell(order, format!("{how}: {}. {}", attempt.amount, attempt.why)));
        steps
    }

    fn volumes(configuration: &Configuration, order: &Order, attempt: &Attempt, now: Timestamp) -> Vec<Step> {
        let merchant_id = order.merchant_id;
        let (month, minor) = (month_of(configuration, now), attempt.amount.minor());
        let shard = i64::from(attempt.id.uuid().as_bytes().last().copied().unwrap_or(0));
        let add =
            |profile| standing::add_volume(merchant_id, attempt.gateway_id, profile, month, shard, minor);
        let mut steps = vec![add(None)];
        let profile = order.routed.and_then(|routed| routed.profile_id);
        if let (Some(profile_id), false) = (profile, attempt.route.is_cascade()) {
            steps.push(add(Some(profile_id)));
            steps.push(standing::clear_declines(merchant_id, profile_id, attempt.gateway_id));
        }
        steps
    }

    /// The order is not paid: DECLINED, Decline event, the same import may come again (R60, M3).
    pub(crate) fn declined(
        &self,
        order: &Order,
        attempt: &Attempt,
        payment: PaymentState,
        note: &str,
    ) -> Vec<Step> {
        let (merchant_id, now) = (order.merchant_id, self.minter().now());
        vec![
            orders::decline(merchant_id, order.id, note, now),
            payments::set_state(merchant_id, attempt.payment_id, payment, now),
            guards::release(merchant_id, order.id),
            self.event(order, "decline", attempt.id.uuid(), attempt, note),
        ]
    }

    /// The alert that a profile passes a gateway over from now on; raised only if it was disabled just now.
    fn member_disabled(
        &self,
        configuration: &Configuration,
        order: &Order,
        profile_id: GatewayProfileId,
        gateway_id: GatewayId,
        now: Timestamp,
    ) -> Step {
        let gateway = configuration
            .gateway(gateway_id)
            .map_or_else(String::new, |one| format!("{} ({})", one.number, one.title));
        let profile = configuration
            .gateway_profile(profile_id)
            .map_or_else(String::new, |one| format!("{} ({})", one.number, one.title));
        let alert = Alert {
            merchant_id: order.merchant_id,
            id: self.minter().mint(),
            kind: "profile_member_disabled".to_owned(),
            order_id: None,
            attempt_id: None,
            words: format!(
                "Gateway {gateway} had too many declines in a row: gateway profile {profile} passes it over until somebody enables it there again."
            ),
            created_at: now,
        };
        standing::alert_disabled_member(&alert, profile_id, gateway_id)
    }

    /// What a decline leaves behind besides the order: a lock on the card, counters of the routing profile.
    pub(crate) fn counted(
        &self,
        configuration: &Configuration,
        order: &Order,
        attempt: &Attempt,
        decline: &Decline,
    ) -> Vec<Step> {
        let now = self.minter().now();
        let mut steps: Vec<Step> = self.card_locked(attempt, decline).into_iter().collect();
        let profile = order.routed.and_then(|routed| routed.profile_id);
        if let (Some(profile_id), false) = (profile, attempt.route.is_cascade()) {
            let is_hard = decline.class == domain::declines::Class::Hard;
            steps.push(standing::count_decline(order.merchant_id, profile_id, attempt.gateway_id, is_hard));
            let member = configuration
                .gateway_profile(profile_id)
                .and_then(|profile| profile.members.iter().find(|one| one.gateway_id == attempt.gateway_id));
            let limits = member.map(|member| (member.max_total_declines, member.max_hard_declines));
            if let Some((total, hard)) = limits.filter(|(total, hard)| total.is_some() || hard.is_some()) {
                // Too many declines in a row: the profile passes the gateway over from now on.
                let limits = (total.unwrap_or(i64::MAX), hard.unwrap_or(i64::MAX));
                let (merchant_id, gateway_id) = (order.merchant_id, attempt.gateway_id);
                steps.push(standing::disable_member(merchant_id, profile_id, gateway_id, now, limits));
                steps.push(self.member_disabled(configuration, order, profile_id, gateway_id, now));
            }
        }
        steps
    }
}
