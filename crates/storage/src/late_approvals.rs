//! Approvals that came after their attempt had ended otherwise: kept or given back, never applied silently (M17).

macro_rules! columns {
    () => {
        "merchant_id, attempt_id, order_id, gateway_id, gateway_reference, amount_minor, currency, seen_at, state, words,
         tries, next_action_at"
    };
}

pub(crate) mod change;
pub(crate) mod due;
pub(crate) mod find;

pub use change::{
    ENDED_BEFORE, NOT_BEGUN, NOT_WAITING, RECORDED_BEFORE, begin, close_alerts, end, hurry, insert, keep,
    wait,
};

pub use find::{UNDECIDED, refuse_undecided};

use domain::ids::{AttemptId, GatewayId, MerchantId, OrderId};
use domain::money::Money;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::value::Row;

/// What becomes of a late approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LateState {
    /// Given back when its time comes, unless a person keeps it.
    Waiting,
    /// Its refund is being sent, or was when our process died.
    Sending,
    /// Nobody knows whether its refund was done.
    InDoubt,
    /// Given back.
    GivenBack,
    /// A person kept it.
    Kept,
}

impl LateState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Sending, Self::InDoubt, Self::GivenBack, Self::Kept];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::InDoubt => "in_doubt",
            Self::GivenBack => "given_back",
            Self::Kept => "kept",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A late approval as it is stored: one per attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateApproval {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The attempt that had ended otherwise.
    pub attempt_id: AttemptId,
    /// Its order.
    pub order_id: OrderId,
    /// The gateway that took the money.
    pub gateway_id: GatewayId,
    /// The gateway's id of the charge.
    pub gateway_reference: String,
    /// How much was taken.
    pub amount: Money,
    /// When we learned it.
    pub seen_at: Timestamp,
    /// Where it stands.
    pub state: LateState,
    /// Why it is given back, and what came of it.
    pub words: String,
    /// How often it was worked on.
    pub tries: i64,
    /// When it is worked on next.
    pub next_action_at: Option<Timestamp>,
}

fn read(row: &Row) -> Result<LateApproval, StoreError> {
    Ok(LateApproval {
        merchant_id: row.id("merchant_id")?,
        attempt_id: row.id("attempt_id")?,
        order_id: row.id("order_id")?,
        gateway_id: row.id("gateway_id")?,
        gateway_reference: row.text("gateway_reference")?,
        amount: row.money("amount_minor", "currency")?,
        seen_at: row.at("seen_at")?,
        state: row.word("state", LateState::parse)?,
        words: row.text("words")?,
        tries: row.int("tries")?,
        next_action_at: row.opt_at("next_action_at")?,
    })
}
