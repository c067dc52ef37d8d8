//! Chargebacks: marked by reports and by people, reverted when they are won (R151–R159, Q32).

use axum::extract::State;
use domain::ids::AttemptId;
use hub::{ChargebackMark, Hub};
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::chargebacks as s;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem, Query};

use super::auth::{Caller, Operate, Read};
use super::errors;
use super::inbound_reports::paged;
use super::page::{Cursor, LIMIT, Limit, Page};
use super::values::{Instant, Money};

/// Money that an issuer took back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Chargeback {
    /// The approval that was charged back.
    attempt_id: String,
    /// Its order.
    order_id: String,
    /// How much.
    amount: Money,
    /// When, as the issuer or the caller says.
    charged_back_at: Instant,
    /// The issuer's reason code; may be empty.
    reason: String,
    /// A note; may be empty.
    note: String,
    /// `report` or `person`.
    source: String,
    /// When it was marked.
    created_at: Instant,
    /// When it was won, and the mark taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverted_at: Option<Instant>,
}

impl From<&s::Chargeback> for Chargeback {
    fn from(chargeback: &s::Chargeback) -> Self {
        Self {
            attempt_id: chargeback.attempt_id.to_string(),
            order_id: chargeback.order_id.to_string(),
            amount: chargeback.amount.into(),
            charged_back_at: chargeback.charged_back_at.into(),
            reason: chargeback.reason.clone(),
            note: chargeback.note.clone(),
            source: chargeback.source.clone(),
            created_at: chargeback.created_at.into(),
            reverted_at: chargeback.reverted_at.map(Instant::from),
        }
    }
}

/// A chargeback as a person writes it down.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkChargeback {
    /// How much; the whole approval when left out.
    #[serde(default)]
    amount: Option<Money>,
    /// When the issuer did; now when left out.
    #[serde(default)]
    date: Option<Instant>,
    /// The issuer's reason code.
    #[serde(default)]
    #[schema(max_length = 10)]
    reason: String,
    /// A note.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Most of them on a page, 1 to 200; 50 when left out.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
    /// Where the last page ended: its `next_cursor`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists chargebacks, the newest mark first; those that were reverted too.
#[utoipa::path(get, path = "/v1/chargebacks", tag = "operations", params(Filter),
    responses((status = 200, description = "A page of chargebacks.", body = inline(Page<Chargeback>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Chargeback>>, Problem> {
    let limit = filter.limit.map_or(LIMIT, |limit| limit.0);
    let before = filter.cursor.map(|cursor| (cursor.created_at, cursor.id.uuid()));
    let found = hub.store().list_chargebacks(caller.merchant_id, before, limit.saturating_add(1)).await;
    let found = found.map_err(errors::store)?;
    let place = |one: &s::Chargeback| (one.created_at, one.attempt_id.uuid());
    Ok(Json(paged(&found, limit, place)))
}

/// Marks an approved attempt as charged back. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/attempts/{id}/chargeback", tag = "attempts",
    params(("id" = String, Path, description = "The attempt's id.")), request_body = MarkChargeback,
    responses((status = 200, description = "The chargeback.", body = Chargeback)))]
async fn mark(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<MarkChargeback>,
) -> Result<Json<Chargeback>, Problem> {
    let id: AttemptId = id.parse().map_err(|_| Problem::not_found())?;
    let mark = ChargebackMark {
        amount: body.amount.map(domain::Money::from),
        at: body.date.map(|at| at.0),
        reason: body.reason,
        note: body.note,
    };
    let marked = hub.mark_chargeback(caller.merchant_id, id, mark, &caller.actor).await;
    marked.map(|chargeback| Json((&chargeback).into())).map_err(errors::person)
}

/// Takes the mark of a chargeback back: it was won. Needs the scope `operate`; `Audit-Note` says why.
#[utoipa::path(delete, path = "/v1/attempts/{id}/chargeback", tag = "attempts",
    params(("id" = String, Path, description = "The attempt's id.")),
    responses((status = 200, description = "The chargeback as it stands now.", body = Chargeback)))]
async fn revert(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
) -> Result<Json<Chargeback>, Problem> {
    let id: AttemptId = id.parse().map_err(|_| Problem::not_found())?;
    let reverted = hub.revert_chargeback(caller.merchant_id, id, &caller.note, &caller.actor).await;
    reverted.map(|chargeback| Json((&chargeback).into())).map_err(errors::person)
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(mark, revert))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![
        json!({"amount": {"amount_minor": 2999, "currency": "USD"}, "reason": "10.4", "note": "Letter of 3 May."}),
    ]
}
