//! `recoup platform`: FlexFactor's API over our own acquirers.

mod webhook;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use charging::{Charging, Driver};
use clap::{Args, Subcommand};
use platform::{Platform, Settings};
use tokio::net::TcpListener;

use crate::background::Background;
use crate::clock::SystemClock;
use crate::commands::serve::Limits;
use crate::place::Place;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,

    #[command(flatten)]
    place: Place,

    /// The address to serve on; the API is under /v1/
    #[arg(long, env = "RECOUP_PLATFORM_LISTEN", default_value = "127.0.0.1:8091")]
    listen: SocketAddr,

    /// The documented test triggers and the well-known account; no real money
    #[arg(long)]
    sandbox: bool,

    /// Take any amount in the sandbox, not only 0.11 to 199.99
    #[arg(long, requires = "sandbox")]
    any_amount: bool,

    /// Where the events of the sandbox's well-known account are sent: https://, or http:// on this machine
    #[arg(long, env = "RECOUP_PLATFORM_WEBHOOK_URL", requires = "sandbox")]
    webhook_url: Option<String>,

    /// Print the sandbox's well-known credentials as one JSON object, and end
    #[arg(long, requires = "sandbox")]
    print_credentials: bool,

    #[command(flatten)]
    limits: Limits,
}

/// What is done about an account instead of serving.
#[derive(Debug, Subcommand)]
enum Action {
    /// Show, set or clear where the events of an account are sent
    Webhook(webhook::Options),
}

/// The platform over the attempt protocol.
pub(crate) fn platform_over(charging: &Charging, settings: Settings) -> Arc<Platform> {
    let (vault, minter) = (Arc::clone(&charging.vault), charging.minter.clone());
    Arc::new(Platform::new(charging.clone(), vault, minter, settings))
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    if let Some(Action::Webhook(webhook)) = options.action {
        return webhook::run(webhook).await;
    }
    if options.print_credentials {
        println!("{}", serde_json::to_string(&platform::sandbox_credentials())?);
        return Ok(ExitCode::SUCCESS);
    }
    let settings = if options.sandbox {
        Settings {
            sandbox_amount_limits: !options.any_amount,
            sandbox_webhook_url: options.webhook_url,
            ..Settings::sandbox()
        }
    } else {
        Settings::production()
    };
    let clock = Arc::new(SystemClock);
    let assembled = crate::assemble::assemble(&options.place, clock, options.limits.http()).await?;
    let role = platform_over(&assembled.charging, settings);
    role.prepare().await.context("the sandbox's account cannot be made ready")?;
    if let Some(words) = charging::hold_after_restore(&assembled.charging.store, &SystemClock).await? {
        println!(
            "Work on recoveries is held {words}. The acquirers' books are compared first; see `recoup reconcile`."
        );
    }
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    println!("Platform on http://{}/v1/", listener.local_addr()?);
    let stop = web::shutdown::signal()?;
    let work = Background::default();
    let (poll, ending) = (options.limits.poll(), work.ending());
    let driver = Driver::new(assembled.charging.clone(), role.consequences());
    let driving = work.spawn(async move { driver.run("platform", poll, ending).await });
    let working = work.spawn(Arc::clone(&role).run(poll, work.ending()));
    let stop = work.stop_or_failure(stop);
    platform::serve(listener, role, stop).await?;
    work.end();
    driving.await.context("the driver ended badly")?;
    working.await.context("the work on managed recoveries ended badly")?;
    assembled.charging.store.close().await;
    drop(assembled.held);
    Ok(ExitCode::SUCCESS)
}
