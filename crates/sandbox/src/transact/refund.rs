//! `refund`: gives back up to the balance of a charge, as a transaction of its own.

use super::{Call, Rejection, Reply, Stop, booking, capture::fail};
use crate::{
    action::{Action, ActionKind},
    amount,
    ledger::{LedgerEntry, Movement},
    transaction::{Condition, Kind, Transaction},
};

pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Stop> {
    let original = call.original()?;
    let exponent = amount::exponent(&original.currency).unwrap_or(2);
    let balance = call.state.book.balance(&original);
    let asked = match call.fields.get("amount") {
        "" => balance,
        text => match amount::parse(text, exponent) {
            Some(0) => balance,
            Some(minor) => minor,
            None => return Err(Rejection::echoing("Invalid amount", original.id).into()),
        },
    };
    if asked > balance || asked < 1 {
        return Err(Rejection::new("Refund amount may not exceed the transaction balance").into());
    }
    let action = Action::done(ActionKind::Refund, -asked, call.now);
    if let Some(refusal) = call.special.refusal() {
        let refund =
            Transaction { condition: Condition::Failed, amount_minor: 0, ..new_refund(call, &original, 0) };
        return fail(call, refund, action, &refusal);
    }
    let mut refund = new_refund(call, &original, asked);
    refund.push(action);
    let (id, original_id) = (refund.id, original.id);
    let entry = LedgerEntry::of(&refund, Movement::Refund, asked, call.now);
    call.record(refund, Some(entry))?;
    if let Some(instrument) = call.state.instruments.get(&original_id).cloned() {
        call.state.instruments.insert(id, instrument);
    }
    call.post(id, -asked);
    Ok(Reply::approved("SUCCESS", id))
}

/// A refund before it is written. Names and addresses are the original's, as in reports.
fn new_refund(call: &Call<'_>, original: &Transaction, asked: i64) -> Transaction {
    let mut details = original.details.clone();
    details.extend(booking::details(call));
    Transaction {
        id: call.state.book.next_id(),
        kind: Kind::Refund,
        condition: Condition::PendingSettlement,
        orderid: call.fields.get("orderid").to_owned(),
        amount_minor: asked,
        captured_minor: asked,
        authcode: String::new(),
        avs: String::new(),
        cvv: String::new(),
        original_id: Some(original.id),
        details,
        actions: Vec::new(),
        modified_at: call.now,
        settles_at: (asked > 0).then_some(call.settles_at),
        ..original.clone()
    }
}
