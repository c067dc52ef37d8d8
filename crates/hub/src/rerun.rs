//! Reruns: a declined new sale is tried again by a person or by API (R108–R123, M24, M25).

mod agreement;
mod attempt;
mod batch;
mod choose;
mod judge;
mod lost;
mod outcome;
mod send;
mod since;
mod sweep;

pub use batch::{RUN_ITEMS_MAX, RunOrders, RunProgress};
pub use judge::{Judged, PREVIEW_MAX};
pub use sweep::RunsSwept;

pub(crate) use outcome::{rerun_opened, rerun_settled, rerun_undone};

use domain::attempt::Attempt;
use domain::ids::{GatewayId, GatewayProfileId};

use crate::view::OrderView;

/// What is asked of a rerun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rerun {
    /// This gateway; a salvage gateway is only ever reached so (R38, R110).
    pub gateway: Option<GatewayId>,
    /// Through this gateway profile; never together with a gateway (R40).
    pub gateway_profile: Option<GatewayProfileId>,
    /// Tries it although the customer has bought the same since (M24).
    pub override_bought_since: bool,
    /// Why, in the asker's words; goes into the audit log.
    pub note: String,
}

/// Why an order was left alone: a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipKind {
    /// There is no such order.
    NotFound,
    /// It is not a declined new sale (R119, M25).
    WrongState,
    /// An attempt of it has not ended (R120).
    AttemptOpen,
    /// The customer has bought the same since (M24).
    BoughtSince,
    /// The decline, the card or its budget does not allow it (R117, M27, M28).
    NotEligible,
    /// No gateway can take it.
    NoGateway,
}

impl SkipKind {
    /// The word shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::WrongState => "wrong_state",
            Self::AttemptOpen => "attempt_open",
            Self::BoughtSince => "bought_since",
            Self::NotEligible => "not_eligible",
            Self::NoGateway => "no_gateway",
        }
    }
}

/// An order that was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// A stable word.
    pub kind: SkipKind,
    /// Why, in one sentence.
    pub words: String,
}

impl Skip {
    pub(crate) fn new(kind: SkipKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }
}

/// What came of a rerun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RerunAnswer {
    /// An attempt was made: it may be approved, declined, open at its gateway, or in doubt.
    Attempted {
        /// The order as it stands now.
        view: Box<OrderView>,
        /// The attempt as it stands now.
        attempt: Box<Attempt>,
    },
    /// Nothing was sent.
    Skipped(Skip),
}
