//! Intake: orders per second, added latency, CPU and memory, beside the floor of the same rows without HTTP or rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use charging::Connections;
use comfy_table::{CellAlignment, Table};
use domain::Minter;
use domain::ids::MerchantId;
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{HttpRequest, Method, Transport};
use hub::Hub;
use providers::Catalogue;
use secrecy::SecretString;
use storage::Store;
use storage::testing::{On, TestDatabase};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use vault::{KeyRing, SystemEntropy, Vault};
use web::Shutdown;

use super::floor::Floor;
use super::{Options, stub};
use crate::clock::SystemClock;

/// Callers of the throughput run.
const CALLERS: u32 = 32;
/// Orders per second of the open-loop run.
const RATE: u32 = 500;
/// What the gateway takes in the open-loop run.
const GATEWAY_DELAY: Duration = Duration::from_millis(20);
/// What an order that was turned away counts as.
const FAILED_MICROS: u64 = 60_000_000;
const PASSWORD: &str = "bench-password-1";

struct Figures {
    database: &'static str,
    orders_per_sec: u64,
    floor_per_sec: u64,
    p50_micros: u64,
    p99_micros: u64,
    cpu_micros_per_order: u64,
    resident_kib: u64,
    idle_kib: u64,
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let mut rows = vec![measure(options, On::Sqlite, "SQLite").await?];
    if let Some(url) = &options.postgres {
        ensure!(
            std::env::var("RECOUP_TEST_POSTGRES").is_ok_and(|known| known == *url),
            "name the same server in RECOUP_TEST_POSTGRES"
        );
        rows.push(measure(options, On::Postgres, "PostgreSQL").await?);
    }
    println!("{}", table(&rows));
    println!(
        "{} cores; throughput: {CALLERS} callers, {} orders, hub, load and a fixed-answer gateway in one process; \
         latency: {RATE} orders/s open loop, what is added to a gateway that answers in {} ms; \
         floor: the same transactions without HTTP or rules.",
        std::thread::available_parallelism().map_or(0, usize::from),
        options.orders,
        GATEWAY_DELAY.as_millis()
    );
    Ok(())
}

async fn measure(options: &Options, on: On, database: &'static str) -> Result<Figures> {
    let home = TestDatabase::new(on).await;
    let fast = stub::start(Duration::ZERO).await?;
    let slow = stub::start(GATEWAY_DELAY).await?;
    let bench = Arc::new(Bench::new(home.open().await, &fast.url, &slow.url).await?);
    let idle_kib = resident_kib();
    bench.load(1, CALLERS * 8, 0).await?;
    let (cpu, started) = (cpu_micros(), Instant::now());
    bench.load(1, options.orders, 1_000_000).await?;
    let (took, cpu) = (started.elapsed(), cpu_micros().saturating_sub(cpu));
    let resident = resident_kib();
    let mut waits = bench.open_loop(2, options.latency_secs, 50_000_000).await?;
    waits.sort_unstable();
    let floor_per_sec = bench.floor(options.orders).await?;
    bench.close().await;
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or(0);
    Ok(Figures {
        database,
        orders_per_sec: per_sec(options.orders, took),
        floor_per_sec,
        p50_micros: at(50),
        p99_micros: at(99),
        cpu_micros_per_order: cpu / u64::from(options.orders.max(1)),
        resident_kib: resident,
        idle_kib,
    })
}

fn per_sec(count: u32, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    u64::from(count) * 1_000_000 / micros
}

struct Bench {
    hub: Hub,
    merchant: MerchantId,
    url: String,
    shop: HttpTransport,
    shutdown: Shutdown,
}

