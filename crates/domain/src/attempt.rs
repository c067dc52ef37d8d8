//! Attempts: one request to one gateway to collect a payment, sent or possibly sent.

use jiff::Timestamp;
use thiserror::Error;

use crate::declines::{Class, Reason};
use crate::ids::{AttemptId, CardId, DeclineMapId, GatewayId, MerchantId, OrderId, PaymentId};
use crate::money::Money;

/// What an attempt takes: a hold on money, or the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// An authorization that is captured or voided later.
    Hold,
    /// The money itself.
    Collect,
}

/// Who started it: the customer in a checkout, or the merchant without the customer (CIT and MIT of the card networks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// Customer-initiated.
    Customer,
    /// Merchant-initiated.
    Merchant,
}

/// How it came to this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The first attempt of a payment.
    First,
    /// The same gateway once more, after a request that never left (M4).
    Repeat,
    /// The next ordinary gateway, after a request that never left or a gateway that refused our credentials (M4).
    NextGateway,
    /// A cascade through a cascade profile.
    Cascade,
    /// A cascade because the salvage gateway takes every soft decline.
    CascadeAll,
    /// The same order imported again after a decline (M3).
    Reimport,
    /// The first attempt of a billing cycle.
    Rebill,
    /// A re-attempt of a declined billing cycle, in a slot of a recycle profile.
    Recycle,
    /// A declined new sale tried again by a person or by API.
    Rerun,
}

/// What a payment is worth trying for: states of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// Committed; the request has left or is about to.
    Sending,
    /// The gateway may have acted and we do not know.
    InDoubt {
        /// Why we do not know.
        doubt: Doubt,
        /// Since when.
        since: Timestamp,
    },
    /// A salvage gateway works on it.
    Pending {
        /// The gateway's id.
        reference: String,
        /// Since when.
        since: Timestamp,
    },
    /// The gateway took the money or holds it.
    Approved {
        /// What the gateway said.
        approval: Approval,
        /// When we learned it.
        at: Timestamp,
        /// When a void or full refund undid it.
        reversed_at: Option<Timestamp>,
    },
    /// Refused by issuer, network or gateway.
    Declined {
        /// What was said, and our reading.
        decline: Decline,
        /// When we learned it.
        at: Timestamp,
    },
    /// It provably did nothing.
    NotExecuted {
        /// Why not.
        lapse: Lapse,
        /// When we learned it.
        at: Timestamp,
    },
}

impl AttemptState {
    /// The word stored and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::InDoubt { .. } => "in_doubt",
            Self::Pending { .. } => "pending",
            Self::Approved { .. } => "approved",
            Self::Declined { .. } => "declined",
            Self::NotExecuted { .. } => "not_executed",
        }
    }

    /// Live attempts bar another one of the same payment and purpose (M15).
    pub fn is_live(&self) -> bool {
        match self {
            Self::Sending | Self::InDoubt { .. } | Self::Pending { .. } => true,
            Self::Approved { reversed_at, .. } => reversed_at.is_none(),
            Self::Declined { .. } | Self::NotExecuted { .. } => false,
        }
    }

    /// Whether its outcome is still to come.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Sending | Self::InDoubt { .. } | Self::Pending { .. } => true,
            Self::Approved { .. } | Self::Declined { .. } | Self::NotExecuted { .. } => false,
        }
    }

    /// Settles an open attempt; a settled one refuses (results settle once).
    pub fn settle(&self, outcome: Outcome, now: Timestamp) -> Result<Self, InvalidTransition> {
        if !self.is_open() {
            return Err(InvalidTransition { from: self.name(), event: outcome.name() });
        }
        Ok(match outcome {
            Outcome::Approved(approval) => Self::Approved { approval, at: now, reversed_at: None },
            Outcome::Declined(decline) => Self::Declined { decline, at: now },
            Outcome::NotExecuted(lapse) => Self::NotExecuted { lapse, at: now },
        })
    }
}

