//! Approvals that came after their attempt had ended otherwise: kept or given back (M17).

use axum::extract::State;
use domain::ids::AttemptId;
use hub::Hub;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::late_approvals as s;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem, Query};

use super::auth::{Caller, Operate, Read};
use super::errors;
use super::inbound_reports::paged;
use super::page::{Cursor, LIMIT, Limit, Page};
use super::values::{Instant, Money, words};

words!(
    /// What becomes of a late approval.
    LateState of s::LateState {
        /// Given back when its time comes, unless somebody keeps it.
        Waiting,
        /// Its refund is being sent.
        Sending,
        /// Nobody knows whether its refund was done; the gateway is asked.
        InDoubt,
        /// Given back.
        GivenBack,
        /// Somebody kept it.
        Kept,
    }
);

words!(
    /// What is done with a late approval.
    LateDecision of hub::LateDecision {
        /// The money stays, and the declined order is paid with it.
        Keep,
        /// It is given back now.
        GiveBack,
    }
);

/// An approval that came after its attempt had ended otherwise.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LateApproval {
    /// The id of the attempt that had ended otherwise.
    id: String,
    /// Its order.
    order_id: String,
    /// The gateway that took the money.
    gateway_id: String,
    /// The gateway's id of the charge.
    gateway_reference: String,
    /// How much was taken.
    amount: Money,
    /// When it was learned.
    seen_at: Instant,
    /// Where it stands.
    state: LateState,
    /// Why it is given back, and what came of it.
    words: String,
    /// When it is worked on next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action_at: Option<Instant>,
}

impl From<&s::LateApproval> for LateApproval {
    fn from(late: &s::LateApproval) -> Self {
        Self {
            id: late.attempt_id.to_string(),
            order_id: late.order_id.to_string(),
            gateway_id: late.gateway_id.to_string(),
            gateway_reference: late.gateway_reference.clone(),
            amount: late.amount.into(),
            seen_at: late.seen_at.into(),
            state: late.state.into(),
            words: late.words.clone(),
            next_action_at: late.next_action_at.map(Instant::from),
        }
    }
}

/// Which late approvals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only this state.
    #[serde(default)]
    state: Option<LateState>,
    /// Most of them on a page, 1 to 200; 50 when left out.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
    /// Where the last page ended: its `next_cursor`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists late approvals, newest first.
#[utoipa::path(get, path = "/v1/late-approvals", tag = "operations", params(Filter),
    responses((status = 200, description = "A page of late approvals.", body = inline(Page<LateApproval>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<LateApproval>>, Problem> {
    let limit = filter.limit.map_or(LIMIT, |limit| limit.0);
    let state = filter.state.map(s::LateState::from);
    let before = filter.cursor.map(|cursor| (cursor.created_at, cursor.id.uuid()));
    let found =
        hub.store().list_late_approvals(caller.merchant_id, state, before, limit.saturating_add(1)).await;
    let found = found.map_err(errors::store)?;
    let place = |late: &s::LateApproval| (late.seen_at, late.attempt_id.uuid());
    Ok(Json(paged(&found, limit, place)))
}

/// What is done with it, and why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveLateApproval {
    /// What is done with it.
    decision: LateDecision,
    /// Why; goes into the audit log.
    #[schema(min_length = 1, max_length = 500)]
    note: String,
}

/// Keeps a late approval, or gives it back now. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/late-approvals/{id}/resolve", tag = "operations",
    params(("id" = String, Path, description = "The id of its attempt.")), request_body = ResolveLateApproval,
    responses((status = 200, description = "As it stands now.", body = LateApproval)))]
async fn resolve(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<ResolveLateApproval>,
) -> Result<Json<LateApproval>, Problem> {
    let id: AttemptId = id.parse().map_err(|_| Problem::not_found())?;
    let (merchant_id, decision) = (caller.merchant_id, body.decision.into());
    let late = hub.resolve_late_approval(merchant_id, id, decision, &body.note, &caller.actor).await;
    late.map(|late| Json((&late).into())).map_err(errors::person)
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resolve))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"decision": "keep", "note": "The customer was called and still wants it."})]
}
