//! Captures, voids and refunds: operations with an intent of their own (M16).

macro_rules! columns {
    () => {
        "merchant_id, id, attempt_id, order_id, kind, amount_minor, currency, why, state, gateway_reference, code, text,
         created_at, sent_at, checks, needs_person"
    };
}

pub(crate) mod doubt;
pub(crate) mod due;
pub(crate) mod external;
pub(crate) mod find;
pub(crate) mod insert;
pub(crate) mod settle;
pub(crate) mod sum;

pub use doubt::{Doubtful, NOT_HELD, NOT_SENT, doubt};
pub use due::{LEASE_LOST, hold};
pub use external::{BOOKED_BEFORE, book};
pub use insert::{
    LIVE_OPERATION_EXISTS, MORE_THAN_TAKEN, NOT_APPROVED, NOT_IN_DOUBT, UNDOING_EXISTS, insert, undo,
};
pub use settle::{SETTLED_BEFORE, Settled, settle};
pub use sum::{GIVEN_BACK_SINCE, given_back, lock_attempt};

use domain::ids::{AttemptId, MerchantId, OperationId, OrderId};
use domain::money::Money;
use jiff::Timestamp;

use crate::error::StoreError;
use crate::value::Row;

/// A capture, void or refund as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: OperationId,
    /// The approved attempt.
    pub attempt_id: AttemptId,
    /// The attempt's order.
    pub order_id: OrderId,
    /// `capture`, `void` or `refund`.
    pub kind: String,
    /// How much.
    pub amount: Money,
    /// Why: one sentence.
    pub why: String,
    /// `sending`, `in_doubt`, `done`, `refused` or `not_executed`.
    pub state: String,
    /// The gateway's id of it.
    pub gateway_reference: Option<String>,
    /// The gateway's code when it refused.
    pub code: Option<String>,
    /// The gateway's words.
    pub text: Option<String>,
    /// When its intent was committed.
    pub created_at: Timestamp,
    /// When its request was last about to leave.
    pub sent_at: Timestamp,
    /// How often the gateway was asked.
    pub checks: i64,
    /// Whether a person must decide.
    pub needs_person: bool,
}

/// An operation from its row; a row that fits no operation is named in the error.
fn read(row: &Row) -> Result<Operation, StoreError> {
    let id: OperationId = row.id("id")?;
    read_columns(row).map_err(|error| match error {
        StoreError::Inconsistent { column, .. } => {
            StoreError::Inconsistent { table: "operations", column, id: id.to_string() }
        }
        other => other,
    })
}

fn read_columns(row: &Row) -> Result<Operation, StoreError> {
    let created_at = row.at("created_at")?;
    Ok(Operation {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        attempt_id: row.id("attempt_id")?,
        order_id: row.id("order_id")?,
        kind: row.text("kind")?,
        amount: row.money("amount_minor", "currency")?,
        why: row.text("why")?,
        state: row.text("state")?,
        gateway_reference: row.opt_text("gateway_reference")?,
        code: row.opt_text("code")?,
        text: row.opt_text("text")?,
        created_at,
        sent_at: row.opt_at("sent_at")?.unwrap_or(created_at),
        checks: row.int("checks")?,
        needs_person: row.bool("needs_person")?,
    })
}