impl Bench {
    async fn new(store: Store, fast: &str, slow: &str) -> Result<Self> {
        let clock = Arc::new(SystemClock);
        let minter = Minter::new(clock, Arc::new(SystemEntropy));
        let vault = Arc::new(Vault::new(KeyRing::generate(&SystemClock, &SystemEntropy)));
        let limits = TimeLimits::default();
        let transport = Arc::new(HttpTransport::new(limits)?);
        let catalogue = Arc::new(Catalogue::new(transport, Arc::new(SystemClock), minter.clone()));
        let connections = Connections::new(catalogue, store.clone(), Arc::clone(&vault), false);
        let hub = Hub::new(charging::Charging::new(store, vault, connections, minter));
        let merchant = hub.minter().mint();
        hub.create_merchant(merchant, "Bench").await?;
        let text =
            include_str!("../../../samples/bench.toml").replace("{fast}", fast).replace("{slow}", slow);
        let document = api::apply::parse(&text).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        api::apply::apply(&hub, merchant, &document, "bench", "bench").await?;
        api::auth::save_api_user(&hub, merchant, "bench", &SecretString::from(PASSWORD), &[]).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/order/import/", listener.local_addr()?);
        let shutdown = Shutdown::new();
        let serving = web::serve(listener, crate::commands::serve::router(&hub), shutdown.requested());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = %error, "The hub stopped serving");
            }
        });
        Ok(Self { hub, merchant, url, shop: HttpTransport::new(limits)?, shutdown })
    }

    /// One import of campaign 1 (fast gateway) or 2 (slow gateway).
    async fn import(&self, campaign: u32, serial: u32) -> Result<()> {
        let (campaign, email) = (campaign.to_string(), format!("b{serial}@example.test"));
        let fields = [
            ("loginId", "bench"),
            ("password", PASSWORD),
            ("campaignId", &campaign),
            ("product1_id", &campaign),
            ("paySource", "CREDITCARD"),
            ("cardNumber", "4111111111111111"),
            ("cardMonth", "09"),
            ("cardYear", "2035"),
            ("cardSecurityCode", "123"),
            ("firstName", "Ann"),
            ("lastName", "Lee"),
            ("address1", "1 Main St"),
            ("city", "Austin"),
            ("state", "TX"),
            ("postalCode", "78701"),
            ("country", "US"),
            ("emailAddress", &email),
            ("ipAddress", "203.0.113.9"),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = HttpRequest {
            method: Method::Post,
            url: self.url.clone(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: body.into_bytes(),
        };
        let answer = self.shop.send(request).await.context("the hub did not answer")?;
        ensure!(answer.text().contains("\"SUCCESS\""), "an import failed: {}", answer.text());
        Ok(())
    }

    /// `orders` imports by [`CALLERS`] callers, each sending when the last answer came.
    async fn load(self: &Arc<Self>, campaign: u32, orders: u32, first: u32) -> Result<()> {
        let next = Arc::new(AtomicU32::new(0));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (bench, next) = (Arc::clone(self), Arc::clone(&next));
            callers.spawn(async move {
                loop {
                    let serial = next.fetch_add(1, Ordering::Relaxed);
                    if serial >= orders {
                        return Ok(());
                    }
                    bench.import(campaign, first + serial).await?;
                }
            });
        }
        ended(callers).await.map(|_| ())
    }

    /// Imports at a fixed rate whatever the answers do; what each took beyond the gateway's delay, microseconds.
    async fn open_loop(self: &Arc<Self>, campaign: u32, secs: u32, first: u32) -> Result<Vec<u64>> {
        let started = Instant::now();
        let mut orders = JoinSet::new();
        for serial in 0..RATE * secs {
            let bench = Arc::clone(self);
            let due = Duration::from_micros(u64::from(serial) * 1_000_000 / u64::from(RATE));
            orders.spawn(async move {
                #[expect(clippy::disallowed_methods, reason = "a load generator waits for its next moment")]
                tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
                let sent = started.elapsed().max(due);
                if bench.import(campaign, first + serial).await.is_err() {
                    // Turned away or failed: counts as the worst.
                    return Ok(FAILED_MICROS);
                }
                let took = started.elapsed().saturating_sub(sent).saturating_sub(GATEWAY_DELAY);
                Ok(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
            });
        }
        ended(orders).await
    }

    /// The same two transactions per order straight into the store, by as many callers.
    async fn floor(&self, orders: u32) -> Result<u64> {
        let prepared = Arc::new(Floor::new(&self.hub, self.merchant).await?);
        let next = Arc::new(AtomicU32::new(0));
        let started = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (prepared, next) = (Arc::clone(&prepared), Arc::clone(&next));
            callers.spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < orders {
                    prepared.one().await?;
                }
                Ok(())
            });
        }
        ended(callers).await?;
        Ok(per_sec(orders, started.elapsed()))
    }

    async fn close(&self) {
        self.shutdown.request();
        self.hub.drain().await;
        self.hub.store().close().await;
    }
}

/// Waits for all of them.
async fn ended<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.context("a caller ended badly")??);
    }
    Ok(results)
}

/// Processor time of this process so far, microseconds; 0 where the system does not tell.
fn cpu_micros() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    ticks * 10_000
}

/// Resident memory of this process, KiB; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn table(rows: &[Figures]) -> Table {
    let mut table = Table::new();
    table.set_header([
        "database",
        "orders/s",
        "floor orders/s",
        "of the floor",
        "added p50",
        "added p99",
        "CPU per order",
        "resident",
        "idle",
    ]);
    for row in rows {
        let percent = row.orders_per_sec * 100 / row.floor_per_sec.max(1);
        table.add_row([
            row.database.to_owned(),
            row.orders_per_sec.to_string(),
            row.floor_per_sec.to_string(),
            format!("{percent} %"),
            format!("{} µs", row.p50_micros),
            format!("{} µs", row.p99_micros),
            format!("{} µs", row.cpu_micros_per_order),
            format!("{} MiB", row.resident_kib / 1024),
            format!("{} MiB", row.idle_kib / 1024),
        ]);
    }
    for column in 1..9 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
