//! Making the transaction that a charge leaves behind.

use std::collections::BTreeMap;

use super::{
    Call,
    payment::{self, Asked},
};
use crate::{
    action::Action,
    card_number::mask_card_numbers,
    instrument::Instrument,
    issuer::{Refusal, Verdict},
    transaction::{Condition, Kind, Transaction},
};

/// The approval code of every approval, as in the gateway's test mode.
const AUTHCODE: &str = "123456";

/// Fields that are kept with a transaction beside those of its own; numbered and `shipping_` ones come on top.
const DETAILS: [&str; 23] = [
    "first_name",
    "last_name",
    "company",
    "address1",
    "address2",
    "city",
    "state",
    "zip",
    "country",
    "phone",
    "fax",
    "email",
    "order_description",
    "ponumber",
    "processor_id",
    "tax",
    "surcharge",
    "eci",
    "cardholder_auth",
    "three_ds_version",
    "directory_server_id",
    "stored_credential_indicator",
    "initiated_by",
];

/// The transaction of a decided request, before it is written.
pub(super) fn new_transaction(
    call: &Call<'_>,
    kind: Kind,
    instrument: &Instrument,
    asked: &Asked,
    verdict: &Verdict,
) -> Transaction {
    let (condition, amount_minor, code, text) = match verdict {
        Verdict::Approved(granted) => (approved_condition(kind), *granted, 100, "SUCCESS"),
        Verdict::Declined(refusal) => {
            (failed_condition(call, refusal), 0, refusal.code, refusal.text.as_str())
        }
    };
    let authcode = match (kind, code) {
        (Kind::Sale | Kind::Auth, 100) => AUTHCODE,
        (Kind::Offline, 100) => call.fields.get("authorization_code"),
        _ => "",
    };
    let (avs, cvv) = payment::letters(call.fields, instrument);
    let mut transaction = Transaction {
        id: call.state.book.next_id(),
        account: call.account.name.clone(),
        kind,
        condition,
        orderid: call.fields.get("orderid").to_owned(),
        currency: asked.currency.clone(),
        amount_minor,
        captured_minor: if kind == Kind::Auth { 0 } else { amount_minor },
        authcode: authcode.to_owned(),
        avs,
        cvv,
        original_id: None,
        instrument: instrument.view(),
        details: details(call),
        actions: Vec::new(),
        modified_at: call.now,
        settles_at: (condition == Condition::PendingSettlement).then_some(call.settles_at),
    };
    // Failed actions are reported with the amount asked for.
    let amount_minor = if code == 100 { amount_minor } else { asked.minor };
    transaction.push(Action {
        requested_minor: asked.minor,
        success: code == 100,
        text: text.to_owned(),
        code,
        ..Action::done(kind.into(), if kind == Kind::Credit { -amount_minor } else { amount_minor }, call.now)
    });
    transaction
}

fn approved_condition(kind: Kind) -> Condition {
    match kind {
        Kind::Auth => Condition::Pending,
        Kind::Validate => Condition::Complete,
        Kind::Sale | Kind::Offline | Kind::Credit | Kind::Refund => Condition::PendingSettlement,
    }
}

/// A 420 asked for by trigger or card stays unknown for good; a fault's 420 is found out by a query.
fn failed_condition(call: &Call<'_>, refusal: &Refusal) -> Condition {
    if refusal.code == 420 && !call.by_fault { Condition::Unknown } else { Condition::Failed }
}

/// What is kept of the other fields; card numbers in free text are masked first.
pub(super) fn details(call: &Call<'_>) -> BTreeMap<String, String> {
    let kept = |name: &str| {
        DETAILS.contains(&name)
            || name.starts_with("shipping_")
            || name.starts_with("merchant_defined_field_")
    };
    let fields = call.fields.iter().filter(|(name, _)| kept(name));
    fields.map(|(name, value)| (name.to_owned(), mask_card_numbers(value))).collect()
}
