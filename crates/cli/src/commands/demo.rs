//! `recoup demo`: hub, platform and sandbox in one process on one clock, over real loopback HTTP.

mod members;
mod quarter;
mod report;
mod setup;
mod storefront;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use charging::Driver;
use clap::Args;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use setup::Stage;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Play the day, check every invariant, and end
    #[arg(long)]
    once: bool,

    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,

    /// Folder for the three databases; default: a fresh one that is removed at the end
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Time between two orders of the day, minutes.
const MINUTES_APART: i64 = 20;
/// Time after the last order in which everything in doubt is resolved, hours.
const HOURS_AFTER: i64 = 3;

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let stage = setup::stage(options.data).await?;
    let day = storefront::day();
    for (at, order) in day.iter().enumerate() {
        stage.clock.advance(SignedDuration::from_mins(MINUTES_APART));
        order.play(&stage).await.with_context(|| format!("order {} of the day was not played", at + 1))?;
        stage.work().await?;
    }
    for _ in 0..HOURS_AFTER * 6 {
        stage.clock.advance(SignedDuration::from_mins(10));
        stage.work().await?;
    }
    quarter::play(&stage).await?;
    let report = report::report(&stage).await?;
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
        println!("{}", stage.addresses());
    }
    let healthy = report.is_healthy();
    if options.once {
        stage.close().await;
    } else {
        serve(stage).await?;
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes on serving until Ctrl-C.
async fn serve(stage: Stage) -> Result<()> {
    let stop = web::shutdown::signal()?;
    let ending = CancellationToken::new();
    let poll = Duration::from_secs(1);
    let working = [
        tokio::spawn(stage.hub.clone().run_billing(poll, ending.clone())),
        tokio::spawn(std::sync::Arc::clone(&stage.platform).run(poll, ending.clone())),
    ];
    let drivers = [
        Driver::new(stage.hub.charging().clone(), stage.hub.aftermath()),
        Driver::new(stage.rescue.clone(), stage.platform.consequences()),
    ];
    let drive = |one: Driver| {
        let ending = ending.clone();
        tokio::spawn(async move { one.run("demo", poll, ending).await })
    };
    let driving: Vec<_> = drivers.into_iter().map(drive).collect();
    println!("Serving until Ctrl-C.");
    stop.await;
    ending.cancel();
    for one in driving.into_iter().chain(working) {
        one.await.context("a driver ended badly")?;
    }
    stage.close().await;
    Ok(())
}
