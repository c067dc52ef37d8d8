//! Lists subscriptions, newest first, by pages.

use axum::extract::State;
use domain::configuration::Configuration;
use domain::ids::{OrderId, SubscriptionId};
use hub::Hub;
use serde::Deserialize;
use storage::subscriptions::SubscriptionSearch;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem, Query};

use super::shown::{Subscription, SubscriptionStatus};
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;
use crate::v1::page::{Cursor, LIMIT, Limit, Page};
use crate::v1::values::Instant;

/// Which subscriptions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only this status.
    #[serde(default)]
    status: Option<SubscriptionStatus>,
    /// Only this customer's, by id.
    #[serde(default)]
    customer: Option<String>,
    /// Only those that began on this order, by id.
    #[serde(default)]
    order: Option<String>,
    /// Only those that rest on this gateway, by number.
    #[serde(default)]
    gateway: Option<i64>,
    /// Only this campaign's, by number.
    #[serde(default)]
    campaign: Option<i64>,
    /// Only those whose first order has this e-mail address, in any case.
    #[serde(default)]
    email: Option<String>,
    /// Only those that began at or after.
    #[serde(default)]
    #[param(inline)]
    created_from: Option<Instant>,
    /// Only those that began before.
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

/// Lists subscriptions, newest first. Those that begin while you turn pages do not shift them.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions", params(Filter),
    responses((status = 200, description = "A page of subscriptions.", body = inline(Page<Subscription>))))]
async fn list(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Query(query): Query<Filter>,
) -> Result<Json<Page<Subscription>>, Problem> {
    let merchant_id = caller.merchant_id;
    let limit = query.limit.map_or(LIMIT, |limit| limit.0);
    let configuration = hub.configuration(merchant_id).await.map_err(errors::hub)?;
    let Some(search) = search_of(&configuration, query)? else { return Ok(Json(Page::whole(Vec::new()))) };
    let found = hub.store().search_subscriptions(merchant_id, &search, limit.saturating_add(1), 0).await;
    let mut found = found.map_err(errors::store)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next_cursor = last.map(|one| {
        let id = OrderId::from_uuid(one.id.uuid());
        Cursor { created_at: one.created_at, id }.text()
    });
    Ok(Json(Page { items: found.iter().map(Subscription::from).collect(), next_cursor }))
}

/// The search; none when nothing can match it.
fn search_of(configuration: &Configuration, query: Filter) -> Result<Option<SubscriptionSearch>, Problem> {
    let mut wrong = Vec::new();
    let customer_id = query.customer.map(|text| text.parse());
    let order_id = query.order.map(|text| text.parse());
    if matches!(customer_id, Some(Err(_))) {
        wrong.push(("customer", "is no customer's id"));
    }
    if matches!(order_id, Some(Err(_))) {
        wrong.push(("order", "is no order's id"));
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let gateway = query.gateway.map(|number| configuration.gateway_numbered(number).map(|one| one.id));
    let campaign = query
        .campaign
        .map(|number| configuration.campaigns.iter().find(|one| one.number == number).map(|one| one.id));
    if gateway == Some(None) || campaign == Some(None) {
        return Ok(None);
    }
    let after = query.cursor;
    Ok(Some(SubscriptionSearch {
        id: None,
        order_id: order_id.and_then(Result::ok),
        customer_id: customer_id.and_then(Result::ok),
        status: query.status.map(domain::subscription::SubscriptionStatus::from),
        gateway_id: gateway.flatten(),
        campaign_id: campaign.flatten(),
        email: query.email,
        created_from: query.created_from.map(|at| at.0),
        created_before: query.created_before.map(|at| at.0),
        after: after.map(|cursor| (cursor.created_at, SubscriptionId::from_uuid(cursor.id.uuid()))),
    }))
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list))
}
