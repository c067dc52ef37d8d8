//! Our own control API under `/sandbox/v1/`: cards, faults, duplicate rules, ledger, settlement, reset. JSON in and out.

mod cards;
mod duplicates;
mod faults;
mod ledger;
mod problem;
mod run;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post, put},
};

use crate::sandbox::Sandbox;

/// The control API's routes.
pub(crate) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/cards", post(cards::put).get(cards::list))
        .route("/faults", post(faults::add).get(faults::list).delete(faults::clear))
        .route("/duplicates", put(duplicates::set))
        .route("/ledger", get(ledger::list))
        .route("/settle", post(run::settle))
        .route("/reset", post(run::reset))
}
