//! The ledger: every movement really made on a pretend card or bank account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{instant, transaction::Transaction};

/// What kind of movement it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Movement {
    /// Charged at once (also recorded voice approvals).
    Sale,
    /// Held.
    Auth,
    /// Charged from a hold.
    Capture,
    /// Taken back before settlement.
    Void,
    /// Given back for an earlier transaction.
    Refund,
    /// Given back without an earlier transaction.
    Credit,
}

/// One approved movement. Declines and refused requests leave no entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The gateway's transaction id: captures and voids carry their original's.
    pub transaction_id: String,
    /// For refunds: the transaction that was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_transaction_id: Option<String>,
    /// The account that asked, by name.
    pub account: String,
    /// The `orderid` of the transaction, maybe empty.
    pub orderid: String,
    /// What moved.
    pub kind: Movement,
    /// Minor units, never negative; the authorised amount after a partial approval.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The last four digits of card or bank account.
    pub card_last4: String,
    /// When, by the sandbox's clock; microseconds since 1970 in JSON.
    #[serde(with = "instant")]
    pub at: Timestamp,
}

impl LedgerEntry {
    /// The entry for a movement on this transaction.
    pub(crate) fn of(transaction: &Transaction, kind: Movement, amount_minor: i64, at: Timestamp) -> Self {
        Self {
            transaction_id: transaction.id.to_string(),
            original_transaction_id: transaction.original_id.map(|id| id.to_string()),
            account: transaction.account.clone(),
            orderid: transaction.orderid.clone(),
            kind,
            amount_minor,
            currency: transaction.currency.clone(),
            card_last4: transaction.instrument.last4.clone(),
            at,
        }
    }
}

/// What each entry moved, minor units, under the `orderid` of the charge that it belongs to: what was given back counts
/// against it. Entries of one charge are not summed.
pub fn movements(ledger: &[LedgerEntry]) -> Vec<(String, i64)> {
    let charges: BTreeMap<&str, &str> = ledger
        .iter()
        .filter(|entry| matches!(entry.kind, Movement::Sale | Movement::Auth))
        .map(|entry| (entry.transaction_id.as_str(), entry.orderid.as_str()))
        .collect();
    let movement = |entry: &LedgerEntry| {
        let original = entry.original_transaction_id.as_deref().unwrap_or(&entry.transaction_id);
        let reference = charges.get(original).copied().unwrap_or(&entry.orderid).to_owned();
        let minor = match entry.kind {
            Movement::Sale | Movement::Capture => entry.amount_minor.abs(),
            Movement::Void | Movement::Refund | Movement::Credit => -entry.amount_minor.abs(),
            Movement::Auth => 0,
        };
        (reference, minor)
    };
    ledger.iter().map(movement).collect()
}
