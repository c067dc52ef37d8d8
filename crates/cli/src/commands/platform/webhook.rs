//! `recoup platform webhook`: where the events of an account are sent.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use domain::ids::MerchantId;
use gateways::http::TimeLimits;
use platform::Settings;
use storage::Store;
use uuid::Uuid;

use super::platform_over;
use crate::clock::SystemClock;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// The account's MID, a GUID; may be left out when there is one account
    #[arg(long)]
    mid: Option<Uuid>,

    /// Where its events are sent from now on: https://, or http:// on this machine. Left out: only shown
    url: Option<String>,

    /// Send its events nowhere
    #[arg(long, conflicts_with = "url")]
    none: bool,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let clock = Arc::new(SystemClock);
    let assembled = crate::assemble::assemble(&options.place, clock, TimeLimits::default()).await?;
    let store = assembled.charging.store.clone();
    let mid = account_of(&store, options.mid).await?;
    if options.none || options.url.is_some() {
        // The account's settings are the same in the sandbox.
        let role = platform_over(&assembled.charging, Settings::production());
        role.set_webhook_url(mid, options.url.as_deref()).await.context("nothing was changed")?;
    }
    let account = store.find_platform_account(mid).await?.context("the account is gone")?;
    match account.webhook_url {
        Some(url) => println!("The events of account {} are sent to {url}", mid.uuid()),
        None => println!("The events of account {} are sent nowhere", mid.uuid()),
    }
    store.close().await;
    drop(assembled.held);
    Ok(ExitCode::SUCCESS)
}

/// The account named, or the only one.
async fn account_of(store: &Store, named: Option<Uuid>) -> Result<MerchantId> {
    let mut all = Vec::new();
    for merchant in store.list_merchants().await? {
        if store.find_platform_account(merchant.id).await?.is_some() {
            all.push(merchant);
        }
    }
    match (named, all.as_slice()) {
        (Some(mid), _) => match all.iter().find(|one| one.id.uuid() == mid) {
            Some(one) => Ok(one.id),
            None => {
                bail!("there is no account with the MID {mid} here; check --mid, and --data or --database")
            }
        },
        (None, [one]) => Ok(one.id),
        (None, []) => bail!("there is no account here; check --data or --database"),
        (None, several) => {
            let listed: Vec<String> =
                several.iter().map(|one| format!("{} ({})", one.id.uuid(), one.title)).collect();
            bail!("name one of several accounts by --mid: {}", listed.join(", "))
        }
    }
}
