//! `recoup migrate`: brings a database to this version's schema.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let _held = options.place.hold()?;
    let store = options.place.open_store().await?;
    store.close().await;
    println!("The database has this version's schema.");
    Ok(ExitCode::SUCCESS)
}
