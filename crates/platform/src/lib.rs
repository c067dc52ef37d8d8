#![doc = include_str!("../README.md")]

mod credentials;
mod settings;

mod platform;
mod server;

mod account_settings;
mod accounts;
mod auth;
mod bearer;
mod token;
mod token_limit;

mod cards;
mod security_codes;
mod tokenize;

mod evaluate;
mod managed;
mod rescue;
mod sweep;

mod aftermath;
mod decline;
mod pretend;

mod orders;
mod outcome;
mod transmit;

mod webhooks;

mod sandbox;

mod answer;
mod body;

pub use accounts::{AccountError, Route};
pub use credentials::{Credentials, sandbox_credentials};
pub use platform::Platform;
pub use server::{router, serve};
pub use settings::{RESCUE_BUDGET_SECS, Settings, TOKEN_CALLS_PER_MINUTE_MAX};
pub use sweep::Swept;

use domain::ids::{OrderId, RecoveryId};

/// Where a recovery's payment and attempts are kept: its id, as the id of an order.
fn order_of(id: RecoveryId) -> OrderId {
    OrderId::from_uuid(id.uuid())
}

/// The recovery that an attempt belongs to.
fn recovery_of(id: OrderId) -> RecoveryId {
    RecoveryId::from_uuid(id.uuid())
}
