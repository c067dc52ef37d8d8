//! `recoup serve`: the hub.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use charging::Driver;
use clap::Args;
use gateways::http::TimeLimits;
use hub::Hub;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// The address to serve on
    #[arg(long, env = "RECOUP_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,

    #[command(flatten)]
    limits: Limits,
}

/// Time limits of calls to gateways.
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Limits {
    /// Seconds to connect to a gateway, TLS included
    #[arg(long, env = "RECOUP_CONNECT_SECS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    connect_secs: u64,

    /// Seconds for a whole call to a gateway
    #[arg(long, env = "RECOUP_CALL_SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=120))]
    call_secs: u64,

    /// Seconds between looks for due work
    #[arg(long, env = "RECOUP_POLL_SECS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    poll_secs: u64,
}

impl Limits {
    pub(crate) fn http(self) -> TimeLimits {
        TimeLimits { connect_secs: self.connect_secs, total_secs: self.call_secs }
    }

    pub(crate) fn poll(self) -> Duration {
        Duration::from_secs(self.poll_secs)
    }
}

/// Everything the hub serves.
pub(crate) fn router(hub: &Hub) -> axum::Router {
    let calls = api::crm::router(hub.clone(), api::crm::Settings::default());
    let whole = web::fallbacks(calls.merge(api::v1::router(hub.clone())));
    api::crm::envelope(web::layers(whole, web::Limits::default()))
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let (hub, _held) =
        crate::assemble::hub(&options.place, Arc::new(SystemClock), options.limits.http()).await?;
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    if hub.store().list_merchants().await?.is_empty() {
        println!("There is no merchant yet: stop, and run `recoup apply FILE` and `recoup user add LOGIN`.");
    }
    if let Some(words) = crate::assemble::hold_after_restore(hub.store(), &SystemClock).await? {
        println!("Automatic charging is held {words}. Orders are taken; look at `recoup doctor` first.");
    }
    println!("Hub on http://{}", listener.local_addr()?);
    let stop = web::shutdown::signal()?;
    let ending = CancellationToken::new();
    let driver = Driver::new(hub.charging().clone(), hub.aftermath());
    let driving = {
        let (poll, ending) = (options.limits.poll(), ending.clone());
        tokio::spawn(async move { driver.run("hub", poll, ending).await })
    };
    web::serve(listener, router(&hub), stop).await?;
    ending.cancel();
    hub.drain().await;
    driving.await.context("the driver ended badly")?;
    hub.store().close().await;
    Ok(ExitCode::SUCCESS)
}
