//! Shows a subscription with its attempt plan.

use axum::extract::State;
use hub::Hub;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Problem};

use super::acting::id_of;
use super::shown::SubscriptionDetail;
use crate::v1::auth::{Caller, Read};
use crate::v1::errors;

/// Shows one subscription: terms, the attempts of the current bill, what is held back, the steps to come, paid cycles.
#[utoipa::path(get, path = "/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "As it stands.", body = SubscriptionDetail)))]
async fn get(
    State(hub): State<Hub>,
    caller: Caller<Read>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionDetail>, Problem> {
    let found = hub.store().find_subscription(caller.merchant_id, id_of(&id)?).await;
    let found = found.map_err(errors::store)?.ok_or_else(Problem::not_found)?;
    SubscriptionDetail::load(&hub, found).await.map(Json).map_err(errors::hub)
}

/// Its route.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    let usd = |minor: i64| json!({"amount_minor": minor, "currency": "USD"});
    let (own, salvage) = ("gtw_01kaj3v0w0e5tbs6h8p6c9x1aa", "gtw_01kaj3v0w0e5tbs6h8p6c9x1bb");
    vec![json!({
        "id": "sub_01kaj4c2m0f6ys0d1k7n3q9z2w",
        "customer_id": "cus_01kaj4c2jwe5tbs6h8p6c9x1cc",
        "order_id": "ord_01kaj4c2jwe5tbs6h8p6c9x1dd",
        "campaign_id": "cmp_01kaj3v0w0e5tbs6h8p6c9x1ee",
        "product_id": "prd_01kaj3v0w0e5tbs6h8p6c9x1ff",
        "product_number": 8,
        "product_name": "Vitamin C, monthly",
        "sku": "VC-30",
        "quantity": 1,
        "status": "recycle_billing",
        "stop_reason": "",
        "gateway_id": own,
        "card_id": "crd_01kaj4c2jwe5tbs6h8p6c9x1gg",
        "cycle": 2,
        "slot": 3,
        "next_bill_at": "2026-12-30T14:00:00Z",
        "next_amount": usd(2999),
        "held": "",
        "terms": {
            "plan": {
                "cycles": [
                    {"delay_days": 14, "price": usd(495), "shipping": usd(0)},
                    {"delay_days": 30, "price": usd(2999), "shipping": usd(0)}
                ],
                "trial": "standard",
                "persistent_rebill_day": false,
                "ships_once": false
            },
            "price_once": false
        },
        "created_at": "2026-11-22T15:00:00Z",
        "updated_at": "2026-12-27T14:00:03Z",
        "card": {"brand": "visa", "bin": "411111", "last_four": "1111", "expires": "2030-12"},
        "attempt_plan": {
            "cycle": 3,
            "amount": usd(2999),
            "payment_state": "declined",
            "attempts": [],
            "next": [
                {"slot": 3, "at": "2026-12-30T14:00:00Z", "amount": usd(2999), "gateway_id": own,
                 "gateway_number": 1, "is_handed_over": false},
                {"slot": 4, "at": "2027-01-02T14:00:00Z", "amount": usd(2399), "gateway_id": salvage,
                 "gateway_number": 17, "is_handed_over": true}
            ],
            "then": "If the salvage gateway cannot recover it by its deadline, nothing tries any more."
        },
        "history": []
    })]
}
