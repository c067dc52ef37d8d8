//! `recoup alerts`: what waits for a person, in the hub's database or the platform's.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use domain::ids::MerchantId;
use storage::alerts::Alert;

use crate::place::Place;

/// Most alerts of one merchant that are shown.
const SHOWN_MAX: i64 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// One merchant or account of the platform; default: all
    #[arg(long)]
    merchant: Option<MerchantId>,

    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Only reads, so a running server does not stand in the way.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    options.place.require_database()?;
    let store = options.place.open_store().await?;
    let merchants = match options.merchant {
        Some(_) => vec![super::user::merchant_of(&store, options.merchant).await?],
        None => store.list_merchants().await?.into_iter().map(|one| one.id).collect(),
    };
    let mut all = Vec::new();
    for merchant in merchants {
        all.extend(store.list_open_alerts(merchant, SHOWN_MAX).await?);
    }
    store.close().await;
    if options.json {
        let shown: Vec<serde_json::Value> = all.iter().map(json).collect();
        println!("{}", serde_json::Value::Array(shown));
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        println!("Nothing waits for a person.");
    }
    for alert in &all {
        let about = alert.attempt_id.map(|id| format!(" {id}")).unwrap_or_default();
        println!("{} {} {}{about}\n    {}", alert.created_at, alert.merchant_id, alert.kind, alert.words);
    }
    Ok(ExitCode::SUCCESS)
}

fn json(alert: &Alert) -> serde_json::Value {
    serde_json::json!({
        "id": alert.id.to_string(),
        "merchant": alert.merchant_id.to_string(),
        "kind": alert.kind,
        "order": alert.order_id.map(|id| id.to_string()),
        "attempt": alert.attempt_id.map(|id| id.to_string()),
        "words": alert.words,
        "created_at": alert.created_at.to_string(),
    })
}
