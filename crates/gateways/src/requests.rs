//! What a gateway is asked: plain values, complete in themselves.

use domain::attempt::{Doubt, Initiator, Purpose, RawDecline};
use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::contact::Contact;
use domain::money::Money;
use jiff::Timestamp;
use uuid::Uuid;

/// A card as it goes to a gateway.
#[derive(Debug, Clone)]
pub struct CardData {
    /// The number.
    pub number: CardNumber,
    /// The last month of use.
    pub expiry: Expiry,
    /// The security code, only inside the request that carried it (R103).
    pub security_code: Option<SecurityCode>,
}

/// The agreement under which a stored card is used (M30).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredCredential {
    /// The card is not kept for later charges.
    None,
    /// The first charge of a recurring agreement, with the customer present.
    FirstRecurring,
    /// A later charge of a recurring agreement; the gateway's id of the first one, when that gateway made it.
    Rebill {
        /// The gateway's id of the approved first charge.
        initial_reference: Option<String>,
    },
}

/// The decline that a salvage gateway is asked to turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// The declined attempt, as text.
    pub attempt: String,
    /// The kind of the gateway that declined, e.g. `nmi`.
    pub source: String,
    /// What it said.
    pub raw: RawDecline,
    /// When it declined.
    pub declined_at: Timestamp,
}

/// A salvage that stays open: the gateway may try until the deadline and reports what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSalvage {
    /// Until when it may work on it.
    pub deadline: Timestamp,
    /// The agreement that is billed, when there is one (M25).
    pub subscription: Option<SubscriptionTerms>,
}

/// What a salvage gateway is told about the agreement that it bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionTerms {
    /// Our id of it, as text.
    pub reference: String,
    /// Days between two charges.
    pub interval_days: i64,
    /// The usual price.
    pub price: Money,
    /// Which charge of the agreement this is, from 1.
    pub payment_number: i64,
    /// How many there will be, when that is agreed.
    pub payments_total: Option<i64>,
}

/// Takes or holds money.
#[derive(Debug, Clone)]
pub struct ChargeRequest {
    /// Our reference: the attempt's id in 26 characters; what an inquiry asks by.
    pub reference: String,
    /// The attempt's UUID, for gateways that take an idempotency key: the same attempt always sends the same key.
    pub idempotency_key: Uuid,
    /// Hold or collect.
    pub purpose: Purpose,
    /// Customer or merchant.
    pub initiator: Initiator,
    /// How much; 0 asks for a check of the card.
    pub amount: Money,
    /// The card.
    pub card: CardData,
    /// Who buys.
    pub contact: Contact,
    /// The order's id, as text for people.
    pub order_reference: String,
    /// The agreement.
    pub stored_credential: StoredCredential,
    /// The decline to turn; set exactly on salvage gateways.
    pub salvaged: Option<Salvaged>,
    /// The time in which a salvage gateway may work on it and report later; none inside a checkout.
    pub open_salvage: Option<OpenSalvage>,
    /// When the attempt began.
    pub at: Timestamp,
}

/// Asks about an attempt.
#[derive(Debug, Clone)]
pub struct InquireRequest {
    /// Our reference, as in the charge.
    pub reference: String,
    /// The gateway's id, when an answer gave one.
    pub gateway_reference: Option<String>,
    /// Hold or collect.
    pub purpose: Purpose,
    /// How much was asked.
    pub amount: Money,
    /// The card's last four digits, for duplicates (M12).
    pub card_last_four: String,
    /// Why we ask.
    pub doubt: Doubt,
    /// When the attempt began.
    pub sent_at: Timestamp,
    /// Our references of all attempts of the same payment, to tell "same payment" from "another payment" (M12).
    pub siblings: Vec<String>,
}

/// What is done to an approved attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Take held money.
    Capture,
    /// Undo before settlement.
    Void,
    /// Give money back.
    Refund,
}

impl OperationKind {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Capture, Self::Void, Self::Refund].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Captures, voids or refunds.
#[derive(Debug, Clone)]
pub struct OperationRequest {
    /// What to do.
    pub kind: OperationKind,
    /// Our reference of the operation, 26 characters.
    pub reference: String,
    /// Its UUID, for gateways that take an idempotency key.
    pub idempotency_key: Uuid,
    /// The gateway's id of the approved attempt.
    pub gateway_reference: String,
    /// Our reference of the approved attempt.
    pub attempt_reference: String,
    /// How much; for a void the whole amount.
    pub amount: Money,
    /// When it was last about to be sent: whoever does not show it may not know it yet.
    pub at: Timestamp,
}
