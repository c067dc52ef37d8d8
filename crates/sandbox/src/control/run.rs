//! `POST /sandbox/v1/settle` settles all that waits; `POST /sandbox/v1/reset` forgets everything.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::problem::Problem;
use crate::sandbox::Sandbox;

/// What a settlement did.
#[derive(Serialize)]
pub(super) struct Settled {
    /// How many transactions settled.
    settled: usize,
}

pub(super) async fn settle(State(sandbox): State<Arc<Sandbox>>) -> Result<Json<Settled>, Problem> {
    Ok(Json(Settled { settled: sandbox.settle_all()? }))
}

pub(super) async fn reset(State(sandbox): State<Arc<Sandbox>>) -> Result<StatusCode, Problem> {
    sandbox.reset()?;
    Ok(StatusCode::NO_CONTENT)
}
