//! A person's decision about an attempt in doubt (M18).

use axum::extract::State;
use domain::ids::AttemptId;
use hub::Hub;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::Attempt;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::values::words;

/// Most characters of a gateway's id.
const REFERENCE_CHARS_MAX: usize = 200;

words!(
    /// What a person found out at the gateway.
    Verdict of hub::Verdict {
        /// The gateway took the money.
        Approved,
        /// The gateway refused it.
        Declined,
        /// The gateway never did anything.
        NotExecuted,
    }
);

/// How it is resolved.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveAttempt {
    /// What was found out.
    verdict: Verdict,
    /// The gateway's id of the transaction; required with `approved`.
    #[serde(default)]
    #[schema(max_length = 200)]
    gateway_reference: String,
    /// How you know; goes into the audit log.
    #[schema(min_length = 1, max_length = 500)]
    note: String,
}

/// Resolves an attempt in doubt. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/attempts/{id}/resolve", tag = "attempts",
    params(("id" = String, Path, description = "Its id.")), request_body = ResolveAttempt,
    responses((status = 200, description = "As it stands now.", body = Attempt)))]
async fn resolve(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<ResolveAttempt>,
) -> Result<Json<Attempt>, Problem> {
    let id: AttemptId = id.parse().map_err(|_| Problem::not_found())?;
    if body.gateway_reference.chars().count() > REFERENCE_CHARS_MAX {
        return Err(Problem::invalid([("gateway_reference", "has at most 200 characters")]));
    }
    let (verdict, reference) = (body.verdict.into(), body.gateway_reference.as_str());
    let merchant_id = caller.merchant_id;
    let resolved = hub.resolve_attempt(merchant_id, id, verdict, reference, &body.note, &caller.actor).await;
    resolved.map(|attempt| Json(Attempt::from(&attempt))).map_err(errors::person)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(resolve))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "verdict": "approved",
        "gateway_reference": "3261830498",
        "note": "The gateway's control panel shows it as approved."
    })]
}
