//! `recoup reconcile`: our attempts beside the gateways' own books.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use domain::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::clock::SystemClock;
use crate::commands::serve::Limits;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// Read the books of so many days
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(i64).range(1..=90))]
    days: i64,

    /// Let automatic charging go on after a restored backup although something does not fit; say what you found out
    #[arg(long, value_name = "NOTE")]
    lift: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    limits: Limits,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    options.place.require_database()?;
    let assembled =
        crate::assemble::assemble(&options.place, Arc::new(SystemClock), options.limits.http()).await?;
    let charging = assembled.charging;
    let window = SignedDuration::from_hours(options.days.saturating_mul(24));
    let since = SystemClock.now().checked_sub(window).unwrap_or(Timestamp::MIN);
    let found = charging.reconcile_since(since).await?;
    let mut lifted = false;
    if let Some(note) = &options.lift {
        if note.trim().is_empty() {
            bail!("--lift needs a note: say what you found out");
        }
        lifted = charging.lift_hold("operator (CLI)", note.trim()).await?;
    }
    charging.store.close().await;
    if options.json {
        println!(
            "{}",
            serde_json::json!({
                "approvals": found.approvals,
                "unknown": found.unknown,
                "contradicting": found.contradicting,
                "unasked": found.unasked,
                "hold_lifted": lifted,
            })
        );
    } else {
        println!("{} approvals in the gateways' books of {} days.", found.approvals, options.days);
        println!("{} unknown to us, {} contradicting an attempt.", found.unknown, found.contradicting);
        for words in &found.unasked {
            println!("Not asked: {words}");
        }
        if lifted {
            println!("Automatic charging goes on.");
        }
        if !found.is_clean() {
            println!("What does not fit is among the open alerts; look each one up at the gateway.");
        }
    }
    Ok(if found.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
