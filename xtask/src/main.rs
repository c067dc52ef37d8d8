#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for a terminal; its output is its purpose"
)]

mod gate;
mod nextest;
mod postgres;
mod recoup;
mod requirements;
mod shell;
mod simulate;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole gate: format, tidy, clippy, tests on both databases, documentation, demo
    Test(gate::Options),
    /// Serve a PostgreSQL for tests until Ctrl-C and print its address
    Postgres {
        /// Keep fsync and synchronous commit on, as benchmarks need
        #[arg(long)]
        durable: bool,
    },
    /// Check the rules that no compiler checks
    Tidy,
    /// Run the tests and list which requirements (R1 to R159, M1 to M36) they prove
    Requirements {
        /// Print one JSON object instead of a list
        #[arg(long)]
        json: bool,
    },
    /// Build Recoup and run its demo; arguments after `--` go to it
    Demo {
        /// Arguments of `recoup demo`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build a release and run a benchmark against durable databases; arguments after `--` go to it
    Bench {
        /// The benchmark
        #[arg(default_value = "intake")]
        name: String,
        /// Arguments of `recoup bench`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Play the whole system under faults, seed by seed, and check every invariant
    Simulate(simulate::Options),
    /// Write the served API's description to docs/openapi.json
    Openapi,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Test(options) => Ok(gate::run(&options)),
        Command::Postgres { durable } => postgres::serve(durable),
        Command::Tidy => tidy::run(),
        Command::Requirements { json } => requirements::run(json),
        Command::Demo { arguments } => recoup::demo(&arguments),
        Command::Bench { name, arguments } => recoup::bench(&name, &arguments),
        Command::Simulate(options) => simulate::run(&options),
        Command::Openapi => recoup::openapi(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
