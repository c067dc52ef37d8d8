#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line: what it prints is its purpose"
)]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod arguments;
mod commands;

mod assemble;
mod background;
mod place;

mod clock;
mod logging;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start(&arguments.log, arguments.log_json);
    let done = match arguments.command {
        Command::Serve(options) => commands::serve::run(options).await,
        Command::Platform(options) => commands::platform::run(options).await,
        Command::Sandbox(options) => commands::sandbox::run(options).await,
        Command::Demo(options) => commands::demo::run(options).await,
        Command::Apply(options) => commands::apply::run(options).await,
        Command::User(options) => commands::user::run(options).await,
        Command::Keys(options) => commands::keys::run(options).await,
        Command::Resolve(options) => commands::resolve::run(options).await,
        Command::Alerts(options) => commands::alerts::run(options).await,
        Command::Doctor(options) => commands::doctor::run(options).await,
        Command::Reconcile(options) => commands::reconcile::run(options).await,
        Command::Migrate(options) => commands::migrate::run(options).await,
        Command::Openapi => Ok(commands::openapi::run()),
        Command::Bench(options) => commands::bench::run(options).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
