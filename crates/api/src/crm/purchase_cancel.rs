//! `/purchase/cancel/`: ends a purchase now or after its next bill, with its last bill given back if asked for.

use axum::extract::State;
use hub::HubError;

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::purchase_change::{PURCHASE, actor, changed, find, refused};
use super::purchase_refund::{Given, give_back};
use super::reader::Reader;
use super::task::in_a_task;

/// Most characters of `cancelReason`.
const REASON_CHARS_MAX: usize = 100;

/// Cancels first, so that nothing more is billed; then gives the last paid bill back.
pub(crate) async fn cancel(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| matches!(name, PURCHASE | "cancelReason" | "fullRefund" | "afterNextBill"));
    let hub = crm.hub.clone();
    in_a_task(&hub, async move { answer(&crm, &call).await }).await
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let mut reader = Reader::new(&call.pairs);
    let found = find(crm, call, &mut reader).await?;
    if reader.raw("cancelReason").is_empty() {
        reader.refuse("cancelReason", "is missing; say why");
    }
    let reason = reader.text("cancelReason", REASON_CHARS_MAX);
    let refund = reader.flag("fullRefund").unwrap_or_default();
    let later = reader.flag("afterNextBill").unwrap_or_default();
    if refund && later {
        reader.refuse("fullRefund", "cannot be sent with afterNextBill: another bill is still to come");
    }
    let problems = reader.into_problems();
    let Some(subscription) = found.filter(|_| problems.is_empty()) else {
        return Ok(Answer::refused(&problems));
    };
    let (actor, id) = (actor(call), subscription.id);
    let cancelled = crm.hub.cancel_subscription(call.merchant_id, id, later, &reason, &actor).await;
    let cancelled = match cancelled {
        Ok(cancelled) => cancelled,
        Err(error) => return refused(error),
    };
    if refund {
        match give_back(crm, &cancelled, None, &reason, &actor).await? {
            Given::Back(_) => {}
            Given::Not(words) => {
                return Ok(Answer::Error(format!(
                    "The purchase is cancelled, but nothing was refunded: {words}"
                )));
            }
        }
    }
    changed(crm, cancelled).await
}
