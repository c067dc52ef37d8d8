//! `sale`, `auth`, `credit`, `validate`, `offline`: everything that starts from payment data.

use super::{
    Call, Rejection, Reply, Stop, booking,
    payment::{self, Asked},
    special::Special,
    store::{self, Storing},
};
use crate::{
    amount,
    duplicates::{DuplicateMode, Likeness},
    instrument::Instrument,
    issuer::{Refusal, Verdict},
    ledger::{LedgerEntry, Movement},
    transaction::{Condition, Kind, Transaction},
};

pub(super) fn run(call: &mut Call<'_>, kind: Kind) -> Result<Reply, Stop> {
    let instrument = payment::instrument(call)?;
    let asked = match kind {
        Kind::Validate => payment::nothing_asked(call.fields)?,
        _ => payment::asked(call.fields)?,
    };
    if kind == Kind::Offline && call.fields.get("authorization_code").is_empty() {
        return Err(Rejection::new("Required Field authorization_code is Missing or Empty").into());
    }
    let storing = store::intent(call)?;
    refuse_duplicate(call, kind, &instrument, &asked)?;
    let verdict = decide(call, kind, &instrument, &asked);
    let transaction = booking::new_transaction(call, kind, &instrument, &asked, &verdict);
    let (id, amount_minor) = (transaction.id, transaction.amount_minor);
    let mut reply = reply_to(&transaction, &verdict, asked.exponent);
    let movement = match kind {
        Kind::Sale | Kind::Offline => Some(Movement::Sale),
        Kind::Auth => Some(Movement::Auth),
        Kind::Credit => Some(Movement::Credit),
        Kind::Validate | Kind::Refund => None,
    };
    let approved = matches!(verdict, Verdict::Approved(_));
    let entry =
        movement.filter(|_| approved).map(|one| LedgerEntry::of(&transaction, one, amount_minor, call.now));
    call.record(transaction, entry)?;
    call.state.instruments.insert(id, instrument.clone());
    if approved {
        call.post(id, if kind == Kind::Credit { -amount_minor } else { amount_minor });
        if kind != Kind::Validate {
            let like = likeness(call, kind, &instrument, &asked);
            call.state.seen.insert(like, call.fields.get("orderid"), id, call.now);
        }
        keep(call, storing, instrument, &mut reply);
    }
    if approved && !call.fields.get("stored_credential_indicator").is_empty() {
        reply.add("cof_supported", "stored");
    }
    Ok(reply)
}

/// Does what `customer_vault` asked for, now that the transaction is approved.
fn keep(call: &mut Call<'_>, storing: Option<Storing>, instrument: Instrument, reply: &mut Reply) {
    if let Some(storing) = storing {
        let id = storing.carry_out(call, instrument);
        reply.add("customer_vault_id", &id);
    } else if !call.fields.get("customer_vault_id").is_empty() {
        reply.add("customer_vault_id", call.fields.get("customer_vault_id"));
    }
}

/// The duplicate check, and the permission to change it by `dup_seconds`.
fn refuse_duplicate(
    call: &Call<'_>,
    kind: Kind,
    instrument: &Instrument,
    asked: &Asked,
) -> Result<(), Rejection> {
    if kind == Kind::Validate {
        return Ok(());
    }
    let mut rule = call.state.duplicates.get(&call.account.name).copied().unwrap_or_default();
    match call.fields.get("dup_seconds") {
        "" => {}
        "0" if !rule.override_allowed => {
            return Err(Rejection::new("Disabling Duplicate Check is not allowed for this processor"));
        }
        _ if !rule.override_allowed => {
            return Err(Rejection::new("Overriding Duplicate Threshold is not allowed for this processor"));
        }
        "0" => rule.mode = DuplicateMode::Off,
        seconds => {
            let seconds = seconds.parse().ok().filter(|seconds| *seconds <= 7_862_400);
            rule.window_secs = seconds.ok_or_else(|| Rejection::new("Invalid dup_seconds"))?;
        }
    }
    let like = likeness(call, kind, instrument, asked);
    let orderid = call.fields.get("orderid");
    let completed = |id: u64| {
        let found = call.state.book.find(&call.account.name, id);
        found.is_some_and(|transaction| transaction.condition != Condition::Canceled)
    };
    if call.state.seen.matches(&like, orderid, rule, call.now).any(completed) {
        return Err(Rejection::new("Duplicate transaction"));
    }
    Ok(())
}

fn likeness(call: &Call<'_>, kind: Kind, instrument: &Instrument, asked: &Asked) -> Likeness {
    Likeness {
        account: call.account.name.clone(),
        identity: instrument.identity(),
        amount_minor: asked.minor,
        gives_money: kind == Kind::Credit,
    }
}

/// Triggers first, then the issuer. Bank accounts and voice approvals have none; credits ask for nothing.
fn decide(call: &mut Call<'_>, kind: Kind, instrument: &Instrument, asked: &Asked) -> Verdict {
    match &call.special {
        Special::Decided(Verdict::Approved(_)) => return Verdict::Approved(asked.minor),
        Special::Decided(declined) => return declined.clone(),
        Special::Partial(minor) if asked.minor > 0 => return Verdict::Approved(asked.minor.min(*minor)),
        Special::Partial(_) | Special::Rejected(_) | Special::None => {}
    }
    if matches!(kind, Kind::Sale | Kind::Auth) && asked.minor < amount::major_unit(asked.exponent) {
        let text = if instrument.card().is_some() { "DECLINE" } else { "FAILED" };
        return Verdict::Declined(Refusal { text: text.to_owned(), ..Refusal::of(200) });
    }
    match instrument.card() {
        Some(number) if matches!(kind, Kind::Sale | Kind::Auth | Kind::Validate) => {
            call.state.issuers.decide(number, &call.account.name, asked.minor, call.now)
        }
        _ => Verdict::Approved(asked.minor),
    }
}

fn reply_to(transaction: &Transaction, verdict: &Verdict, exponent: u32) -> Reply {
    let mut reply = match verdict {
        Verdict::Approved(_) => Reply::approved("SUCCESS", transaction.id),
        Verdict::Declined(refusal) => Reply::new(refusal.code, &refusal.text).with_id(transaction.id),
    };
    reply = reply.with_authcode(&transaction.authcode);
    transaction.avs.clone_into(&mut reply.avs);
    transaction.cvv.clone_into(&mut reply.cvv);
    let requested = transaction.actions.first().map_or(0, |action| action.requested_minor);
    match verdict {
        Verdict::Approved(granted) if *granted < requested => {
            reply.add("amount_authorized", &amount::format(*granted, exponent));
        }
        Verdict::Declined(Refusal { mac: Some(mac), .. }) => reply.add("merchant_advice_code", mac),
        Verdict::Approved(_) | Verdict::Declined(_) => {}
    }
    reply
}
