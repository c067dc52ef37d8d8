//! Rebills: how fast everything due is billed while more and more subscriptions wait, beside the floor of the same rows.

mod copies;
mod floor;
mod pattern;
mod row;
mod seed;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hub::Hub;
use serde_json::Value;
use storage::testing::TestDatabase;

use self::floor::Floor;
use self::pattern::Pattern;
pub(super) use self::row::Row;
use self::seed::Seed;
use super::assembled::{fresh, hub_over, server_micros};
use super::counted::Counts;
use super::load::{self, Load};
use super::stub::Stub;
use super::{Database, Options, in_a_process_of_its_own, stub, usage};

/// Due rebills of the two runs that show that memory does not grow with what is due.
const MEMORY: [u32; 2] = [1_000, 100_000];

/// Measures and prints.
pub(super) fn run(options: &Options) -> Result<()> {
    let mut rows = Vec::new();
    for only in options.databases() {
        for merchants in &options.merchants {
            let sizes: Vec<String> = options.sizes.iter().map(ToString::to_string).collect();
            rows.extend(child(options, only, *merchants, &sizes.join(","), options.due, false)?);
        }
        for due in MEMORY.into_iter().filter(|_| !options.skip_memory) {
            rows.extend(child(options, only, 1, &due.to_string(), due, true)?);
        }
    }
    println!("{}", row::table(&rows));
    println!("{}", conditions());
    Ok(())
}

fn child(
    options: &Options,
    only: &str,
    merchants: u32,
    sizes: &str,
    due: u32,
    without_floor: bool,
) -> Result<Vec<Row>> {
    let mut arguments =
        vec!["--merchants".to_owned(), merchants.to_string(), "--due".to_owned(), due.to_string()];
    arguments.extend(["--sizes".to_owned(), sizes.to_owned()]);
    arguments.extend(options.lean.then(|| "--lean".to_owned()));
    arguments.extend(without_floor.then(|| "--without-floor".to_owned()));
    let words = in_a_process_of_its_own(options, only, &arguments)?;
    let database = if only == "sqlite" { "SQLite" } else { "PostgreSQL" };
    let known: Vec<Value> = serde_json::from_str(&words).unwrap_or_default();
    let rows: Option<Vec<Row>> = known.iter().map(|row| Row::from_json(database, row)).collect();
    rows.filter(|rows| !rows.is_empty())
        .with_context(|| format!("the measurement on {only} printed: {words}"))
}

/// How it is measured, in words.
fn conditions() -> String {
    format!(
        "{} cores. Each row: everything due is billed, hub and a fixed-answer gateway in one process, the gateway on a \
         thread of its own; then the floor drains as many again: the same transactions without reads, rules, vault or \
         gateway. CPU, reads, transactions and their statements: per rebill. A process per database and number of \
         merchants.",
        std::thread::available_parallelism().map_or(0, usize::from),
    )
}

/// All sizes of one database and number of merchants, smallest first.
pub(super) async fn measure(options: &Options, only: Database) -> Result<Vec<Row>> {
    let home = fresh(only).await;
    let load = Load::start()?;
    let gateway = stub::start(Duration::ZERO, &load).await?;
    let (hub, counts) = hub_over(&home.open().await)?;
    let pattern = Arc::new(Pattern::new(&hub, &gateway.url).await?);
    let merchants = options.merchants.first().copied().unwrap_or(1).max(1);
    let seed = Seed::new(&hub, &pattern, merchants, options.lean).await?;
    let mut bench = Bench { hub, counts, pattern, seed, gateway, home };
    let mut sizes = options.sizes.clone();
    sizes.sort_unstable();
    let mut rows = Vec::new();
    for size in sizes {
        rows.push(bench.row(size, merchants, options).await?);
    }
    bench.hub.drain().await;
    bench.hub.store().close().await;
    Ok(rows)
}

struct Bench {
    hub: Hub,
    counts: Arc<Counts>,
    pattern: Arc<Pattern>,
    seed: Seed,
    gateway: Stub,
    home: TestDatabase,
}

impl Bench {
    async fn row(&mut self, size: u32, merchants: u32, options: &Options) -> Result<Row> {
        let due = options.due;
        let more = size.saturating_sub(due).saturating_sub(self.seed.count());
        self.seed.add_waiting(&self.pattern, more).await?;
        self.seed.add_due(&self.pattern, due).await?;
        let mut row = Row {
            merchants: merchants.into(),
            subscriptions: self.seed.count().into(),
            due: due.into(),
            before_kib: usage::resident_kib(),
            ..Row::default()
        };
        usage::forget_peak();
        let (before, answers, started) = (self.used(), self.gateway.answers(), Instant::now());
        while self.hub.sweep_subscriptions().await?.subscriptions > 0 {}
        row.per_sec = per_sec(due, started.elapsed());
        row.peak_kib = usage::peak_kib();
        let left = self.hub.store().count_due_subscriptions(self.hub.minter().now()).await?;
        let charged = self.gateway.answers() - answers;
        ensure!(left == 0 && charged == u64::from(due), "{left} are left, {charged} were charged of {due}");
        let each = |sum: u64| sum / u64::from(due.max(1));
        let [process, load, server, reads, transactions, steps] = since(before, self.used());
        row.hub_micros = each(process.saturating_sub(load));
        (row.server_micros, row.load_micros) = (each(server), each(load));
        (row.reads_per_100, row.transactions_per_100) = (each(reads * 100), each(transactions * 100));
        row.steps_per_100 = each(steps * 100);
        if !options.without_floor {
            self.floor(due, &mut row).await?;
        }
        Ok(row)
    }

    async fn floor(&mut self, due: u32, row: &mut Row) -> Result<()> {
        self.seed.add_due(&self.pattern, due).await?;
        let floor = Floor::new(&self.hub, &self.pattern);
        let (before, started) = (self.used(), Instant::now());
        let drained = floor.drain().await?;
        row.floor_per_sec = per_sec(due, started.elapsed());
        ensure!(u32::try_from(drained)? == due, "the floor drained {drained} of {due}");
        let [process, _, server, ..] = since(before, self.used());
        row.floor_micros = (process + server) / u64::from(due.max(1));
        Ok(())
    }

    /// Processor time of the process, of its load threads and of the server; reads, transactions, statements.
    fn used(&self) -> [u64; 6] {
        let [reads, transactions, steps] = self.counts.now();
        let load = usage::threads_micros(load::THREAD_NAME);
        [usage::process_micros(), load, server_micros(&self.home), reads, transactions, steps]
    }
}

fn per_sec(count: u32, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    u64::from(count) * 1_000_000 / micros
}

fn since(before: [u64; 6], after: [u64; 6]) -> [u64; 6] {
    let mut used = after;
    for (sum, before) in used.iter_mut().zip(before) {
        *sum = sum.saturating_sub(before);
    }
    used
}
