//! `recoup bench`: measured figures beside floors measured in the same run.

mod floor;
mod intake;
mod stub;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which benchmark
    name: String,

    /// A PostgreSQL server to measure on as well: postgres://user@host:port/postgres
    #[arg(long)]
    postgres: Option<String>,

    /// Orders of the throughput run
    #[arg(long, default_value_t = 20_000)]
    orders: u32,

    /// Seconds of the open-loop latency run
    #[arg(long, default_value_t = 10)]
    latency_secs: u32,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    match options.name.as_str() {
        "intake" => intake::run(&options).await?,
        other => bail!("there is no benchmark {other:?}; there is intake"),
    }
    Ok(ExitCode::SUCCESS)
}
