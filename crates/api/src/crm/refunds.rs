//! `/transactions/refund/` and `/order/refund/`: money that goes back (crm.md 10.2).

use axum::extract::State;
use domain::attempt::{Attempt, AttemptState};
use domain::ids::OrderId;
use domain::money::Money;
use hub::{HubError, OrderRefund, OrderView, PersonError};
use storage::operations::Operation;

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::order_object::order_object;
use super::purchase_object::purchases_of;
use super::reader::Reader;
use super::repeated::{is_repeated, is_repeated_over, recent_refunds};
use super::task::in_a_task;
use super::transaction_update::{actor_of, amount, named_attempt, refusal, shown};

const OF_TRANSACTION: [&str; 7] = [
    "transactionId",
    "refundAmount",
    "fullRefund",
    "cancelPurchase",
    "externalRefund",
    "refundMerchantTxnId",
    "refundReason",
];
const OF_ORDER: [&str; 5] = ["orderId", "refundAmount", "fullRefund", "cancelPurchase", "refundReason"];
/// Why purchases end that `cancelPurchase` names.
const WHY_ENDED: &str = "Cancelled with its refund.";
const REASON_CHARS_MAX: usize = 100;
const REFERENCE_CHARS_MAX: usize = 200;

/// Gives back what one transaction took, or books that it was given back outside. Answers the transaction.
pub(crate) async fn transaction(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| OF_TRANSACTION.contains(&name));
    let hub = crm.hub.clone();
    in_a_task(&hub, refund_transaction(crm, call)).await
}

/// Gives back what an order took, over all its approvals. Answers the order.
pub(crate) async fn order(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| OF_ORDER.contains(&name));
    let hub = crm.hub.clone();
    in_a_task(&hub, refund_order(crm, call)).await
}

async fn refund_transaction(crm: Crm, call: Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let mut reader = Reader::new(&call.pairs);
    let attempt = named_attempt(&crm, &call, &mut reader).await?;
    let is_external = reader.flag("externalRefund").unwrap_or(false);
    let ends = reader.flag("cancelPurchase").unwrap_or(false);
    let reference = reader.text("refundMerchantTxnId", REFERENCE_CHARS_MAX);
    let reason = reader.text("refundReason", REASON_CHARS_MAX);
    let much = attempt.as_ref().map(|attempt| how_much(&mut reader, attempt));
    let problems = reader.into_problems();
    let (Some(attempt), Some(much), true) = (attempt, much, problems.is_empty()) else {
        return Ok(Answer::refused(&problems));
    };
    let actor = actor_of(&call);
    // First, so that nothing more is billed; it stays so when the refund is refused.
    if ends && let Err(error) = end_purchases(&crm, &attempt, &actor).await {
        return refusal(error, |_| "cancelPurchase");
    }
    let done = if is_external {
        crm.hub.book_refund(merchant_id, attempt.id, much, &reference, &reason, &actor).await
    } else {
        if !matches!(attempt.state, AttemptState::Approved { reversed_at: None, .. }) {
            let words = "transactionId: this transaction took no money that could be given back";
            return Ok(Answer::Error(words.to_owned()));
        }
        if let Some(amount) = much {
            let recent = recent_refunds(&crm, merchant_id, attempt.order_id).await?;
            if is_repeated(&recent, attempt.id, amount) {
                return shown(&crm, &call, &attempt).await;
            }
        }
        crm.hub.refund_attempt(&attempt, much, &reason, &actor).await
    };
    match done {
        Ok(operation) if operation.state == "refused" => Ok(Answer::Error(refused(&operation))),
        Ok(_) => shown(&crm, &call, &attempt).await,
        Err(error) => refusal(error, |field| match field {
            "gateway_reference" => "refundMerchantTxnId",
            "note" => "refundReason",
            _ => "refundAmount",
        }),
    }
}

