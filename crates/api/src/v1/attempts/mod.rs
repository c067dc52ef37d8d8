//! Attempts: one request to one gateway to collect a payment.

mod get;
mod list;
mod resolve;
mod shown;

pub(crate) use resolve::samples as resolve_samples;
pub(crate) use shown::Attempt;

use hub::Hub;
use utoipa_axum::router::OpenApiRouter;

/// Their routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().merge(get::routes()).merge(list::routes()).merge(resolve::routes())
}
