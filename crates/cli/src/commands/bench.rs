//! `recoup bench`: measured figures beside floors measured in the same run.

mod assembled;
mod card;
mod counted;
mod figures;
mod floor;
mod intake;
mod load;
mod rebills;
mod shop;
mod stub;
mod usage;

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

/// Where the databases for tests learn their PostgreSQL server's address.
const SERVER_VARIABLE: &str = "RECOUP_TEST_POSTGRES";

/// A database to measure on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

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

    /// Numbers of subscriptions of the rebill runs
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    sizes: Vec<u32>,

    /// Numbers of merchants that they are spread over
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10_000])]
    merchants: Vec<u32>,

    /// Subscriptions that are due in each rebill run
    #[arg(long, default_value_t = 10_000)]
    due: u32,

    /// Seed subscriptions that only wait without orders, payments, attempts and cards: a fifth of the disk space
    #[arg(long)]
    lean: bool,

    /// Leave out the two rebill runs that compare memory
    #[arg(long)]
    skip_memory: bool,

    /// Measure this database in this very process, and print JSON
    #[arg(long, hide = true)]
    only: Option<Database>,

    /// Leave out the floor
    #[arg(long, hide = true)]
    without_floor: bool,
}

impl Options {
    /// SQLite, and PostgreSQL when a server is named.
    fn databases(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("sqlite").chain(self.postgres.as_ref().map(|_| "postgres"))
    }
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    match (options.name.as_str(), options.only) {
        ("intake", Some(only)) => println!("{}", intake::measure(&options, only).await?.to_json()),
        ("intake", None) => intake::run(&options)?,
        ("rebills", Some(only)) => {
            let rows = rebills::measure(&options, only).await?;
            let rows: Vec<Value> = rows.iter().map(rebills::Row::to_json).collect();
            println!("{}", Value::from(rows));
        }
        ("rebills", None) => rebills::run(&options)?,
        (other, _) => bail!("there is no benchmark {other:?}; there are intake and rebills"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures one database in a fresh process: what another run left in memory would count as this one's. What it printed.
fn in_a_process_of_its_own(options: &Options, only: &str, arguments: &[String]) -> Result<String> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let output = Command::new(program)
        .args(["bench", &options.name, "--only", only])
        .args(arguments)
        .envs(options.postgres.iter().map(|url| (SERVER_VARIABLE, url)))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the measurement")?;
    ensure!(output.status.success(), "the measurement on {only} ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
