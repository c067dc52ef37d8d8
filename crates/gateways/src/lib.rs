#![doc = include_str!("../README.md")]

mod port;
mod requests;

pub mod http;
pub mod settings;
pub mod signing;
pub mod transport;

pub mod contract;
pub mod fake;

pub use domain::salvage::Standing;
pub use port::{
    BookedApproval, ChargeOutcome, Connect, Gateway, GatewayError, OperationFinding, OperationOutcome,
    RawReport, Rejection, Reply, Report, ReportError, ReportKind,
};
pub use requests::{
    CardData, ChargeRequest, InquireRequest, OpenSalvage, OperationKind, OperationRequest, Salvaged,
    StoredCredential, SubscriptionTerms,
};
pub use settings::{Settings, SettingsError};
pub use signing::SigningKeys;
pub use transport::{HttpAnswer, HttpRequest, Method, Transport, TransportError};
