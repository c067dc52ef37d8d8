//! Intake: orders per second, added latency, CPU and memory, beside the floor of the same rows without HTTP or rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use domain::ids::MerchantId;
use hub::Hub;
use secrecy::SecretString;
use storage::Store;
use storage::testing::TestDatabase;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use web::Shutdown;

use super::assembled::{fresh, hub_over, server_micros};
use super::counted::Counts;
use super::figures::{self, Figures};
use super::floor::Floor;
use super::load::{self, Load};
use super::shop::Shop;
use super::{Database, Options, in_a_process_of_its_own, stub, usage};

/// Callers of the throughput run.
const CALLERS: u32 = 32;
/// Throughput and floor are measured by turns, so that what else the machine does meets both alike.
const ROUNDS: u32 = 4;
/// Orders per second of the open-loop run.
const RATE: u32 = 500;
/// What the gateway takes in the open-loop run.
const GATEWAY_DELAY: Duration = Duration::from_millis(20);
const PASSWORD: &str = "bench-password-1";

/// Measures and prints.
pub(super) fn run(options: &Options) -> Result<()> {
    let rows: Result<Vec<Figures>> = options
        .databases()
        .map(|only| {
            let sizes = [("--orders", options.orders), ("--latency-secs", options.latency_secs)];
            let arguments: Vec<String> =
                sizes.into_iter().flat_map(|(name, size)| [name.to_owned(), size.to_string()]).collect();
            let words = in_a_process_of_its_own(options, only, &arguments)?;
            Figures::from_json(only, &words)
                .with_context(|| format!("the measurement on {only} printed: {words}"))
        })
        .collect();
    println!("{}", figures::table(&rows?));
    println!("{}", conditions(options));
    Ok(())
}

/// How it is measured, in words.
fn conditions(options: &Options) -> String {
    format!(
        "{} cores. Throughput: {CALLERS} callers, {} orders, a card each; hub, load and a fixed-answer gateway in one \
         process, the load on a thread of its own. Latency: {RATE} orders/s open loop, what is added to the \
         real time of a gateway that answers in {} ms. Floor: the same transactions without HTTP or rules, measured by turns with the throughput. \
         CPU, reads, transactions and their statements: per order.",
        std::thread::available_parallelism().map_or(0, usize::from),
        options.orders,
        GATEWAY_DELAY.as_millis()
    )
}

pub(super) async fn measure(options: &Options, only: Database) -> Result<Figures> {
    let home = fresh(only).await;
    let load = Arc::new(Load::start()?);
    let fast = stub::start(Duration::ZERO, &load).await?;
    let slow = stub::start(GATEWAY_DELAY, &load).await?;
    let bench = Bench::new(home.open().await, &fast.url, &slow.url, Arc::clone(&load)).await?;
    let mut figures = Figures { idle_kib: usage::resident_kib(), ..Figures::default() };
    bench.shop.closed_loop(1, CALLERS, CALLERS * 8, 0).await?;
    bench.throughput(options.orders, &home, &mut figures).await?;
    let mut waits = bench.shop.open_loop(2, RATE, options.latency_secs).await?;
    waits.sort_unstable();
    let gateway_micros = u64::try_from(slow.mean_delay().as_micros()).unwrap_or(u64::MAX);
    let at = |share: usize| {
        waits.get(waits.len() * share / 100).map_or(0, |wait| wait.saturating_sub(gateway_micros))
    };
    (figures.p50_micros, figures.p99_micros) = (at(50), at(99));
    bench.close().await;
    Ok(figures)
}

fn per_sec(count: u32, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    u64::from(count) * 1_000_000 / micros
}

struct Bench {
    hub: Hub,
    merchant: MerchantId,
    counts: Arc<Counts>,
    shop: Arc<Shop>,
    shutdown: Shutdown,
}

impl Bench {
    async fn new(store: Store, fast: &str, slow: &str, load: Arc<Load>) -> Result<Self> {
        let (hub, counts) = hub_over(&store)?;
        let merchant = hub.minter().mint();
        hub.create_merchant(merchant, "Bench").await?;
        let text =
            include_str!("../../../samples/bench.toml").replace("{fast}", fast).replace("{slow}", slow);
        let document = api::apply::parse(&text).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        api::apply::apply(&hub, merchant, &document, "bench", "bench").await?;
        api::auth::save_api_user(&hub, merchant, "bench", &SecretString::from(PASSWORD), &[]).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shop = Shop::new(&format!("http://{}", listener.local_addr()?), PASSWORD, load)?;
        let shutdown = Shutdown::new();
        let serving = web::serve(listener, crate::commands::serve::router(&hub), shutdown.requested());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = %error, "The hub stopped serving");
            }
        });
        Ok(Self { hub, merchant, counts, shop: Arc::new(shop), shutdown })
    }

    /// Orders and floor by turns.
    async fn throughput(&self, orders: u32, home: &TestDatabase, figures: &mut Figures) -> Result<()> {
        let floor = Arc::new(Floor::new(&self.hub, self.merchant).await?);
        let each = (orders / ROUNDS).max(1);
        let (mut took, mut floor_took) = (Duration::ZERO, Duration::ZERO);
        // Of the process, its load threads, the server, reads, transactions, statements.
        let (mut used, mut floor_used) = ([0_u64; 6], [0_u64; 6]);
        for round in 0..ROUNDS {
            let (before, started) = (self.used(home), Instant::now());
            self.shop.closed_loop(1, CALLERS, each, 1_000_000 + round * each).await?;
            took += started.elapsed();
            add(&mut used, before, self.used(home));
            let (before, started) = (self.used(home), Instant::now());
            run_floor(&floor, each).await?;
            floor_took += started.elapsed();
            add(&mut floor_used, before, self.used(home));
        }
        figures.resident_kib = usage::resident_kib();
        let count = each * ROUNDS;
        figures.orders_per_sec = per_sec(count, took);
        figures.floor_per_sec = per_sec(count, floor_took);
        let each = |sum: u64| sum / u64::from(count);
        let [process, load, server, reads, transactions, steps] = used;
        figures.hub_micros = each(process.saturating_sub(load));
        (figures.load_micros, figures.server_micros) = (each(load), each(server));
        figures.reads_per_100 = each(reads * 100);
        (figures.transactions_per_100, figures.steps_per_100) = (each(transactions * 100), each(steps * 100));
        let [process, _, server, ..] = floor_used;
        figures.floor_micros = each(process + server);
        Ok(())
    }

    fn used(&self, home: &TestDatabase) -> [u64; 6] {
        let [reads, transactions, steps] = self.counts.now();
        let load = usage::threads_micros(load::THREAD_NAME);
        [usage::process_micros(), load, server_micros(home), reads, transactions, steps]
    }

    async fn close(&self) {
        self.shutdown.request();
        self.hub.drain().await;
        self.hub.store().close().await;
    }
}

fn add(sums: &mut [u64; 6], before: [u64; 6], after: [u64; 6]) {
    for (sum, (before, after)) in sums.iter_mut().zip(before.into_iter().zip(after)) {
        *sum += after.saturating_sub(before);
    }
}

/// The same two transactions per order straight into the store, by as many callers.
async fn run_floor(floor: &Arc<Floor>, orders: u32) -> Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (floor, next) = (Arc::clone(floor), Arc::clone(&next));
        callers.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < orders {
                floor.one().await?;
            }
            Ok(())
        });
    }
    load::all_of(callers).await.map(|_: Vec<()>| ())
}
