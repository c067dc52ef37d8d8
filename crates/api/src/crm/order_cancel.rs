//! `/order/cancel/`: cancels an order now, or ends what it bills again after the next bill.

use axum::extract::State;
use domain::ids::{MerchantId, OrderId, SubscriptionId};
use domain::order::OrderStatus;
use domain::subscription::{SubscriptionEvent, SubscriptionStatus};
use hub::HubError;

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::reader::Reader;
use super::refunds::{named_order, order_now};
use super::task::in_a_task;
use super::transaction_update::{actor_of, refusal};

const NAMES: [&str; 4] = ["orderId", "cancelReason", "fullRefund", "afterNextBill"];
/// Most characters of `cancelReason`.
const REASON_CHARS_MAX: usize = 100;

/// What is wrong with a call, under the parameter's name; else the purchases to end after their next bill.
type Later = Result<Vec<SubscriptionId>, String>;

/// Cancels an order. Answers the order.
pub(crate) async fn cancel(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name));
    let hub = crm.hub.clone();
    in_a_task(&hub, cancel_order(crm, call)).await
}

async fn cancel_order(crm: Crm, call: Call) -> Result<Answer, HubError> {
    let merchant_id = call.merchant_id;
    let mut reader = Reader::new(&call.pairs);
    let id = named_order(&mut reader);
    let reason = reader.text("cancelReason", REASON_CHARS_MAX);
    if reader.raw("cancelReason").is_empty() {
        reader.refuse("cancelReason", "is missing; why the order is cancelled");
    }
    let gives_back = reader.flag("fullRefund").unwrap_or(false);
    let is_later = reader.flag("afterNextBill").unwrap_or(false);
    let view = match id {
        Some(id) => crm.hub.find_order_view(merchant_id, id).await?,
        None => None,
    };
    if id.is_some() && view.is_none() {
        reader.refuse("orderId", "there is no order with this id");
    }
    if gives_back && is_later {
        reader.refuse("fullRefund", "cannot be sent with afterNextBill: another bill is still to come");
    }
    // Cancelling a paid order gives its money back: never without being asked for in so many words.
    let is_paid = match &view {
        Some(view) if view.order.status == OrderStatus::Complete => true,
        // Its first charge may have gone back, and a trial's completion be taken on it.
        Some(view) => crm.hub.is_money_left(view).await?,
        None => false,
    };
    if is_paid && !gives_back && !is_later {
        let words = "this order is paid: send fullRefund=1 to cancel it and give the money back";
        reader.refuse("fullRefund", words);
    }
    let mut ending = Vec::new();
    if let (Some(view), true) = (&view, is_later) {
        match after_next_bill(&crm, merchant_id, view.order.id).await? {
            Ok(purchases) => ending = purchases,
            Err(words) => reader.refuse("afterNextBill", words),
        }
    }
    let problems = reader.into_problems();
    let (Some(id), true) = (id, problems.is_empty()) else { return Ok(Answer::refused(&problems)) };
    let actor = actor_of(&call);
    if !is_later {
        return match crm.hub.cancel_order(merchant_id, id, &reason, &actor).await {
            Ok(_) => order_now(&crm, &call, id).await,
            Err(error) => refusal(error, |_| "cancelReason"),
        };
    }
    for purchase in ending {
        if let Err(error) = crm.hub.cancel_subscription(merchant_id, purchase, true, &reason, &actor).await {
            return refusal(error, |_| "cancelReason");
        }
    }
    order_now(&crm, &call, id).await
}

/// The purchases of an order that its cancellation ends after their next bill: every one that goes on. Those that end then
/// anyway need nothing; when one cannot end then, none is touched.
async fn after_next_bill(crm: &Crm, merchant_id: MerchantId, id: OrderId) -> Result<Later, HubError> {
    let all = crm.hub.store().list_subscriptions_of_order(merchant_id, id).await?;
    let open: Vec<_> = all.into_iter().filter(|one| one.status.is_open()).collect();
    if open.is_empty() {
        let words = "no purchase that began on this order has another bill to come";
        return Ok(Err(words.to_owned()));
    }
    let mut ending = Vec::new();
    for one in open.iter().filter(|one| one.status != SubscriptionStatus::CancellationScheduled) {
        let has_trial = one.terms.plan.trial.is_some();
        if let Err(refused) = one.status.on(SubscriptionEvent::ScheduleCancel, has_trial) {
            let words = format!("purchase {}: {refused}; it can be cancelled now", one.id.base32());
            return Ok(Err(words));
        }
        ending.push(one.id);
    }
    Ok(Ok(ending))
}
