//! `void`: cancels the whole of what has not settled yet.

use super::{Call, Rejection, Reply, Stop, capture::fail};
use crate::{
    action::{Action, ActionKind},
    ledger::{LedgerEntry, Movement},
    transaction::{Condition, Transaction},
};

/// The text of every void.
const DONE: &str = "Transaction Void Successful";

pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Stop> {
    let mut original = call.original()?;
    let open = matches!(original.condition, Condition::Pending | Condition::PendingSettlement);
    // Voiding what was partly refunded would give money back twice; what the real gateway does is not known.
    if !open || call.state.book.refunds_of(original.id).any(Transaction::counts) {
        let text = "Only transactions pending settlement can be voided";
        return Err(Rejection::echoing(text, original.id).into());
    }
    let held = if original.condition == Condition::Pending {
        original.amount_minor
    } else {
        original.captured_minor
    };
    let action = Action { text: DONE.to_owned(), ..Action::done(ActionKind::Void, -held, call.now) };
    if let Some(refusal) = call.special.refusal() {
        return fail(call, original, action, &refusal);
    }
    original.push(action);
    original.condition = Condition::Canceled;
    original.settles_at = None;
    let id = original.id;
    let charged = if original.takes_money() { -held } else { held };
    let reply = Reply::approved(DONE, id).with_authcode(&original.authcode);
    let entry = LedgerEntry::of(&original, Movement::Void, held, call.now);
    call.record(original, Some(entry))?;
    call.post(id, charged);
    Ok(reply)
}