/// A state cannot take this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{event} is not possible from {from}")]
pub struct InvalidTransition {
    /// The state it is in.
    pub from: &'static str,
    /// What was asked of it.
    pub event: &'static str,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway took the money or holds it.
    Approved(Approval),
    /// Refused.
    Declined(Decline),
    /// It provably did nothing.
    NotExecuted(Lapse),
}

impl Outcome {
    /// The event's word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approved(_) => "approve",
            Self::Declined(_) => "decline",
            Self::NotExecuted(_) => "lapse",
        }
    }
}

/// What a gateway said when it approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The gateway's id of the transaction.
    pub reference: String,
    /// The issuer's approval code; empty when the gateway hides it.
    pub auth_code: String,
    /// Address check letter as received; empty when absent.
    pub avs: String,
    /// Security-code check letter as received; empty when absent.
    pub cvv: String,
    /// The gateway's words.
    pub text: String,
    /// What was really approved; less than asked is undone (M14).
    pub amount: Money,
}

/// A refusal as the gateway sent it, before our reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawDecline {
    /// The gateway's id of the transaction, when it gives one.
    pub reference: String,
    /// The gateway's code, e.g. `202`.
    pub code: String,
    /// The gateway's words.
    pub text: String,
    /// The card network's response code (ISO 8583 field 39), when the gateway passes it on.
    pub network_code: Option<String>,
    /// Mastercard's merchant advice code or its like, when the gateway passes it on.
    pub advice_code: Option<String>,
    /// Address check letter as received.
    pub avs: String,
    /// Security-code check letter as received.
    pub cvv: String,
}

/// A refusal with our reading: everything received is kept (declines.md section 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// As received.
    pub raw: RawDecline,
    /// Our reason.
    pub reason: Reason,
    /// Soft or hard by our tables.
    pub class_read: Class,
    /// Soft or hard after the merchant's maps: this one decides (M27).
    pub class: Class,
    /// The map that changed class or text.
    pub map: Option<DeclineMapId>,
    /// The text shown to buyers: the map's, else the gateway's (Q18).
    pub text_shown: String,
}

/// Why we do not know what the gateway did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// The request left and no usable answer came.
    LostAnswer,
    /// The gateway says that it saw such a request moments ago (M12).
    Duplicate,
    /// The gateway answered that it does not know either.
    Unclear,
    /// Our process ended between the two commits.
    Crash,
    /// Less than asked was approved, and the void of it is not confirmed yet (M14).
    Partial,
}

impl Doubt {
    /// All doubts.
    pub const ALL: [Self; 5] = [Self::LostAnswer, Self::Duplicate, Self::Unclear, Self::Crash, Self::Partial];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LostAnswer => "lost_answer",
            Self::Duplicate => "duplicate",
            Self::Unclear => "unclear",
            Self::Crash => "crash",
            Self::Partial => "partial",
        }
    }

    /// The doubt with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.as_str() == word)
    }
}

/// Why an attempt provably did nothing, and what was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lapse {
    /// The cause.
    pub cause: LapseCause,
    /// What the request was refused for, when a gateway refused it.
    pub reason: Option<Reason>,
    /// The gateway's code, or empty.
    pub code: String,
    /// The gateway's words, or ours.
    pub text: String,
}

/// Why an attempt provably did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LapseCause {
    /// The request never left.
    NotSent,
    /// The gateway refused to work on it: credentials, a malformed field, a rule of its own.
    Refused,
    /// The gateway does not know it, long enough after it was sent (M13).
    NotReceived,
    /// We made sure at the gateway that it can have no effect any more (M8).
    Fenced,
}

impl LapseCause {
    /// All causes.
    pub const ALL: [Self; 4] = [Self::NotSent, Self::Refused, Self::NotReceived, Self::Fenced];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::NotReceived => "not_received",
            Self::Fenced => "fenced",
        }
    }

    /// The cause with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }
}

/// The number of the Final Attempt among the recycle slots.
pub const FINAL_SLOT: i64 = 10;

