//! Lists orders, newest first, by pages.

use axum::extract::State;
use domain::contact::ip_address;
use domain::ids::MerchantId;
use hub::Hub;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use storage::StoreError;
use storage::orders::OrderFilter;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem, Query};

use super::shown::{Order, OrderStatus};
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;
use crate::v1::page::{Cursor, LIMIT, Limit, Page};
use crate::v1::values::Instant;

/// Orders of one moment that are read at once to find a cursor among them.
const MOMENT_BATCH: i64 = 500;

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only this status.
    #[serde(default)]
    status: Option<OrderStatus>,
    /// Only this campaign, by number.
    #[serde(default)]
    campaign: Option<i64>,
    /// Only this e-mail address, in any case.
    #[serde(default)]
    email: Option<String>,
    /// Only this IP address.
    #[serde(default)]
    ip_address: Option<String>,
    /// Only those made at or after.
    #[serde(default)]
    #[param(inline)]
    created_from: Option<Instant>,
    /// Only those made before.
    #[serde(default)]
    #[param(inline)]
    created_before: Option<Instant>,
    /// Most of them on a page, 1 to 200; 50 when left out.
    #[serde(default)]
    #[param(inline)]
    limit: Option<Limit>,
    /// Where the last page ended: its `next_cursor`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists orders, newest first. Orders made while you turn pages do not shift them.
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(Filter),
    responses((status = 200, description = "A page of orders.", body = inline(Page<Order>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(query): Query<Filter>,
) -> Result<Json<Page<Order>>, Problem> {
    let ip = query.ip_address.as_deref();
    let mut filter = OrderFilter {
        id: None,
        status: query.status.map(domain::order::OrderStatus::from),
        campaign_number: query.campaign,
        email: query.email,
        ip_address: ip.map(|text| ip_address(text).unwrap_or_else(|| text.to_owned())),
        created_from: query.created_from.map(|at| at.0),
        created_before: query.created_before.map(|at| at.0),
        is_rebill: None,
        is_salvaged: None,
    };
    let limit = query.limit.map_or(LIMIT, |limit| limit.0);
    let merchant_id = caller.merchant_id;
    let mut shown_before = 0;
    if let Some(cursor) = query.cursor {
        let end = after(cursor.created_at);
        shown_before = count_shown(&hub, merchant_id, &filter, cursor).await.map_err(errors::store)?;
        filter.created_before = Some(filter.created_before.map_or(end, |before| before.min(end)));
    }
    let orders = hub.store().list_orders(merchant_id, &filter, limit.saturating_add(1), shown_before).await;
    let mut orders = orders.map_err(errors::store)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = orders.len() > limit;
    orders.truncate(limit);
    let last = orders.last().filter(|_| more);
    let next_cursor = last.map(|order| Cursor { created_at: order.created_at, id: order.id }.text());
    Ok(Json(Page { items: orders.iter().map(Order::from).collect(), next_cursor }))
}

/// How many orders of the cursor's own moment have been shown: those with its id or a greater one.
async fn count_shown(
    hub: &Hub,
    merchant_id: MerchantId,
    filter: &OrderFilter,
    cursor: Cursor,
) -> Result<i64, StoreError> {
    let moment = OrderFilter {
        created_from: Some(cursor.created_at),
        created_before: Some(after(cursor.created_at)),
        ..filter.clone()
    };
    let mut shown = 0_i64;
    loop {
        let batch = hub.store().list_orders(merchant_id, &moment, MOMENT_BATCH, shown).await?;
        let until = batch.iter().position(|order| order.id.uuid() < cursor.id.uuid());
        let counted = i64::try_from(until.unwrap_or(batch.len())).unwrap_or(i64::MAX);
        shown = shown.saturating_add(counted);
        if until.is_some() || counted < MOMENT_BATCH {
            return Ok(shown);
        }
    }
}

/// The next microsecond.
fn after(at: Timestamp) -> Timestamp {
    at.saturating_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list))
}
