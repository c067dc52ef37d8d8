//! Tries a declined new sale again, once per `Idempotency-Key` (R110).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::attempt as d;
use domain::ids::{MerchantId, OrderId};
use hub::{Hub, PersonError, RerunAnswer};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::OrderDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::idempotency::{Ended, IdempotencyKey, once};
use crate::v1::reruns::{Wish, skipped};
use crate::v1::values::{Instant, Reference};

/// Where it is tried again, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerunOrder {
    /// This gateway; a salvage gateway is only ever reached so. The order's own gateway when neither is given.
    #[serde(default)]
    gateway: Option<Reference>,
    /// Through this gateway profile; not together with a gateway.
    #[serde(default)]
    gateway_profile: Option<Reference>,
    /// Also when the customer has bought the same since.
    #[serde(default)]
    override_bought_since: bool,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// What came of a rerun.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RerunOutcome {
    /// `approved`, `declined`, `not_executed`, `pending` while a salvage gateway works on it, or `in_doubt`.
    outcome: String,
    /// The attempt.
    attempt_id: String,
    /// The gateway asked.
    gateway_id: String,
    /// Until when a salvage gateway may work on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    salvage_expires_at: Option<Instant>,
    /// The order as it stands now; it stays declined until it is paid.
    order: OrderDetail,
}

/// Tries a declined new sale again with its stored card. An order that is left alone is a conflict with a code of its
/// own: `wrong_state`, `attempt_open`, `bought_since`, `not_eligible`, `no_gateway`. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/orders/{id}/rerun", tag = "orders",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = String, Header, description = "A text of your own: new for each rerun, the same for its repetitions.")),
    request_body = RerunOrder,
    responses((status = 200, description = "What came of it.", body = RerunOutcome)))]
async fn rerun(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: IdempotencyKey,
    Path(id): Path<String>,
    Json(body): Json<RerunOrder>,
) -> Result<Response, Problem> {
    let id: OrderId = id.parse().map_err(|_| Problem::not_found())?;
    let request = serde_json::to_string(&body).map_err(Problem::internal)?;
    let text = format!("POST /v1/orders/{id}/rerun\n{request}");
    let fingerprint = hub.vault().body_fingerprint(text.as_bytes());
    let merchant_id = caller.merchant_id;
    let work = work(hub.clone(), merchant_id, id, body, caller.actor);
    once(hub, merchant_id, key, fingerprint, work).await
}

async fn work(hub: Hub, merchant_id: MerchantId, id: OrderId, body: RerunOrder, actor: String) -> Ended {
    let RerunOrder { gateway, gateway_profile, override_bought_since, note } = body;
    let wish = Wish { gateway, gateway_profile, override_bought_since, note };
    let rerun = match wish.read(&hub, merchant_id).await {
        Ok(rerun) => rerun,
        Err(problem) => return Ended::Refused(problem),
    };
    match hub.rerun_order(merchant_id, id, &rerun, &actor).await {
        Ok(RerunAnswer::Skipped(skip)) => Ended::Refused(skipped(skip)),
        Ok(RerunAnswer::Attempted { view, attempt }) => match OrderDetail::load(&hub, *view).await {
            Ok(order) => Ended::done(StatusCode::OK, &shown(&attempt, order)),
            Err(error) => Ended::Unknown(errors::store(error)),
        },
        // The gateway may have been reached.
        Err(error @ PersonError::Hub(_)) => Ended::Unknown(errors::person(error)),
        Err(error) => Ended::Refused(errors::person(error)),
    }
}

fn shown(attempt: &d::Attempt, order: OrderDetail) -> RerunOutcome {
    let outcome = match &attempt.state {
        d::AttemptState::Sending => "in_doubt",
        other => other.name(),
    };
    RerunOutcome {
        outcome: outcome.to_owned(),
        attempt_id: attempt.id.to_string(),
        gateway_id: attempt.gateway_id.to_string(),
        salvage_expires_at: attempt.deadline.map(Instant::from),
        order,
    }
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(rerun))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"gateway": 17, "note": "Soft declines of last week."})]
}
