//! What an acquirer is sent.

use charging::reference_of;
use domain::attempt::{Attempt, Initiator};
use domain::card::SecurityCode;
use gateways::{CardData, ChargeRequest, StoredCredential};

use crate::rescue::Rescue;

/// The charge of an attempt. The same attempt always sends the same reference and key.
pub(crate) fn charge_request(
    rescue: &Rescue,
    security_code: Option<SecurityCode>,
    attempt: &Attempt,
) -> ChargeRequest {
    let stored_credential = match (rescue.recovery.initiator, rescue.is_recurring) {
        (Initiator::Merchant, _) => StoredCredential::Rebill { initial_reference: None },
        (Initiator::Customer, true) => StoredCredential::FirstRecurring,
        (Initiator::Customer, false) => StoredCredential::None,
    };
    ChargeRequest {
        reference: reference_of(attempt),
        idempotency_key: attempt.id.uuid(),
        purpose: attempt.purpose,
        initiator: attempt.initiator,
        amount: attempt.amount,
        card: CardData { number: rescue.card.number.clone(), expiry: rescue.card.expiry, security_code },
        contact: rescue.contact.clone(),
        order_reference: rescue.recovery.id.base32(),
        stored_credential,
        salvaged: None,
        open_salvage: None,
        at: attempt.created_at,
    }
}
