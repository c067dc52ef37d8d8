//! `POST /sandbox/v1/cards` registers or replaces a pretend card; `GET` lists them, masked.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};

use super::problem::{self, Problem};
use crate::{issuer::CardView, sandbox::Sandbox};

pub(super) async fn put(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Json<CardView>, Problem> {
    Ok(Json(sandbox.put_card(problem::read(&body)?)?))
}

pub(super) async fn list(State(sandbox): State<Arc<Sandbox>>) -> Json<Vec<CardView>> {
    Json(sandbox.list_cards())
}
