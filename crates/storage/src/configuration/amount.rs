//! Money in a row's body.

use domain::money::{Currency, Money};
use serde::{Deserialize, Serialize};

/// Minor units and the code of ISO 4217.
#[derive(Serialize, Deserialize)]
pub(super) struct Amount {
    minor: i64,
    currency: String,
}

impl Amount {
    /// As it is saved.
    pub(super) fn of(money: Money) -> Self {
        Self { minor: money.minor(), currency: money.currency().code().to_owned() }
    }

    /// As it is known; none when the currency is not.
    pub(super) fn money(&self) -> Option<Money> {
        Currency::parse(&self.currency).map(|currency| Money::new(self.minor, currency))
    }
}

/// An amount that may be absent; the outer option tells whether it can be read.
#[expect(clippy::option_option, reason = "absent and unreadable are told apart")]
pub(super) fn optional(amount: Option<&Amount>) -> Option<Option<Money>> {
    match amount {
        None => Some(None),
        Some(amount) => amount.money().map(Some),
    }
}
