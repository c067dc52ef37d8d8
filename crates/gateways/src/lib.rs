#![doc = include_str!("../README.md")]

mod port;
mod requests;

pub mod http;
pub mod settings;
pub mod transport;

pub mod contract;
pub mod fake;

pub use port::{
    ChargeOutcome, Connect, Gateway, GatewayError, OperationFinding, OperationOutcome, Rejection, Reply,
};
pub use requests::{
    CardData, ChargeRequest, InquireRequest, OperationKind, OperationRequest, Salvaged, StoredCredential,
};
pub use settings::{Settings, SettingsError};
pub use transport::{HttpAnswer, HttpRequest, Method, Transport, TransportError};
