//! What was done to a transaction, as reports list it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{instant, transaction::Kind};

/// One thing done to a transaction; a report lists them in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActionKind {
    /// Charged at once.
    Sale,
    /// Authorized.
    Auth,
    /// Recorded from a voice approval.
    Offline,
    /// Given back without an original.
    Credit,
    /// Account checked.
    Validate,
    /// Captured.
    Capture,
    /// Voided.
    Void,
    /// Given back.
    Refund,
    /// Settled.
    Settle,
    /// Order data changed.
    Update,
}

impl ActionKind {
    /// The word in `<action_type>`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Auth => "auth",
            Self::Offline => "offline",
            Self::Credit => "credit",
            Self::Validate => "validate",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Settle => "settle",
            Self::Update => "update",
        }
    }
}

impl From<Kind> for ActionKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Sale => Self::Sale,
            Kind::Auth => Self::Auth,
            Kind::Offline => Self::Offline,
            Kind::Credit => Self::Credit,
            Kind::Validate => Self::Validate,
            Kind::Refund => Self::Refund,
        }
    }
}

/// One `<action>` of a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Action {
    /// What was done.
    pub(crate) kind: ActionKind,
    /// Minor units; negative for voids, refunds and credits.
    pub(crate) amount_minor: i64,
    /// Minor units asked for, not negative.
    pub(crate) requested_minor: i64,
    /// When.
    #[serde(with = "instant")]
    pub(crate) at: Timestamp,
    /// Whether it was approved.
    pub(crate) success: bool,
    /// `responsetext`.
    pub(crate) text: String,
    /// `response_code`.
    pub(crate) code: u16,
}

impl Action {
    /// An approved action, asked for and done in full. The amount is negative when money goes back.
    pub(crate) fn done(kind: ActionKind, amount_minor: i64, at: Timestamp) -> Self {
        Self {
            kind,
            amount_minor,
            requested_minor: amount_minor.saturating_abs(),
            at,
            success: true,
            text: "SUCCESS".to_owned(),
            code: 100,
        }
    }
}
