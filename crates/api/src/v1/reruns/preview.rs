//! Judges orders as a batch would, and sends nothing.

use axum::extract::State;
use hub::{Hub, Judged, PREVIEW_MAX};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};

use super::request::NewReruns;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;

/// One order as it would be judged now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PreviewItem {
    /// The order.
    order_id: String,
    /// Whether it would be attempted.
    eligible: bool,
    /// Why not, as a stable word: `wrong_state`, `attempt_open`, `bought_since`, `not_eligible`, `no_gateway`, `not_found`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Where it would go and why, or why it would be left alone.
    words: String,
}

/// Orders as they would be judged now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// How many would be attempted.
    eligible: usize,
    /// How many would be left alone.
    skipped: usize,
    /// Each order.
    items: Vec<PreviewItem>,
}

/// Judges at most 1,000 orders and sends nothing; a batch judges each order again when its turn comes.
#[utoipa::path(post, path = "/v1/reruns/preview", tag = "reruns", request_body = NewReruns,
    responses((status = 200, description = "The verdicts as of now.", body = Preview)))]
async fn preview(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Json(body): Json<NewReruns>,
) -> Result<Json<Preview>, Problem> {
    let (orders, rerun) = body.read(&hub, caller.merchant_id).await?;
    let listed =
        hub.list_run_orders(caller.merchant_id, orders, PREVIEW_MAX).await.map_err(errors::person)?;
    let judged = hub.preview_reruns(caller.merchant_id, &listed, &rerun).await.map_err(errors::person)?;
    let eligible = judged.iter().filter(|one| one.skip.is_none()).count();
    let skipped = judged.len().saturating_sub(eligible);
    Ok(Json(Preview { eligible, skipped, items: judged.into_iter().map(PreviewItem::from).collect() }))
}

impl From<Judged> for PreviewItem {
    fn from(judged: Judged) -> Self {
        Self {
            order_id: judged.order_id.to_string(),
            eligible: judged.skip.is_none(),
            code: judged.skip.map(|skip| skip.kind.as_str().to_owned()),
            words: judged.words,
        }
    }
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(preview))
}
