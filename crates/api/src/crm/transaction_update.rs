//! `/transactions/update/`: marks an approved transaction as charged back, or takes the mark back (crm.md 10.1).

use axum::extract::State;
use domain::attempt::Attempt;
use domain::ids::AttemptId;
use domain::money::Money;
use hub::{ChargebackMark, HubError, PersonError};
use serde_json::json;

use super::Crm;
use super::account::{AccountTime, parse_day};
use super::answer::Answer;
use super::call::Call;
use super::reader::Reader;
use super::transactions::transaction;

const NAMES: [&str; 7] = [
    "transactionId",
    "markChargeback",
    "chargebackAmount",
    "chargebackDate",
    "chargebackReasonCode",
    "chargebackNote",
    "revertChargeback",
];
const REASON_CHARS_MAX: usize = 10;
const NOTE_CHARS_MAX: usize = 500;

/// Answers the transaction as it stands now.
pub(crate) async fn update(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name));
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let configuration = crm.hub.configuration(merchant_id).await?;
    let mut reader = Reader::new(&call.pairs);
    let attempt = named_attempt(crm, call, &mut reader).await?;
    let marks = reader.flag("markChargeback").unwrap_or(false);
    let reverts = reader.flag("revertChargeback").unwrap_or(false);
    if marks == reverts {
        reader.refuse("markChargeback", "send either markChargeback=1 or revertChargeback=1");
    }
    let time = AccountTime::of(&configuration.account);
    let mark = attempt.as_ref().map(|attempt| read_mark(&mut reader, &time, attempt));
    let problems = reader.into_problems();
    let (Some(attempt), Some(mark), true) = (attempt, mark, problems.is_empty()) else {
        return Ok(Answer::refused(&problems));
    };
    let actor = actor_of(call);
    let done = if marks {
        crm.hub.mark_chargeback(merchant_id, attempt.id, mark, &actor).await
    } else {
        crm.hub.revert_chargeback(merchant_id, attempt.id, &mark.note, &actor).await
    };
    if let Err(error) = done {
        return refusal(error, |field| match field {
            "amount" => "chargebackAmount",
            "date" => "chargebackDate",
            "reason" => "chargebackReasonCode",
            _ => "chargebackNote",
        });
    }
    shown(crm, call, &attempt).await
}

fn read_mark(reader: &mut Reader<'_>, time: &AccountTime, attempt: &Attempt) -> ChargebackMark {
    let text = reader.raw("chargebackDate");
    let at = parse_day(text).and_then(|day| time.start_of(day));
    if !text.is_empty() && at.is_none() {
        reader.refuse("chargebackDate", "is no date such as 11/22/2026 (month/day/year)");
    }
    ChargebackMark {
        amount: amount(reader, "chargebackAmount", attempt),
        at,
        reason: reader.text("chargebackReasonCode", REASON_CHARS_MAX),
        note: reader.text("chargebackNote", NOTE_CHARS_MAX),
    }
}

/// The transaction that a call names.
pub(super) async fn named_attempt(
    crm: &Crm,
    call: &Call,
    reader: &mut Reader<'_>,
) -> Result<Option<Attempt>, HubError> {
    let text = reader.raw("transactionId");
    if text.is_empty() {
        reader.refuse("transactionId", "is missing; the id that /transactions/query/ shows");
        return Ok(None);
    }
    let found = match text.parse::<AttemptId>() {
        Ok(id) => crm.hub.store().find_attempt(call.merchant_id, id).await?,
        Err(_) => None,
    };
    if found.is_none() {
        reader.refuse("transactionId", "there is no transaction with this id");
    }
    Ok(found)
}

/// An amount in major units of a transaction's currency.
pub(super) fn amount(reader: &mut Reader<'_>, name: &str, attempt: &Attempt) -> Option<Money> {
    let text = reader.raw(name);
    if text.is_empty() {
        return None;
    }
    let amount = Money::parse_in(text, attempt.amount.currency()).ok().filter(|amount| amount.minor() > 0);
    if amount.is_none() {
        reader.refuse(name, "is no amount such as 12.34");
    }
    amount
}

/// Who asks, for the audit log.
pub(super) fn actor_of(call: &Call) -> String {
    format!("API user {}", call.pairs.get("loginId"))
}

/// What the hub refuses; `rename` turns its fields into parameters.
pub(super) fn refusal(error: PersonError, rename: impl Fn(&str) -> &'static str) -> Result<Answer, HubError> {
    match error {
        PersonError::Hub(error) => Err(error),
        PersonError::NotFound(what) => Ok(Answer::Error(format!("there is no {what} with this id"))),
        PersonError::Conflict(words) => Ok(Answer::Error(words)),
        PersonError::Invalid(problems) => {
            let words = problems.iter().map(|one| format!("{}: {}", rename(&one.field), one.message));
            Ok(Answer::Error(words.collect::<Vec<_>>().join("; ")))
        }
    }
}

/// A transaction as it stands now.
pub(super) async fn shown(crm: &Crm, call: &Call, attempt: &Attempt) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let fresh = crm.hub.store().find_attempt(call.merchant_id, attempt.id).await?;
    let Some(attempt) = fresh else { return Ok(Answer::Success(json!({}))) };
    let row = transaction(crm, &configuration, &attempt).await?;
    Ok(Answer::Success(row.unwrap_or_default()))
}
