//! Cancels an order (M2).

use axum::extract::State;
use domain::ids::OrderId;
use hub::Hub;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::refund::check_note;
use super::shown::OrderDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;

/// Why it is cancelled.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelOrder {
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Cancels an order: what is paid is given back now, what is in doubt when it proves approved. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/orders/{id}/cancel", tag = "orders",
    params(("id" = String, Path, description = "Its id.")), request_body = CancelOrder,
    responses((status = 200, description = "As it stands now.", body = OrderDetail)))]
async fn cancel(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<CancelOrder>,
) -> Result<Json<OrderDetail>, Problem> {
    let id: OrderId = id.parse().map_err(|_| Problem::not_found())?;
    check_note(&body.note)?;
    // In a task of its own: a caller who hangs up must not stop it between the refund and the order.
    let worker = hub.clone();
    let task = worker.spawn(async move {
        let view = hub.cancel_order(caller.merchant_id, id, &body.note, &caller.actor).await;
        let view = view.map_err(errors::person)?;
        OrderDetail::load(&hub, view).await.map_err(errors::store)
    });
    task.await.map_err(Problem::internal)?.map(Json)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(cancel))
}
