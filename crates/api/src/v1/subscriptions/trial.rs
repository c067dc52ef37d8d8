//! Trials: ended early, or begun again.

use axum::extract::State;
use axum::response::Response;
use hub::Hub;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::acting::{Action, MaybeKey, id_of};
use super::reactivate::{SubscriptionNote, check_note};
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};

/// Ends a trial now: cycle 2 is billed in the next run. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/skip-trial", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = SubscriptionNote,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn skip(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<SubscriptionNote>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    check_note(&body.note)?;
    let merchant_id = caller.merchant_id;
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "skip-trial", &body)?;
    let work = async move { hub.skip_trial(merchant_id, id, &caller.actor, &body.note).await };
    action.answer(work).await
}

/// Begins a trial again: its whole delay counts from now. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/restart-trial", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = SubscriptionNote,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn restart(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<SubscriptionNote>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    check_note(&body.note)?;
    let merchant_id = caller.merchant_id;
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "restart-trial", &body)?;
    let work = async move { hub.restart_trial(merchant_id, id, &caller.actor, &body.note).await };
    action.answer(work).await
}

/// Their routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(skip)).routes(routes!(restart))
}
