//! What a rescue is about.

use domain::contact::Contact;
use domain::ids::MerchantId;
use jiff::Timestamp;
use storage::platform::{Recovery, RecoveryState};

use crate::Platform;
use crate::evaluate::card::FoundCard;
use crate::evaluate::details;
use crate::evaluate::read::Asked;

/// Everything a rescue needs; the security code lives and ends with it.
pub(crate) struct Rescue {
    pub(crate) mid: MerchantId,
    pub(crate) is_recurring: bool,
    pub(crate) contact: Contact,
    pub(crate) card: FoundCard,
    /// As it is or will be stored.
    pub(crate) recovery: Recovery,
    pub(crate) began_at: Timestamp,
}

impl Rescue {
    /// A rescue that has not begun.
    pub(crate) fn new(
        platform: &Platform,
        mid: MerchantId,
        asked: &Asked,
        card: FoundCard,
        fingerprint: String,
    ) -> Self {
        let contact = named(asked.contact.clone(), &card);
        let recovery = Recovery {
            merchant_id: mid,
            id: platform.minter.mint(),
            external_order_id: asked.external_order_id.clone(),
            idempotency_key: asked.idempotency_key.clone(),
            fingerprint,
            state: RecoveryState::Processing,
            answered: None,
            reason: "Its acquirers are being asked.".to_owned(),
            amount: asked.amount,
            purpose: asked.purpose,
            initiator: asked.initiator,
            payment_id: None,
            refunded_minor: 0,
            details: details::of(asked, &contact, &card),
            created_at: platform.now(),
            managed: None,
            charged_back_at: None,
            due_at: None,
        };
        let is_recurring = asked.is_recurring;
        Self { mid, is_recurring, contact, card, recovery, began_at: platform.now() }
    }

    /// Whether it is a step of a managed recovery.
    pub(crate) fn is_managed(&self) -> bool {
        self.recovery.managed.is_some()
    }

    /// The state of its recovery while acquirers are asked.
    pub(crate) fn asking(&self) -> RecoveryState {
        if self.is_managed() { RecoveryState::Open } else { RecoveryState::Processing }
    }
}

/// Who buys; what the request leaves out comes from the card's token.
fn named(mut contact: Contact, card: &FoundCard) -> Contact {
    if let Some(token) = &card.token {
        if contact.billing.first_name.is_empty() && contact.billing.last_name.is_empty() {
            contact.billing.first_name.clone_from(&token.first_name);
            contact.billing.last_name.clone_from(&token.last_name);
        }
        if contact.email.is_empty() {
            contact.email.clone_from(&token.email);
        }
    }
    contact
}
