//! A recovery from its row, and the states it may be in.

use domain::attempt::{Initiator, Purpose};
use domain::ids::{CardId, MerchantId, PaymentId, RecoveryId};
use domain::money::Money;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::value::Row;

/// Where a recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryState {
    /// Its acquirers are being asked, and the merchant waits for the answer.
    Processing,
    /// Managed: worked on from time to time, until it expires.
    Open,
    /// Told "declined" because an acquirer's answer was lost; being cleared up, an approval is undone (M29).
    Doubtful,
    /// Collected.
    Approved,
    /// Held; to be captured or cancelled.
    CaptureRequired,
    /// Not collected.
    Declined,
    /// Waits for the shopper (sandbox only).
    Challenge,
    /// Cancelled by the merchant.
    Cancelled,
    /// Managed: its time is over, and nothing was collected.
    Expired,
    /// Collected, then given back in full.
    Refunded,
}

impl RecoveryState {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Processing,
        Self::Open,
        Self::Doubtful,
        Self::Approved,
        Self::CaptureRequired,
        Self::Declined,
        Self::Challenge,
        Self::Cancelled,
        Self::Expired,
        Self::Refunded,
    ];

    /// The word stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Open => "open",
            Self::Doubtful => "doubtful",
            Self::Approved => "approved",
            Self::CaptureRequired => "capture_required",
            Self::Declined => "declined",
            Self::Challenge => "challenge",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether another recovery of the same order must not begin beside it.
    pub fn is_live(self) -> bool {
        match self {
            Self::Processing | Self::Open | Self::Doubtful | Self::Approved | Self::CaptureRequired => true,
            Self::Declined | Self::Challenge | Self::Cancelled | Self::Expired | Self::Refunded => false,
        }
    }
}

/// What a managed recovery needs for being worked on without the merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// Until when it may be worked on.
    pub expires_at: Timestamp,
    /// The stored card to be charged.
    pub card_id: CardId,
    /// When that card ends, `YYYY-MM`.
    pub card_expires: String,
    /// How often it was worked on.
    pub steps: i64,
}

/// Everything done to one declined payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id, the `orderSessionKey`; its UUID stands as the order id of its payment and attempts.
    pub id: RecoveryId,
    /// The merchant's order id.
    pub external_order_id: String,
    /// The evaluate's key.
    pub idempotency_key: String,
    /// Keyed hash of what was asked under that key.
    pub fingerprint: String,
    /// Where it stands.
    pub state: RecoveryState,
    /// The status that the evaluate was answered with; none while it runs.
    pub answered: Option<String>,
    /// Why it stands so: one sentence.
    pub reason: String,
    /// What is asked for.
    pub amount: Money,
    /// Hold or collect.
    pub purpose: Purpose,
    /// Customer or merchant.
    pub initiator: Initiator,
    /// Its payment; none when no acquirer was asked.
    pub payment_id: Option<PaymentId>,
    /// Minor units given back.
    pub refunded_minor: i64,
    /// JSON.
    pub details: String,
    /// When the evaluate came.
    pub created_at: Timestamp,
    /// Set for one that is worked on for days.
    pub managed: Option<Managed>,
    /// When the issuer took the money back.
    pub charged_back_at: Option<Timestamp>,
    /// When it is looked at next: the next step of an open one, the end of a hold that waits for its capture.
    pub due_at: Option<Timestamp>,
}

/// A recovery from its row.
pub(super) fn read(row: &Row) -> Result<Recovery, StoreError> {
    Ok(Recovery {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        external_order_id: row.text("external_order_id")?,
        idempotency_key: row.text("idempotency_key")?,
        fingerprint: row.text("fingerprint")?,
        state: row.word("state", RecoveryState::parse)?,
        answered: row.opt_text("answered")?,
        reason: row.text("reason")?,
        amount: row.money("amount_minor", "currency")?,
        purpose: row.word("purpose", Purpose::parse)?,
        initiator: row.word("initiator", Initiator::parse)?,
        payment_id: row.opt_id("payment_id")?,
        refunded_minor: row.int("refunded_minor")?,
        details: row.text("details")?,
        created_at: row.at("created_at")?,
        managed: read_managed(row)?,
        charged_back_at: row.opt_at("charged_back_at")?,
        due_at: row.opt_at("due_at")?,
    })
}

fn read_managed(row: &Row) -> Result<Option<Managed>, StoreError> {
    let Some(expires_at) = row.opt_at("expires_at")? else { return Ok(None) };
    Ok(Some(Managed {
        expires_at,
        card_id: row.id("card_id")?,
        card_expires: row.text("card_expires")?,
        steps: row.int("steps")?,
    }))
}
