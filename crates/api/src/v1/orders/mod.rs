//! Orders: what customers bought.

mod address;
mod cancel;
mod create;
mod get;
mod list;
mod refund;
mod request;
mod rerun;
mod shown;

pub(crate) use refund::{check_note, samples as refund_samples};
pub(crate) use request::{NewCard, samples};
pub(crate) use rerun::samples as rerun_samples;
pub(crate) use shown::CardShown;
pub(crate) use shown::Operation;

use hub::Hub;
use utoipa_axum::router::OpenApiRouter;

/// Their routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(create::routes())
        .merge(get::routes())
        .merge(refund::routes())
        .merge(rerun::routes())
        .merge(cancel::routes())
}
