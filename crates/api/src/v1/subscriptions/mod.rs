//! Subscriptions: the continuity of one product, with the attempt plan of its bills.

mod acting;
mod batch;
mod bill;
mod cancel;
mod card;
mod change;
mod get;
mod history;
mod list;
mod pause;
mod plan;
mod product;
mod reactivate;
mod shown;
mod trial;

pub(crate) use shown::SubscriptionStatus;

use hub::Hub;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

/// Their routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(batch::routes())
        .merge(get::routes())
        .merge(change::routes())
        .merge(pause::routes())
        .merge(cancel::routes())
        .merge(reactivate::routes())
        .merge(bill::routes())
        .merge(product::routes())
        .merge(card::routes())
        .merge(trial::routes())
}

/// Examples for the description, by the names of their schemas.
pub(crate) fn samples() -> [(&'static str, Vec<Value>); 8] {
    [
        ("SubscriptionDetail", get::samples()),
        ("ChangeSubscription", change::samples()),
        ("BatchChange", batch::samples()),
        ("PauseSubscription", pause::samples()),
        ("CancelSubscription", cancel::samples()),
        ("SubscriptionNote", reactivate::samples()),
        ("ChangeProduct", product::samples()),
        ("ChangeCard", card::samples()),
    ]
}
