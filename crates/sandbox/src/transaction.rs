//! A transaction as the gateway keeps it: condition, amounts and what was done to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    action::{Action, ActionKind},
    instant,
    instrument::InstrumentView,
};

/// Where a transaction stands, in the words of the Query API.
///
/// The documents' `in_progress` and `abandoned` belong to hosted redirects only and never happen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// Approved authorization, not captured.
    Pending,
    /// Will settle.
    PendingSettlement,
    /// Settled, or an approved account check.
    Complete,
    /// Voided.
    Canceled,
    /// Declined or failed.
    Failed,
    /// The processor's answer was lost.
    Unknown,
}

impl Condition {
    /// The word in `<condition>`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PendingSettlement => "pendingsettlement",
            Self::Complete => "complete",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What a transaction began as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Authorize and settle.
    Sale,
    /// Authorize only.
    Auth,
    /// A voice approval recorded afterwards.
    Offline,
    /// Money back without an earlier transaction.
    Credit,
    /// An account check.
    Validate,
    /// Money back for an earlier transaction.
    Refund,
}

/// A transaction of one account. Full card numbers are not part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transaction {
    /// Ten digits.
    pub(crate) id: u64,
    /// The account's name.
    pub(crate) account: String,
    /// What it began as.
    pub(crate) kind: Kind,
    /// Where it stands.
    pub(crate) condition: Condition,
    /// The caller's `orderid`, maybe empty.
    pub(crate) orderid: String,
    /// ISO 4217.
    pub(crate) currency: String,
    /// Minor units authorised, or given back; less than asked after a partial approval; 0 when declined.
    pub(crate) amount_minor: i64,
    /// Minor units flagged for settlement: the amount of a sale, of an authorization's capture, of a refund or credit.
    pub(crate) captured_minor: i64,
    /// Approval code, maybe empty.
    pub(crate) authcode: String,
    /// AVS letter, maybe empty.
    pub(crate) avs: String,
    /// CVV letter, maybe empty.
    pub(crate) cvv: String,
    /// For refunds: the transaction given back.
    pub(crate) original_id: Option<u64>,
    /// What was charged.
    pub(crate) instrument: InstrumentView,
    /// Names, addresses, descriptions and merchant fields, by canonical field name.
    pub(crate) details: BTreeMap<String, String>,
    /// What was done, oldest first.
    pub(crate) actions: Vec<Action>,
    /// Last change.
    #[serde(with = "instant")]
    pub(crate) modified_at: Timestamp,
    /// When it settles; absent when nothing waits.
    #[serde(with = "instant::option")]
    pub(crate) settles_at: Option<Timestamp>,
}

impl Transaction {
    /// Whether money is (or will be) taken from the payer by it.
    pub(crate) fn takes_money(&self) -> bool {
        matches!(self.kind, Kind::Sale | Kind::Auth | Kind::Offline)
    }

    /// Whether it moved money that was not taken back: neither voided nor failed.
    pub(crate) fn counts(&self) -> bool {
        !matches!(self.condition, Condition::Canceled | Condition::Failed)
    }

    /// Adds what was done and moves the time of last change.
    pub(crate) fn push(&mut self, action: Action) {
        self.modified_at = action.at;
        self.actions.push(action);
    }

    /// Settlement: what waits for it becomes complete. Nothing happens in other conditions.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.settles_at = None;
        if self.condition != Condition::PendingSettlement {
            return;
        }
        self.condition = Condition::Complete;
        let amount_minor = if self.takes_money() { self.captured_minor } else { -self.captured_minor };
        self.push(Action {
            text: "ACCEPTED".to_owned(),
            ..Action::done(ActionKind::Settle, amount_minor, now)
        });
    }
}
