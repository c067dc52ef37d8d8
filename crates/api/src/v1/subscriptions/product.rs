//! Puts a subscription on another product.

use axum::extract::State;
use axum::response::Response;
use domain::configuration::Configuration;
use hub::Hub;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::acting::{Action, MaybeKey, id_of};
use super::reactivate::check_note;
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::errors;
use crate::v1::values::Reference;

/// A number that no product has.
const NO_PRODUCT: i64 = 0;

/// The new product, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeProduct {
    /// A recurring product of the same campaign.
    product: Reference,
    /// Why; goes into the audit log.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Puts a subscription on another product of its campaign: its plan holds from the next cycle on, and the date of the
/// next bill stays. Refused while an attempt is open. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/product", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = ChangeProduct,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn product(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<ChangeProduct>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    check_note(&body.note)?;
    let merchant_id = caller.merchant_id;
    let configuration = hub.configuration(merchant_id).await.map_err(errors::hub)?;
    let number = number_of(&configuration, &body.product);
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "product", &body)?;
    let work = async move { hub.change_product(merchant_id, id, number, &caller.actor, &body.note).await };
    action.answer(work).await
}

fn number_of(configuration: &Configuration, to: &Reference) -> i64 {
    match to {
        Reference::Number(number) => *number,
        Reference::Id(id) => {
            let mut products = configuration.campaigns.iter().flat_map(|campaign| &campaign.products);
            products.find(|one| id.parse() == Ok(one.id)).map_or(NO_PRODUCT, |one| one.number)
        }
    }
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(product))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"product": 9, "note": "Wants the large box."})]
}
