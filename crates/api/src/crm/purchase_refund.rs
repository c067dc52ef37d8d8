//! `/purchase/refund/`: gives money of a purchase's last paid bill back.

use axum::extract::State;
use domain::attempt::{Attempt, AttemptState};
use domain::money::Money;
use domain::payment::PaymentState;
use domain::subscription::Subscription;
use hub::{HubError, PersonError};
use serde_json::json;
use storage::operations::Operation;

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::purchase_change::{PURCHASE, actor, find, named};
use super::purchase_object::{matched, purchases_of};
use super::reader::Reader;
use super::repeated::{may_have_acted, recent_refunds};
use super::task::in_a_task;

/// Bills that are looked at for one that was paid.
const BILLS_MAX: i64 = 50;

/// What became of a refund.
#[derive(Debug)]
pub(crate) enum Given {
    /// Given back, or asked of the gateway with an outcome still to come.
    Back(Box<Operation>),
    /// Not given back; why.
    Not(String),
}

/// The last bill that was paid.
#[derive(Debug)]
struct Bill {
    attempt: Attempt,
    /// What of it is this purchase's, where the sale charged other things too.
    share: Option<Money>,
}

/// Refunds a part or, by `fullRefund`, all that is left of the last paid bill.
pub(crate) async fn refund(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| matches!(name, PURCHASE | "refundAmount" | "fullRefund"));
    let hub = crm.hub.clone();
    in_a_task(&hub, async move { answer(&crm, &call).await }).await
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let mut reader = Reader::new(&call.pairs);
    let found = find(crm, call, &mut reader).await?;
    let currency = found.as_ref().map_or(domain::money::Currency::USD, |one| one.terms.currency);
    let (amount, full) = (reader.amount("refundAmount", currency), reader.flag("fullRefund"));
    let is_full = full.unwrap_or_default();
    let is_amount_sent = !reader.raw("refundAmount").is_empty();
    if amount.is_some_and(|amount| amount.minor() == 0) {
        reader.refuse("refundAmount", "is more than 0");
    }
    if is_full == is_amount_sent {
        reader.refuse("refundAmount", "send either refundAmount or fullRefund=1");
    }
    let problems = reader.into_problems();
    let Some(subscription) = found.filter(|_| problems.is_empty()) else {
        return Ok(Answer::refused(&problems));
    };
    match give_back(crm, &subscription, amount, "", &actor(call)).await? {
        Given::Back(operation) => Ok(Answer::Success(json!({
            "purchaseId": subscription.id.base32(),
            "orderId": operation.order_id.base32(),
            "transactionId": operation.attempt_id.base32(),
            "refundId": operation.id.base32(),
            "refundAmount": operation.amount.decimal(),
            "refundStatus": operation.state.to_ascii_uppercase(),
        }))),
        Given::Not(words) => Ok(Answer::Error(words)),
    }
}

/// Gives the last paid bill back, or a part of it.
pub(crate) async fn give_back(
    crm: &Crm,
    subscription: &Subscription,
    amount: Option<Money>,
    note: &str,
    actor: &str,
) -> Result<Given, HubError> {
    let Some(bill) = last_bill(crm, subscription).await? else {
        return Ok(Given::Not("Nothing of this purchase was paid that could be refunded".to_owned()));
    };
    let (store, attempt) = (crm.hub.store(), &bill.attempt);
    let all = store.list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
    let recent = recent_refunds(crm, attempt.merchant_id, attempt.order_id).await?;
    let wanted = amount.or(bill.share);
    let given = || all.iter().filter(|one| one.attempt_id == attempt.id && may_have_acted(one));
    let is_reversed = matches!(attempt.state, AttemptState::Approved { reversed_at: Some(_), .. });
    let is_same = |one: &&Operation| match wanted {
        Some(wanted) => one.amount == wanted,
        None => is_reversed,
    };
    let repeated = recent.iter().filter(|one| one.attempt_id == attempt.id).rfind(is_same);
    if let Some(repeated) = repeated {
        return Ok(Given::Back(Box::new(repeated.clone())));
    }
    if let (Some(share), Some(amount)) = (bill.share, amount)
        && amount.minor() > share.minor()
    {
        return Ok(Given::Not(format!("refundAmount: {share} was paid for this purchase")));
    }
    let gone = given().filter(|one| one.kind != "capture").map(|one| one.amount.minor()).sum::<i64>();
    let left = Money::new(attempt.amount.minor().saturating_sub(gone), attempt.amount.currency());
    let asked = wanted.filter(|wanted| amount.is_some() || wanted.minor() <= left.minor());
    match crm.hub.refund_attempt(attempt, asked, note, actor).await {
        Ok(operation) if operation.state == "refused" || operation.state == "not_executed" => {
            let words = operation.text.unwrap_or_default();
            Ok(Given::Not(format!("The gateway refused the refund: {words}")))
        }
        Ok(operation) => Ok(Given::Back(Box::new(operation))),
        Err(PersonError::Invalid(problems)) => {
            let problems: Vec<String> = problems.into_iter().map(|one| named(one).to_string()).collect();
            Ok(Given::Not(problems.join("; ")))
        }
        Err(PersonError::Conflict(words)) => Ok(Given::Not(words)),
        Err(PersonError::NotFound(noun)) => Ok(Given::Not(format!("There is no {noun}"))),
        Err(PersonError::Hub(error)) => Err(error),
    }
}

async fn last_bill(crm: &Crm, subscription: &Subscription) -> Result<Option<Bill>, HubError> {
    let (store, merchant_id) = (crm.hub.store(), subscription.merchant_id);
    let was_paid = |state| matches!(state, PaymentState::Paid | PaymentState::Reversed);
    let is_approved = |attempt: &Attempt| matches!(attempt.state, AttemptState::Approved { .. });
    for bill in store.list_bills(merchant_id, subscription.id, BILLS_MAX).await? {
        if was_paid(bill.state) {
            let attempts = store.list_attempts_of_payment(merchant_id, bill.id).await?;
            let attempt = attempts.into_iter().rfind(is_approved);
            return Ok(attempt.map(|attempt| Bill { attempt, share: None }));
        }
    }
    // Only the sale was paid.
    let Some(order) = store.find_order(merchant_id, subscription.order_id).await? else { return Ok(None) };
    let payments = store.list_payments_of_order(merchant_id, order.id).await?;
    let sale = payments.into_iter().find(|one| one.cycle.is_none() && was_paid(one.state));
    let Some(sale) = sale else { return Ok(None) };
    let attempts = store.list_attempts_of_payment(merchant_id, sale.id).await?;
    let configuration = crm.hub.configuration(merchant_id).await?;
    let subscriptions = purchases_of(crm, &order).await?;
    let owners = matched(&configuration, &order, &subscriptions);
    let is_ours = |owner: Option<&Subscription>| owner.is_some_and(|one| one.id == subscription.id);
    let mut lines = order.items.iter().zip(owners);
    let line = lines.find(|(_, owner)| is_ours(*owner)).map(|(item, _)| item);
    let share = line.and_then(|item| item.price.checked_add(item.shipping).ok());
    let share = share.filter(|_| order.items.len() > 1);
    Ok(attempts.into_iter().rfind(is_approved).map(|attempt| Bill { attempt, share }))
}
