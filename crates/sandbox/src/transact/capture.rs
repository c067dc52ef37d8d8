//! `capture`: flags an authorization for settlement, once, for at most the authorised amount.

use super::{Call, Rejection, Reply, Stop};
use crate::{
    action::{Action, ActionKind},
    amount,
    issuer::Refusal,
    ledger::{LedgerEntry, Movement},
    transaction::{Condition, Kind, Transaction},
};

pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Stop> {
    let mut auth = call.original()?;
    let exponent = amount::exponent(&auth.currency).unwrap_or(2);
    if auth.kind != Kind::Auth || auth.condition != Condition::Pending {
        let text = "A capture requires that the existing transaction be an AUTH";
        return Err(Rejection::echoing(text, auth.id).into());
    }
    let asked = amount::parse(call.fields.get("amount"), exponent).filter(|minor| *minor > 0);
    let asked = asked.ok_or_else(|| Rejection::echoing("Invalid amount", auth.id))?;
    if asked > auth.amount_minor {
        let [asked, held] = [asked, auth.amount_minor].map(|minor| amount::format(minor, exponent));
        let text = format!("The specified amount of {asked} exceeds the authorization amount of {held}");
        return Err(Rejection::echoing(&text, auth.id).into());
    }
    let action = Action::done(ActionKind::Capture, asked, call.now);
    if let Some(refusal) = call.special.refusal() {
        return fail(call, auth, action, &refusal);
    }
    auth.push(action);
    auth.condition = Condition::PendingSettlement;
    auth.captured_minor = asked;
    auth.settles_at = Some(call.settles_at);
    let (id, released) = (auth.id, auth.amount_minor.saturating_sub(asked));
    let reply = Reply::approved("SUCCESS", id).with_authcode(&auth.authcode);
    let entry = LedgerEntry::of(&auth, Movement::Capture, asked, call.now);
    call.record(auth, Some(entry))?;
    call.post(id, -released);
    Ok(reply)
}

/// A capture, void or refund refused on demand: the attempt is noted on the transaction, nothing else changes.
pub(super) fn fail(
    call: &mut Call<'_>,
    mut transaction: Transaction,
    mut action: Action,
    refusal: &Refusal,
) -> Result<Reply, Stop> {
    let reply = Reply::new(refusal.code, &refusal.text).with_id(transaction.id);
    action.success = false;
    refusal.text.clone_into(&mut action.text);
    action.code = refusal.code;
    transaction.push(action);
    call.record(transaction, None)?;
    Ok(reply)
}
