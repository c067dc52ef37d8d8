//! What a recovery keeps of its evaluate: JSON, without any card data but what may be shown.

use domain::contact::{Address, Contact};
use serde::{Deserialize, Serialize};
use storage::platform::Recovery;

use crate::evaluate::card::FoundCard;
use crate::evaluate::read::Asked;

/// Who buys, and the decline as the merchant told it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) billing: Place,
    pub(crate) shipping: Place,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) ip_address: String,
    pub(crate) decline_code: String,
    pub(crate) decline_source: String,
    pub(crate) is_recurring: bool,
    pub(crate) card_last_four: String,
}

/// A name and an address.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) line1: String,
    pub(crate) line2: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) postal_code: String,
    pub(crate) country: String,
}

impl Place {
    fn of(address: &Address) -> Self {
        Self {
            first_name: address.first_name.clone(),
            last_name: address.last_name.clone(),
            line1: address.line1.clone(),
            line2: address.line2.clone(),
            city: address.city.clone(),
            state: address.state.clone(),
            postal_code: address.postal_code.clone(),
            country: address.country.clone(),
        }
    }

    fn address(&self) -> Address {
        Address {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            company: String::new(),
            line1: self.line1.clone(),
            line2: self.line2.clone(),
            city: self.city.clone(),
            state: self.state.clone(),
            postal_code: self.postal_code.clone(),
            country: self.country.clone(),
        }
    }
}

impl Details {
    /// Who buys, for a charge without the request.
    pub(crate) fn contact(&self) -> Contact {
        Contact {
            billing: self.billing.address(),
            shipping: self.shipping.address(),
            email: self.email.clone(),
            phone: self.phone.clone(),
            ip_address: self.ip_address.clone(),
        }
    }
}

/// The details of a new recovery, as text.
pub(crate) fn of(asked: &Asked, contact: &Contact, card: &FoundCard) -> String {
    let details = Details {
        billing: Place::of(&contact.billing),
        shipping: Place::of(&contact.shipping),
        email: contact.email.clone(),
        phone: contact.phone.clone(),
        ip_address: contact.ip_address.clone(),
        decline_code: asked.declined_with.0.clone(),
        decline_source: asked.declined_with.1.clone(),
        is_recurring: asked.is_recurring,
        card_last_four: card.stored.shown.last_four.clone(),
    };
    serde_json::to_string(&details).unwrap_or_default()
}

/// The details of a stored recovery.
pub(crate) fn read(recovery: &Recovery) -> Details {
    serde_json::from_str(&recovery.details).unwrap_or_default()
}
