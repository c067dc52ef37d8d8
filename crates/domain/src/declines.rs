//! What a decline means: our 40 reasons, 1,096 sourced codes, and the steps from what a gateway said to one reading.
//!
//! Lists of the networks and gateways change, so they are data (`data/*.csv`), not code; a stored decline keeps the
//! [`TABLES_VERSION`] that read it and is not read again silently.

mod advice;
mod classify;
mod codes;
mod reason;
mod salvage;
mod source;
mod text;
mod text_rules;
mod words;

pub use classify::{Reading, Rule, Signals, classify};
pub use codes::{CodeFacts, SOURCES, lookup};
pub use reason::{Reason, ReasonFacts};
pub use salvage::{NoSalvage, SalvageRoute, salvage_route};
pub use source::canonical_source;
pub use text::strip_refid;
pub use text_rules::reason_of_text;
pub use words::{Automatic, Class, CredentialChange, FraudFlag, NetworkClass, RetryClass, SalvageAdvice};

/// The state of knowledge of the tables and text rules, an ISO 8601 date.
pub const TABLES_VERSION: &str = "2026-11-21";