async fn refund_order(crm: Crm, call: Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let mut reader = Reader::new(&call.pairs);
    let id = named_order(&mut reader);
    let reason = reader.text("refundReason", REASON_CHARS_MAX);
    let ends = reader.flag("cancelPurchase").unwrap_or(false);
    let view = match id {
        Some(id) => crm.hub.find_order_view(merchant_id, id).await?,
        None => None,
    };
    if id.is_some() && view.is_none() {
        reader.refuse("orderId", "there is no order with this id");
    }
    let paid = view.as_ref().and_then(OrderView::approved);
    if view.is_some() && paid.is_none() {
        reader.refuse("orderId", "this order took no money that could be given back");
    }
    let much = paid.map(|attempt| how_much(&mut reader, attempt));
    let problems = reader.into_problems();
    let (Some(id), Some(much), true) = (id, much, problems.is_empty()) else {
        return Ok(Answer::refused(&problems));
    };
    if ends {
        let actor = actor_of(&call);
        let ended = crm.hub.cancel_subscriptions_of_order(merchant_id, id, WHY_ENDED, &actor).await;
        if let Err(error) = ended {
            return refusal(error, |_| "cancelPurchase");
        }
    }
    if let Some(amount) = much {
        let recent = recent_refunds(&crm, merchant_id, id).await?;
        if is_repeated_over(&recent, amount) {
            return order_now(&crm, &call, id).await;
        }
    }
    match crm.hub.refund_approvals(merchant_id, id, much, &reason, &actor_of(&call)).await {
        Ok(OrderRefund { stopped: Some(words), given }) => Ok(Answer::Error(halfway(&given, words))),
        Ok(OrderRefund { stopped: None, .. }) => order_now(&crm, &call, id).await,
        Err(error) => refusal(error, |_| "refundAmount"),
    }
}

/// Ends the purchase whose bill a transaction paid, or all that began with the sale that it paid.
async fn end_purchases(crm: &Crm, attempt: &Attempt, actor: &str) -> Result<(), PersonError> {
    let merchant_id = attempt.merchant_id;
    let payment = crm.hub.store().find_payment(merchant_id, attempt.payment_id).await?;
    let Some((subscription, _)) = payment.and_then(|payment| payment.cycle) else {
        let order_id = attempt.order_id;
        crm.hub.cancel_subscriptions_of_order(merchant_id, order_id, WHY_ENDED, actor).await?;
        return Ok(());
    };
    let known = crm.hub.store().find_subscription(merchant_id, subscription).await?;
    if known.is_some_and(|known| known.status.is_open()) {
        crm.hub.cancel_subscription(merchant_id, subscription, false, WHY_ENDED, actor).await?;
    }
    Ok(())
}

/// What is said when an approval could not be given back: what went back before it, too.
fn halfway(given: &[Operation], words: String) -> String {
    let mut parts = given.iter().map(|one| one.amount.to_string());
    match parts.next() {
        None => words,
        Some(first) => {
            let all = parts.fold(first, |all, part| format!("{all} and {part}"));
            format!("{all} was given back, and not the rest. {words}")
        }
    }
}

pub(super) fn named_order(reader: &mut Reader<'_>) -> Option<OrderId> {
    if reader.raw("orderId").is_empty() {
        reader.refuse("orderId", "is missing; the id that order import has returned");
    }
    reader.order_id("orderId")
}

/// `refundAmount`, or none for all that is left with `fullRefund=1`.
fn how_much(reader: &mut Reader<'_>, attempt: &Attempt) -> Option<Money> {
    let is_full = reader.flag("fullRefund").unwrap_or(false);
    let has_amount = !reader.raw("refundAmount").is_empty();
    if is_full == has_amount {
        reader.refuse("refundAmount", "send either refundAmount or fullRefund=1");
    }
    amount(reader, "refundAmount", attempt)
}

fn refused(operation: &Operation) -> String {
    let text = operation.text.as_deref().unwrap_or_default();
    format!("The gateway refused the {}: {text}", operation.kind)
}

pub(super) async fn order_now(crm: &Crm, call: &Call, id: OrderId) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let view = crm.hub.find_order_view(call.merchant_id, id).await?;
    let gone = || Answer::Error("orderId: there is no order with this id".to_owned());
    let Some(view) = view else { return Ok(gone()) };
    let subscriptions = purchases_of(crm, &view.order).await?;
    Ok(Answer::Success(order_object(&configuration, &view, &subscriptions)))
}
