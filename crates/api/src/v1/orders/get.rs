//! Shows an order with everything that belongs to it.

use axum::extract::State;
use domain::ids::OrderId;
use hub::Hub;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::shown::OrderDetail;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;

/// Shows one order with its attempts, payments, operations, fulfilments, events and timeline.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "As it stands.", body = OrderDetail)))]
async fn get(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Path(id): Path<String>,
) -> Result<Json<OrderDetail>, Problem> {
    let id: OrderId = id.parse().map_err(|_| Problem::not_found())?;
    let view = hub.find_order_view(caller.merchant_id, id).await.map_err(errors::hub)?;
    let view = view.ok_or_else(Problem::not_found)?;
    OrderDetail::load(&hub, view).await.map(Json).map_err(errors::store)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get))
}
