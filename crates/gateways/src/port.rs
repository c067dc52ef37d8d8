//! The port: what a gateway can be asked, and the shapes of its answers.

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use domain::attempt::{Approval, Doubt, RawDecline};
use domain::configuration::{Capabilities, Provider};
use domain::declines::Reason;
use domain::doubt::{FenceAnswer, Finding};
use domain::money::Money;
use domain::salvage::Standing;
use jiff::Timestamp;
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

/// A message that came in from outside, untouched. Neither its body nor its headers' values are printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawReport {
    /// Its headers: names in lower case, values as received.
    pub headers: Vec<(String, String)>,
    /// The public host that this installation is configured with, without a port: never what the message itself names (M32).
    pub host: String,
    /// Its body, byte by byte, as long as its receiver lets it be.
    pub body: Vec<u8>,
    /// When it came in: decides whether a key that was replaced is still believed (M32).
    pub received_at: Timestamp,
}

impl RawReport {
    /// The value of the header with this name (lower case); `None` when it is absent or there several times.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim());
        values.next().filter(|_| values.next().is_none())
    }
}

impl fmt::Debug for RawReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.len();
        write!(f, "RawReport for {} ({headers} headers, {} bytes)", self.host, self.body.len())
    }
}

/// What a report tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportKind {
    /// The money is taken.
    Completed,
    /// The time is over without money.
    Expired,
    /// It was cancelled, by us or by the gateway.
    Cancelled,
    /// Money was given back; the amount when it was told.
    Refunded(Option<Money>),
    /// The money is held until we capture or cancel.
    CaptureRequired,
    /// The issuer took the money back.
    ChargedBack {
        /// How much, when it was told.
        amount: Option<Money>,
        /// The issuer's reason code; may be empty.
        reason: String,
        /// When the issuer did; when it was told.
        at: Option<Timestamp>,
    },
    /// Something that changes nothing here; its name.
    Other(String),
}

/// A report whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it tells.
    pub kind: ReportKind,
    /// Our reference: the attempt's id in 26 characters, as the gateway repeats it.
    pub reference: String,
    /// The gateway's id.
    pub gateway_reference: String,
    /// When the gateway says that it happened.
    pub at: Timestamp,
    /// When the gateway signed it; an old one is confirmed by asking (M32).
    pub signed_at: Timestamp,
    /// What makes a repetition the same report: what all deliveries of one event have in common, or else the signature.
    pub signature: String,
}

/// Why a report is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReportError {
    /// This kind of gateway sends no reports.
    #[error("this gateway sends no reports")]
    Unsupported,
    /// A header of the signature is missing or malformed.
    #[error("a header of the signature is missing or malformed")]
    Unsigned,
    /// The signature does not fit the bytes.
    #[error("the signature does not fit")]
    WrongSignature,
    /// The signature is good, but the body is no report.
    #[error("the signature fits, but the body cannot be read")]
    Unreadable,
}

/// An approval as a gateway's own books show it (M19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedApproval {
    /// The reference that came with the charge: ours, or somebody else's who uses the same account.
    pub reference: String,
    /// The gateway's id.
    pub gateway_reference: String,
    /// Nothing is taken yet, and may still be: held, or being worked on.
    pub is_open: bool,
    /// What was taken and not given back, in minor units of the account's currency; none when the books do not tell.
    pub net_minor: Option<i64>,
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

    /// For how many days an open salvage may stay with this gateway; none when it answers at once only (R12–R15).
    fn salvage_days(&self) -> Option<i64> {
        None
    }

    /// Where an open salvage stands. Safe to repeat. Never an error.
    fn look_up<'a>(&'a self, _request: &'a InquireRequest) -> Reply<'a, Standing> {
        Box::pin(async { Standing::Unreachable("this gateway keeps no open salvages".to_owned()) })
    }

    /// Checks the signature of a report over its raw bytes and reads it (R134).
    fn read_report(&self, _raw: &RawReport) -> Result<Report, ReportError> {
        Err(ReportError::Unsupported)
    }

    /// Approvals that changed since a moment and are not undone, and charges that are still open, as the gateway's books show them (M19). Safe to repeat.
    fn list_approvals(&self, _since: Timestamp) -> Reply<'_, Result<Vec<BookedApproval>, String>> {
        Box::pin(async { Err("this gateway shows no books".to_owned()) })
    }

    /// Whether chargebacks that are reported are marked (R151).
    fn takes_chargebacks(&self) -> bool {
        false
    }

    /// Seconds that two merchant-initiated charges of one amount on one card must lie apart, so that none is taken for
    /// a repetition of the other (M12); 0 when the gateway tells them apart.
    fn equal_charge_spacing_secs(&self) -> i64 {
        0
    }
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
