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

use crate::background::Background;
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

    /// The host by which gateways send their reports, without a port, e.g. hooks.example.com: they sign it. Default: the
    /// host that a report names
    #[arg(long, env = "RECOUP_PUBLIC_HOST", value_parser = public_host)]
    public_host: Option<String>,
}

/// A host name or address, without scheme, port and path.
fn public_host(text: &str) -> Result<String, String> {
    let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = address.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if is_address || is_name {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("name the host only, e.g. hooks.example.com: no https://, no port, no path".to_owned())
    }
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

/// Everything the hub serves; reports are signed for the host that they name.
pub(crate) fn router(hub: &Hub) -> axum::Router {
    router_known_as(hub, None)
}

/// Everything the hub serves, where gateways know it by this host.
fn router_known_as(hub: &Hub, public_host: Option<String>) -> axum::Router {
    let calls = api::crm::router(hub.clone(), api::crm::Settings::default());
    let webhooks = api::webhooks::router(hub.clone(), api::webhooks::Settings { public_host });
    let whole = web::fallbacks(calls.merge(api::v1::router(hub.clone())).merge(webhooks));
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
    if let Some(words) = charging::hold_after_restore(hub.store(), &SystemClock).await? {
        println!("Automatic charging is held {words}. Orders are taken; look at `recoup doctor` first.");
    }
    println!("Hub on http://{}", listener.local_addr()?);
    let stop = web::shutdown::signal()?;
    let work = Background::default();
    let (poll, ending) = (options.limits.poll(), work.ending());
    let driver = Driver::new(hub.charging().clone(), hub.aftermath());
    let driving = work.spawn(async move { driver.run("hub", poll, ending).await });
    let billing = work.spawn(hub.clone().run_billing(poll, work.ending()));
    let stop = work.stop_or_failure(stop);
    web::serve(listener, router_known_as(&hub, options.public_host.clone()), stop).await?;
    work.end();
    hub.drain().await;
    driving.await.context("the driver ended badly")?;
    billing.await.context("the billing run ended badly")?;
    hub.store().close().await;
    Ok(ExitCode::SUCCESS)
}
