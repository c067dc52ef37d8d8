//! `/purchase/pause/`: stops billing until the purchase is reactivated.

use axum::extract::State;
use hub::HubError;

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::purchase_change::{PURCHASE, actor, changed, find, refused};
use super::reader::Reader;
use super::task::in_a_task;

/// Pauses now.
pub(crate) async fn pause(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| name == PURCHASE);
    let hub = crm.hub.clone();
    in_a_task(&hub, async move { answer(&crm, &call).await }).await
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let mut reader = Reader::new(&call.pairs);
    let found = find(crm, call, &mut reader).await?;
    let Some(subscription) = found else { return Ok(Answer::refused(&reader.into_problems())) };
    let actor = actor(call);
    match crm.hub.pause_subscription(call.merchant_id, subscription.id, None, &actor, "").await {
        Ok(paused) => changed(crm, paused).await,
        Err(error) => refused(error),
    }
}
