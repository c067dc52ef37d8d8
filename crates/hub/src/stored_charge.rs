//! A charge without the buyer: the stored card, no security code (R102, R103, R122).

use std::sync::Arc;

use charging::{Consequences, NoGateway, Resolution, reference_of};
use domain::attempt::{Attempt, AttemptState, Lapse, LapseCause, Outcome};
use domain::card::Expiry;
use domain::configuration::Configuration;
use domain::contact::Contact;
use domain::declines::Reason;
use gateways::{
    CardData, ChargeRequest, Gateway, OpenSalvage, Salvaged, StoredCredential, SubscriptionTerms,
};

use crate::checkout::salvaged_of;
use crate::{Hub, HubError};

/// What a charge of a stored card needs beside its attempt, whose intent is committed.
#[derive(Debug, Clone)]
pub(crate) struct StoredCharge {
    /// Who is billed.
    pub(crate) contact: Contact,
    /// The order, as text for people.
    pub(crate) order_reference: String,
    /// The agreement.
    pub(crate) credential: StoredCredential,
    /// What a salvage gateway is told about the agreement.
    pub(crate) terms: Option<SubscriptionTerms>,
}

impl Hub {
    /// Sends an attempt with its stored card and records what came of it. What cannot even be sent (no card on file,
    /// a gateway that cannot be used) ends the attempt as refused, with the reason.
    pub(crate) async fn charge_stored(
        &self,
        configuration: &Arc<Configuration>,
        attempt: &Attempt,
        charge: StoredCharge,
    ) -> Result<Resolution, HubError> {
        let aftermath = self.aftermath();
        self.charge_stored_with(configuration, attempt, charge, aftermath.as_ref()).await
    }

    /// [`Self::charge_stored`] with consequences of the caller's.
    pub(crate) async fn charge_stored_with(
        &self,
        configuration: &Arc<Configuration>,
        attempt: &Attempt,
        charge: StoredCharge,
        consequences: &dyn Consequences,
    ) -> Result<Resolution, HubError> {
        let prepared = match self.live_gateway(configuration, attempt).await? {
            Err(lapse) => Err(lapse),
            Ok(gateway) => match self.stored_request(configuration, attempt, charge).await? {
                Ok(request) => Ok((gateway, request)),
                Err(lapse) => Err(lapse),
            },
        };
        match prepared {
            Ok((gateway, request)) => {
                Ok(self.charging.perform(&gateway, attempt, &request, consequences).await?)
            }
            Err(lapse) => {
                let outcome = Outcome::NotExecuted(lapse);
                let done = self.charging.resolve_by_person(attempt, outcome, Vec::new(), consequences);
                Ok(done.await?)
            }
        }
    }

    async fn live_gateway(
        &self,
        configuration: &Configuration,
        attempt: &Attempt,
    ) -> Result<Result<Arc<dyn Gateway>, Lapse>, HubError> {
        let Some(configured) = configuration.gateway(attempt.gateway_id) else {
            return Ok(Err(refused("The gateway no longer exists.".to_owned())));
        };
        let connections = &self.charging.connections;
        match connections.gateway(configuration.merchant_id, configuration.version, configured).await {
            Ok(live) => Ok(Ok(live)),
            // A store that does not answer says nothing about the gateway: the driver takes the attempt up.
            Err(NoGateway::Store(error)) => Err(error.into()),
            Err(error) => Ok(Err(refused(format!("Gateway {} cannot be used: {error}.", configured.number)))),
        }
    }

    async fn stored_request(
        &self,
        configuration: &Configuration,
        attempt: &Attempt,
        charge: StoredCharge,
    ) -> Result<Result<ChargeRequest, Lapse>, HubError> {
        let stored = self.store().find_card(attempt.merchant_id, attempt.card_id).await?;
        let Some(card) = stored.filter(|card| !card.sealed.is_empty()) else {
            return Ok(Err(no_card()));
        };
        let number = self.vault().open_card(attempt.merchant_id, card.id, &card.sealed);
        let (Ok(number), Ok(expiry)) = (number, Expiry::parse_year_month(&card.shown.expires)) else {
            return Ok(Err(refused("The stored card cannot be opened.".to_owned())));
        };
        let salvage_only = configuration
            .gateway(attempt.gateway_id)
            .is_some_and(|gateway| gateway.capabilities.is_salvage_only());
        let salvaged = match attempt.salvages.filter(|_| salvage_only) {
            Some(id) => self.store().find_attempt(attempt.merchant_id, id).await?,
            None => None,
        };
        let salvaged: Option<Salvaged> = salvaged.as_ref().and_then(salvaged_of);
        Ok(Ok(ChargeRequest {
            reference: reference_of(attempt),
            idempotency_key: attempt.id.uuid(),
            purpose: attempt.purpose,
            initiator: attempt.initiator,
            amount: attempt.amount,
            card: CardData { number, expiry, security_code: None },
            contact: charge.contact,
            order_reference: charge.order_reference,
            stored_credential: charge.credential,
            salvaged,
            open_salvage: attempt
                .deadline
                .map(|deadline| OpenSalvage { deadline, subscription: charge.terms }),
            at: attempt.created_at,
        }))
    }
}

fn refused(text: String) -> Lapse {
    Lapse { cause: LapseCause::Refused, reason: Some(Reason::MerchantConfig), code: String::new(), text }
}

/// Nothing can be sent without a stored card number (Q44).
fn no_card() -> Lapse {
    Lapse {
        cause: LapseCause::Refused,
        reason: Some(Reason::InvalidCardNumber),
        code: "no_card".to_owned(),
        text: "No card number is on file.".to_owned(),
    }
}

/// Whether an attempt ended because no card is on file (Q44).
pub(crate) fn has_no_card(attempt_outcome: &Outcome) -> bool {
    match attempt_outcome {
        Outcome::NotExecuted(lapse) => lapse.code == "no_card",
        Outcome::Approved(_) | Outcome::Declined(_) => false,
    }
}

/// Whether an attempt may still come to something.
pub(crate) fn is_open(attempt: &Attempt) -> bool {
    match attempt.state {
        AttemptState::Sending | AttemptState::InDoubt { .. } | AttemptState::Pending { .. } => true,
        AttemptState::Approved { .. } | AttemptState::Declined { .. } | AttemptState::NotExecuted { .. } => {
            false
        }
    }
}
