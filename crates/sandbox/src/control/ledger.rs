//! `GET /sandbox/v1/ledger`: every movement really made, oldest first; `?account=`, `?orderid=` narrow it.

use std::sync::Arc;

use axum::{Json, extract::RawQuery, extract::State};

use crate::{ledger::LedgerEntry, sandbox::Sandbox, transact::Fields};

pub(super) async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    RawQuery(query): RawQuery,
) -> Json<Vec<LedgerEntry>> {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let wants = |name: &str, actual: &str| fields.get(name).is_empty() || fields.get(name) == actual;
    let mut entries = sandbox.ledger();
    entries.retain(|entry| wants("account", &entry.account) && wants("orderid", &entry.orderid));
    Json(entries)
}
