//! The doctor: invariants of DESIGN.md section 4 that are broken, of the caller's own rows.

use axum::extract::State;
use domain::ids::{AttemptId, MerchantId, OperationId, OrderId, PaymentId, from_base32};
use hub::Hub;
use serde::Serialize;
use storage::StoreError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};

use super::auth::{Caller, Read};
use super::errors;

/// A broken invariant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Broken {
    /// Which one.
    invariant: String,
    /// What is wrong.
    what: String,
    /// What breaks it.
    id: String,
}

/// The doctor's report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Report {
    /// How many invariants were checked.
    checked: i64,
    /// Those that are broken; empty when all is well.
    broken: Vec<Broken>,
}

/// Checks the invariants over the merchant's rows.
#[utoipa::path(get, path = "/v1/doctor", tag = "operations",
    responses((status = 200, description = "The report.", body = Report)))]
async fn get(State(hub): State<Hub>, caller: Caller<Read>) -> Result<Json<Report>, Problem> {
    let providers = hub.charging().connections.providers();
    let salvage = providers.iter().filter(|provider| provider.capabilities.is_salvage_only());
    let kinds: Vec<&str> = salvage.map(|provider| provider.kind).collect();
    let (found, checked) = hub.store().list_broken_invariants(&kinds).await.map_err(errors::store)?;
    let mut broken = Vec::new();
    for one in found {
        // The store checks all tenants at once; only what is the caller's is told.
        if let Some(id) = own(&hub, caller.merchant_id, &one.id).await.map_err(errors::store)? {
            broken.push(Broken { invariant: one.invariant, what: one.what, id });
        }
    }
    Ok(Json(Report { checked: i64::try_from(checked).unwrap_or(i64::MAX), broken }))
}

/// The typed id of a row, when it belongs to the merchant.
async fn own(hub: &Hub, merchant_id: MerchantId, id: &str) -> Result<Option<String>, StoreError> {
    let Some(uuid) = from_base32(id) else { return Ok(None) };
    let store = hub.store();
    let (order, payment) = (OrderId::from_uuid(uuid), PaymentId::from_uuid(uuid));
    let (attempt, operation) = (AttemptId::from_uuid(uuid), OperationId::from_uuid(uuid));
    if store.find_order(merchant_id, order).await?.is_some() {
        return Ok(Some(order.to_string()));
    }
    if store.find_payment(merchant_id, payment).await?.is_some() {
        return Ok(Some(payment.to_string()));
    }
    if store.find_attempt(merchant_id, attempt).await?.is_some() {
        return Ok(Some(attempt.to_string()));
    }
    let found = store.find_operation(merchant_id, operation).await?;
    Ok(found.map(|_| operation.to_string()))
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get))
}
