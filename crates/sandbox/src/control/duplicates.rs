//! `PUT /sandbox/v1/duplicates` sets how one account, or every account, checks for duplicates.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode};
use serde::Deserialize;

use super::problem::{self, Problem};
use crate::{
    duplicates::{DuplicateMode, DuplicateRule},
    sandbox::Sandbox,
};

/// A rule and whom it is for. What is absent is as by default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    mode: DuplicateMode,
    #[serde(default)]
    window_secs: Option<u32>,
    #[serde(default)]
    override_allowed: Option<bool>,
    #[serde(default)]
    account: Option<String>,
}

pub(super) async fn set(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<StatusCode, Problem> {
    let request: Request = problem::read(&body)?;
    let usual = DuplicateRule::default();
    let rule = DuplicateRule {
        mode: request.mode,
        window_secs: request.window_secs.unwrap_or(usual.window_secs),
        override_allowed: request.override_allowed.unwrap_or(usual.override_allowed),
    };
    sandbox.set_duplicates(request.account.as_deref(), rule)?;
    Ok(StatusCode::NO_CONTENT)
}
