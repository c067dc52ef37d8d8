//! The port: what a gateway can be asked, and the shapes of its answers.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use domain::attempt::{Approval, Doubt, RawDecline};
use domain::configuration::{Capabilities, Provider};
use domain::declines::Reason;
use domain::doubt::{FenceAnswer, Finding};
use thiserror::Error;

use crate::requests::{ChargeRequest, InquireRequest, OperationRequest};
use crate::settings::{Settings, SettingsError};

/// An answer that is on its way.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Three answers to a charge; none is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeOutcome {
    /// The money is taken, or held when a hold was asked for.
    Approved(Approval),
    /// Held although the money was asked for: capture the exact amount at once, else cancel (M9).
    Held(Approval),
    /// Refused by issuer, network or gateway.
    Declined(RawDecline),
    /// The gateway works on it; its id, to ask by.
    Pending(String),
}

/// A request that the gateway refused to work on: nothing reached the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why: `merchant_config`, `invalid_request`, `invalid_card_number`, `rate_limited`, …
    pub reason: Reason,
    /// The gateway's code, or the HTTP status.
    pub code: String,
    /// The gateway's words, without reference numbers.
    pub text: String,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// It never left: trying again is safe.
    #[error("the request was not sent")]
    NotSent(#[source] anyhow::Error),
    /// It may have been executed: ask the gateway.
    #[error("the outcome is not known ({})", .0.as_str())]
    InDoubt(Doubt, #[source] anyhow::Error),
    /// Malformed, unauthorised or against a rule of the gateway: nothing was executed.
    #[error("the gateway refused the request: {} {}", .0.code, .0.text)]
    Rejected(Rejection),
}

/// How a capture, void or refund ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationOutcome {
    /// Done; the gateway's id of it (may repeat the original's).
    Done {
        /// The gateway's id.
        reference: String,
        /// The gateway's words.
        text: String,
    },
    /// Refused; nothing changed.
    Refused {
        /// The gateway's code.
        code: String,
        /// The gateway's words.
        text: String,
    },
}

/// What the gateway says about a capture, void or refund whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationFinding {
    /// It was done.
    Done {
        /// The gateway's id.
        reference: String,
    },
    /// It was not done; sending it again is safe.
    NotDone,
    /// The gateway cannot tell now.
    Unknown(String),
}

/// One configured account at a provider. One call is one try.
pub trait Gateway: Send + Sync + Debug {
    /// What this gateway can do; asked for anything else it returns [`GatewayError::Rejected`].
    fn capabilities(&self) -> Capabilities;

    /// Whether it talks to addresses of this machine only (M31).
    fn is_local(&self) -> bool;

    /// The longest time a call may take, seconds: a cascade step starts only if this still fits (M1).
    fn time_limit_secs(&self) -> i64;

    /// Takes or holds money.
    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>>;

    /// Asks what became of an attempt. Safe to repeat. Never an error: what cannot be asked is [`Finding::Unreachable`].
    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding>;

    /// Makes sure that an attempt can have no effect any more. Safe to repeat.
    fn fence<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, FenceAnswer>;

    /// Captures, voids or refunds.
    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>>;

    /// Asks what became of a capture, void or refund. Safe to repeat.
    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding>;
}

/// Makes gateways from their settings: the one place where a provider is named.
pub trait Connect: Send + Sync + Debug {
    /// The catalogue, in the order in which it is shown.
    fn providers(&self) -> Vec<Provider>;

    /// The provider of this kind.
    fn provider(&self, kind: &str) -> Option<Provider> {
        self.providers().into_iter().find(|one| one.kind == kind)
    }

    /// A gateway of this kind with these settings.
    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError>;
}
