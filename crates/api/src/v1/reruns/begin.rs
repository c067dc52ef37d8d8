//! Begins a batch of reruns, once per `Idempotency-Key`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::MerchantId;
use hub::{Hub, PersonError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};

use super::request::NewReruns;
use super::shown::Reruns;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::idempotency::{Ended, IdempotencyKey, once};

/// Begins a batch: each order is judged and sent on its own when its turn comes. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/reruns", tag = "reruns", request_body = NewReruns,
    params(("Idempotency-Key" = String, Header, description = "A text of your own: new for each batch, the same for its repetitions.")),
    responses((status = 201, description = "The batch, just begun.", body = Reruns)))]
async fn begin(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: IdempotencyKey,
    Json(body): Json<NewReruns>,
) -> Result<Response, Problem> {
    let request = serde_json::to_string(&body).map_err(Problem::internal)?;
    let text = format!("POST /v1/reruns\n{request}");
    let fingerprint = hub.vault().body_fingerprint(text.as_bytes());
    let merchant_id = caller.merchant_id;
    let work = work(hub.clone(), merchant_id, body, caller.actor);
    once(hub, merchant_id, key, fingerprint, work).await
}

async fn work(hub: Hub, merchant_id: MerchantId, body: NewReruns, actor: String) -> Ended {
    let (orders, rerun) = match body.read(&hub, merchant_id).await {
        Ok(read) => read,
        Err(problem) => return Ended::Refused(problem),
    };
    match hub.begin_reruns(merchant_id, orders, &rerun, &actor).await {
        Ok(progress) => Ended::done(StatusCode::CREATED, &Reruns::from(progress)),
        Err(error @ PersonError::Hub(_)) => Ended::Unknown(errors::person(error)),
        Err(error) => Ended::Refused(errors::person(error)),
    }
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(begin))
}
