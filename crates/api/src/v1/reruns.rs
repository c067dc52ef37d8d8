//! Batches of reruns: begun, previewed, watched and cancelled (R109, R118).

mod begin;
mod cancel;
mod get;
mod items;
mod list;
mod preview;
mod request;
mod shown;

pub(crate) use request::{Wish, samples, skipped};

use hub::Hub;
use utoipa_axum::router::OpenApiRouter;

/// Their routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .merge(begin::routes())
        .merge(preview::routes())
        .merge(list::routes())
        .merge(get::routes())
        .merge(items::routes())
        .merge(cancel::routes())
}
