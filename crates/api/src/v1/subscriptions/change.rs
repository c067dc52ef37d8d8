//! Changes what is agreed: price, dates, gateway.

use axum::extract::State;
use domain::configuration::Configuration;
use hub::{Hub, SubscriptionChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::acting::id_of;
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::values::{Instant, Money, Reference};

/// A number that no gateway has.
const NO_GATEWAY: i64 = 0;

/// What may be set by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SettableStatus {
    /// A declined bill is tried again from the first slot of its recycle profile on.
    RecycleBilling,
    /// Nothing tries any more.
    RecycleFailed,
}

impl From<SettableStatus> for domain::subscription::SubscriptionStatus {
    fn from(status: SettableStatus) -> Self {
        match status {
            SettableStatus::RecycleBilling => Self::RecycleBilling,
            SettableStatus::RecycleFailed => Self::RecycleFailed,
        }
    }
}

/// Changes of a subscription; what is left out or null stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeSubscription {
    /// Price of one.
    #[serde(default)]
    price: Option<Money>,
    /// Whether the price holds for the next bill only.
    #[serde(default)]
    price_once: bool,
    /// Shipping of a bill.
    #[serde(default)]
    shipping: Option<Money>,
    /// When it is billed next; in the future.
    #[serde(default)]
    next_bill_at: Option<Instant>,
    /// Days between bills.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 730)]
    interval_days: Option<i64>,
    /// The last cycle.
    #[serde(default)]
    #[schema(minimum = 2)]
    final_cycle: Option<i64>,
    /// The gateway that it rests on: an ordinary one. A gateway that only salvages is refused.
    #[serde(default)]
    gateway: Option<Reference>,
    /// Into recycle billing again, or out of it.
    #[serde(default)]
    status: Option<SettableStatus>,
}

impl ChangeSubscription {
    fn read(&self, configuration: &Configuration) -> SubscriptionChange {
        SubscriptionChange {
            price: self.price.map(domain::Money::from),
            price_once: self.price_once,
            shipping: self.shipping.map(domain::Money::from),
            next_bill_at: self.next_bill_at.map(|at| at.0),
            interval_days: self.interval_days,
            final_cycle: self.final_cycle,
            gateway: self.gateway.as_ref().map(|to| gateway_number(configuration, to)),
            status: self.status.map(domain::subscription::SubscriptionStatus::from),
        }
    }
}

/// The number of a gateway; one that no gateway has where there is none.
pub(super) fn gateway_number(configuration: &Configuration, to: &Reference) -> i64 {
    match to {
        Reference::Number(number) => *number,
        Reference::Id(id) => {
            let found = configuration.gateways.iter().find(|one| id.parse() == Ok(one.id));
            found.map_or(NO_GATEWAY, |gateway| gateway.number)
        }
    }
}

/// Changes a subscription; everything that is wrong is told at once, and nothing is changed then. Say why in the header
/// `Audit-Note`. Needs the scope `operate`.
#[utoipa::path(patch, path = "/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id.")), request_body = ChangeSubscription,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn change(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    Path(id): Path<String>,
    Json(body): Json<ChangeSubscription>,
) -> Result<Json<SubscriptionDetail>, Problem> {
    let (id, merchant_id) = (id_of(&id)?, caller.merchant_id);
    let configuration = hub.configuration(merchant_id).await.map_err(errors::hub)?;
    let change = body.read(&configuration);
    let changed = if change == SubscriptionChange::default() {
        let found = hub.store().find_subscription(merchant_id, id).await.map_err(errors::store)?;
        found.ok_or_else(Problem::not_found)?
    } else {
        let changed = hub.change_subscription(merchant_id, id, &change, &caller.actor, &caller.note).await;
        changed.map_err(errors::person)?
    };
    SubscriptionDetail::load(&hub, changed).await.map(Json).map_err(errors::hub)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(change))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![
        json!({"price": {"amount_minor": 1999, "currency": "USD"}, "price_once": true}),
        json!({"gateway": 2, "next_bill_at": "2027-01-15T14:00:00Z"}),
    ]
}
