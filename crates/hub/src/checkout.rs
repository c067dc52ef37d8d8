//! The checkout: attempts one after the other until the sale is approved, declined or in doubt (M1–M9).

mod doubt;
mod outcome;
mod plan;
mod reading;
mod settle;

pub(crate) use reading::read_decline;

use std::sync::Arc;

use charging::{Answer, reference_of};
use domain::attempt::{Attempt, AttemptState, Lapse, LapseCause, Outcome, Route};
use domain::ids::GatewayId;
use gateways::{CardData, ChargeRequest, Gateway, Salvaged, StoredCredential};
use jiff::Timestamp;

use crate::import::Prepared;
use crate::view::OrderView;
use crate::{Hub, HubError};

/// Most attempts of one checkout, whatever the configuration says.
const ATTEMPTS_MAX: usize = 8;

/// One checkout under way.
pub(crate) struct Checkout {
    hub: Hub,
    prepared: Prepared,
    started_at: Timestamp,
    attempts: Vec<Attempt>,
    next_ordinary: Vec<GatewayId>,
    repeated: bool,
    steps_done: i64,
    note: String,
}

enum Next {
    Attempt(Box<Attempt>),
    Done,
}

impl Checkout {
    pub(crate) fn new(hub: Hub, prepared: Prepared, first: Attempt) -> Self {
        Self {
            started_at: hub.minter().now(),
            next_ordinary: prepared.choice.next.clone(),
            hub,
            prepared,
            attempts: vec![first],
            repeated: false,
            steps_done: 0,
            note: String::new(),
        }
    }

    /// Runs to the end and answers the order as it stands then.
    pub(crate) async fn run(mut self) -> Result<OrderView, HubError> {
        while let Some(attempt) = self.attempts.last().cloned() {
            let answer = match self.gateway(attempt.gateway_id).await {
                Ok(gateway) => {
                    let request = self.request(&attempt);
                    self.hub.charging.send(&gateway, &attempt, &request).await
                }
                Err(lapse) => Answer::Lapsed(lapse),
            };
            match self.after(&attempt, answer).await? {
                Next::Attempt(next) if self.attempts.len() < ATTEMPTS_MAX => self.attempts.push(*next),
                Next::Attempt(_) | Next::Done => break,
            }
        }
        Ok(OrderView {
            order: self.prepared.order,
            payments: vec![self.prepared.payment],
            attempts: self.attempts,
        })
    }

    async fn gateway(&self, id: GatewayId) -> Result<Arc<dyn Gateway>, Lapse> {
        let configuration = &self.prepared.configuration;
        let unusable = |text: String| Lapse {
            cause: LapseCause::Refused,
            reason: Some(domain::declines::Reason::MerchantConfig),
            code: String::new(),
            text,
        };
        let configured =
            configuration.gateway(id).ok_or_else(|| unusable("The gateway no longer exists.".to_owned()))?;
        let connections = &self.hub.charging.connections;
        let live = connections.gateway(configuration.merchant_id, configuration.version, configured).await;
        live.map_err(|error| unusable(format!("Gateway {} cannot be used: {error}.", configured.number)))
    }

    fn request(&self, attempt: &Attempt) -> ChargeRequest {
        let (order, card) = (&self.prepared.order, &self.prepared.draft.card);
        let salvaged = attempt.salvages.and_then(|id| self.attempts.iter().find(|one| one.id == id));
        let salvage_only = self
            .prepared
            .configuration
            .gateway(attempt.gateway_id)
            .is_some_and(|gateway| gateway.capabilities.is_salvage_only());
        ChargeRequest {
            reference: reference_of(attempt),
            idempotency_key: attempt.id.uuid(),
            purpose: attempt.purpose,
            initiator: attempt.initiator,
            amount: attempt.amount,
            card: CardData {
                number: card.number.clone(),
                expiry: card.expiry,
                security_code: card.security_code.clone(),
            },
            contact: order.contact.clone(),
            order_reference: order.id.base32(),
            stored_credential: if self.prepared.draft.recurring {
                StoredCredential::FirstRecurring
            } else {
                StoredCredential::None
            },
            salvaged: salvaged.filter(|_| salvage_only).and_then(salvaged_of),
            open_salvage: None,
            at: attempt.created_at,
        }
    }

    async fn after(&mut self, attempt: &Attempt, answer: Answer) -> Result<Next, HubError> {
        let elsewhere = answer.may_go_elsewhere();
        match answer {
            Answer::Approved(approval) => self.approved(attempt, approval).await,
            Answer::Declined(raw) => match read_decline(&self.prepared.configuration, attempt, raw) {
                Outcome::Declined(decline) => self.declined(attempt, decline).await,
                Outcome::NotExecuted(lapse) => self.lapsed(attempt, lapse, false).await,
                Outcome::Approved(approval) => self.approved(attempt, approval).await,
            },
            Answer::Lapsed(lapse) => self.lapsed(attempt, lapse, elsewhere).await,
            Answer::InDoubt { doubt, gateway_reference, words } => {
                self.in_doubt(attempt, doubt, gateway_reference, words).await
            }
        }
    }

    fn secs_left(&self) -> i64 {
        let used = self.hub.minter().now().duration_since(self.started_at).as_secs();
        self.prepared.configuration.account.checkout_budget_secs.saturating_sub(used)
    }

    fn take_next_ordinary(&mut self) -> Option<GatewayId> {
        if self.next_ordinary.is_empty() { None } else { Some(self.next_ordinary.remove(0)) }
    }

    fn number_of(&self, id: GatewayId) -> i64 {
        self.prepared.configuration.gateway(id).map_or(0, |gateway| gateway.number)
    }

    fn another(
        &self,
        before: &Attempt,
        gateway_id: GatewayId,
        route: Route,
        why: String,
        salvages: Option<&Attempt>,
    ) -> Attempt {
        let kind = self.prepared.configuration.gateway(gateway_id).map(|gateway| gateway.kind.clone());
        Attempt {
            id: self.hub.minter().mint(),
            route,
            gateway_id,
            gateway_kind: kind.unwrap_or_default(),
            salvages: salvages.map(|attempt| attempt.id),
            why,
            created_at: self.hub.minter().now(),
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(
                self.hub.charging.take_up_at(self.prepared.configuration.account.checkout_budget_secs),
            ),
            ..before.clone()
        }
    }
}

pub(crate) fn salvaged_of(attempt: &Attempt) -> Option<Salvaged> {
    match &attempt.state {
        AttemptState::Declined { decline, at } => Some(Salvaged {
            attempt: reference_of(attempt),
            source: attempt.gateway_kind.clone(),
            raw: decline.raw.clone(),
            declined_at: *at,
        }),
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Approved { .. }
        | AttemptState::NotExecuted { .. } => None,
    }
}