/// One request to one gateway to collect a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id; the idempotency key that we send is made of it.
    pub id: AttemptId,
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The debt.
    pub payment_id: PaymentId,
    /// The order that the debt belongs to.
    pub order_id: OrderId,
    /// Hold or collect.
    pub purpose: Purpose,
    /// Customer or merchant.
    pub initiator: Initiator,
    /// How it came to this attempt.
    pub route: Route,
    /// The gateway asked.
    pub gateway_id: GatewayId,
    /// The gateway's kind at that time, e.g. `nmi`.
    pub gateway_kind: String,
    /// What was asked.
    pub amount: Money,
    /// The stored card.
    pub card_id: CardId,
    /// The card's keyed fingerprint, under which attempts are counted.
    pub card_fingerprint: String,
    /// The declined attempt that this one salvages.
    pub salvages: Option<AttemptId>,
    /// The recycle slot that it runs in: 1 to 9, and [`FINAL_SLOT`]; none outside recycle billing.
    pub slot: Option<i64>,
    /// Until when a salvage gateway may work on it; none when it answers at once.
    pub deadline: Option<Timestamp>,
    /// Why this gateway, why now: one sentence.
    pub why: String,
    /// When the intent was committed.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: AttemptState,
    /// How often the gateway was asked about it.
    pub checks: i64,
    /// When to ask again, or to take it up after a crash.
    pub next_check_at: Option<Timestamp>,
    /// Set when a person must decide.
    pub needs_person: bool,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// All variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word stored and shown.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
            /// The variant with this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}
pub(crate) use words;

words!(Purpose { Hold = "hold", Collect = "collect" });
words!(Initiator { Customer = "customer", Merchant = "merchant" });
words!(Route {
    First = "first",
    Repeat = "repeat",
    NextGateway = "next_gateway",
    Cascade = "cascade",
    CascadeAll = "cascade_all",
    Reimport = "reimport",
    Rebill = "rebill",
    Recycle = "recycle",
    Rerun = "rerun",
});

impl Route {
    /// Whether it salvages a decline, so that a lost answer leaves the order declined (M8).
    pub fn is_cascade(self) -> bool {
        match self {
            Self::Cascade | Self::CascadeAll => true,
            Self::First
            | Self::Repeat
            | Self::NextGateway
            | Self::Reimport
            | Self::Rebill
            | Self::Recycle
            | Self::Rerun => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn approval() -> Approval {
        Approval {
            reference: "1".into(),
            auth_code: String::new(),
            avs: String::new(),
            cvv: String::new(),
            text: String::new(),
            amount: Money::new(100, Currency::USD),
        }
    }

    #[test]
    fn an_outcome_settles_an_open_attempt_once() {
        let now = Timestamp::UNIX_EPOCH;
        let lapse =
            Lapse { cause: LapseCause::NotSent, reason: None, code: String::new(), text: String::new() };
        for open in [AttemptState::Sending, AttemptState::InDoubt { doubt: Doubt::Crash, since: now }] {
            let settled = open.settle(Outcome::Approved(approval()), now).unwrap();
            assert!(settled.is_live() && !settled.is_open());
            let again = settled.settle(Outcome::NotExecuted(lapse.clone()), now);
            assert_eq!(again, Err(InvalidTransition { from: "approved", event: "lapse" }));
        }
    }

    #[test]
    fn m15_live_means_sending_in_doubt_pending_or_approved_and_not_reversed() {
        let now = Timestamp::UNIX_EPOCH;
        let approved = |reversed_at| AttemptState::Approved { approval: approval(), at: now, reversed_at };
        assert!(AttemptState::Sending.is_live());
        assert!(AttemptState::InDoubt { doubt: Doubt::LostAnswer, since: now }.is_live());
        assert!(AttemptState::Pending { reference: "x".into(), since: now }.is_live());
        assert!(approved(None).is_live());
        assert!(!approved(Some(now)).is_live());
    }
}
