//! What can be typed.

use clap::{Parser, Subcommand};

use crate::commands;

/// Recovers declined card payments: hub, platform and sandbox in one binary.
#[derive(Debug, Parser)]
#[command(name = "recoup", version, about, max_term_width = 110)]
pub(crate) struct Arguments {
    /// What is logged to the standard error stream, e.g. `info` or `recoup_hub=debug,warn`
    #[arg(long, global = true, env = "RECOUP_LOG", default_value = "warn")]
    pub(crate) log: String,

    /// Log one JSON object per line
    #[arg(long, global = true, env = "RECOUP_LOG_JSON")]
    pub(crate) log_json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the hub: take orders, charge them, cascade declines
    Serve(commands::serve::Options),
    /// Run the recovery platform: FlexFactor's API over its own acquirers
    Platform(commands::platform::Options),
    /// Run the sandbox: a pretend acquirer that speaks the NMI protocol
    Sandbox(commands::sandbox::Options),
    /// Play a day of orders through hub, platform and sandbox on this machine, and keep serving
    Demo(commands::demo::Options),
    /// Bring the configuration to what a TOML file says: show the plan, then apply it
    Apply(commands::apply::Options),
    /// Make users of the CRM-compatible API and keys of the native API
    User(commands::user::Options),
    /// Show and rotate the keys that seal cards and credentials
    Keys(commands::keys::Options),
    /// Show what waits for a person
    Alerts(commands::alerts::Options),
    /// Say what a gateway shows about an attempt, capture, void or refund that is in doubt
    Resolve(commands::resolve::Options),
    /// Compare our attempts with the gateways' own books
    Reconcile(commands::reconcile::Options),
    /// Check every invariant over a database
    Doctor(commands::doctor::Options),
    /// Bring a database to this version's schema
    Migrate(commands::migrate::Options),
    /// Print the OpenAPI document of the native API
    Openapi,
    /// Measure
    #[command(hide = true)]
    Bench(commands::bench::Options),
}
