//! Puts a subscription on another card.

use axum::extract::State;
use axum::response::Response;
use domain::card::CardNumber;
use domain::placement::Problem as Wrong;
use hub::{Hub, PersonError, RawCard};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};
use zeroize::Zeroizing;

use super::acting::{Action, MaybeKey, id_of};
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Operate};
use crate::v1::orders::NewCard;

/// The new card.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeCard {
    /// The card. Its security code is checked for its form and thrown away.
    card: NewCard,
}

/// Puts a subscription on another card. A salvage gateway that works on the current bill is asked to stop, and the new
/// card is billed in the next run. Needs the scope `operate`.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/card", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body replays the answer.")),
    request_body = ChangeCard,
    responses((status = 200, description = "As it stands now.", body = SubscriptionDetail)))]
async fn card(
    State(hub): State<Hub>,
    caller: Caller<Operate>,
    key: MaybeKey,
    Path(id): Path<String>,
    Json(body): Json<ChangeCard>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let merchant_id = caller.merchant_id;
    // The key remembers the card by its fingerprint: the number is not part of what is written down (M3).
    let number = CardNumber::parse(&body.card.number.0).ok();
    let number = number.map(|number| hub.vault().fingerprint(merchant_id, &number)).unwrap_or_default();
    let action = Action::new(hub.clone(), merchant_id, key.0, id, "card", &(number, &body))?;
    let raw = RawCard {
        number: body.card.number.0.clone(),
        month: body.card.expires_month.to_string(),
        year: body.card.expires_year.to_string(),
        security_code: Zeroizing::new(body.card.security_code.0.trim().to_owned()),
    };
    let work = async move {
        match hub.change_card(merchant_id, id, &raw, &caller.actor).await {
            Err(PersonError::Invalid(problems)) => {
                Err(PersonError::Invalid(problems.into_iter().map(renamed).collect()))
            }
            other => other,
        }
    };
    action.answer(work).await
}

/// The hub speaks of cards in the CRM's words; here is the path in the request.
fn renamed(wrong: Wrong) -> Wrong {
    let field = match wrong.field.as_str() {
        "cardNumber" => "card.number",
        "cardMonth" => "card.expires_month",
        "cardYear" => "card.expires_year",
        "cardSecurityCode" => "card.security_code",
        other => other,
    };
    Wrong { field: field.to_owned(), message: wrong.message }
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(card))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({"card": {"number": "4111111111111111", "expires_month": 12, "expires_year": 2030}})]
}
