//! The simulation: built as a release, played on all cores.

use std::process::ExitCode;

use anyhow::Result;

use crate::shell;

/// What is played.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Print every call
    #[arg(long)]
    trace: bool,
    /// Plant every known bug in turn, and play seeds until it is found
    #[arg(long)]
    planted: bool,
    /// Play on a PostgreSQL server, at an address of any database of it; default: SQLite files
    #[arg(long)]
    postgres: Option<String>,
}

/// Builds and plays it.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let (seeds, first) = (options.seeds.to_string(), options.first_seed.to_string());
    let mut command = shell::cargo(&["run", "-q", "--release", "-p", "recoup-simulation", "--"]);
    command.args(["--seeds", &seeds, "--first-seed", &first]);
    if options.trace {
        command.arg("--trace");
    }
    if options.planted {
        command.arg("--planted");
    }
    if let Some(server) = &options.postgres {
        command.args(["--postgres", server]);
    }
    shell::hand_over(&mut command)
}
