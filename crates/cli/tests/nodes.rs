//! Several nodes on one PostgreSQL: one is killed in the middle of a billing run, and every subscription is billed once.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use charging::{Charging, Connections};
use domain::ids::MerchantId;
use domain::{Clock, Minter};
use gateways::http::{HttpTransport, TimeLimits};
use hub::{Hub, Import, ImportAnswer, ImportLine, RawCard};
use jiff::{SignedDuration, Timestamp};
use providers::Catalogue;
use sandbox::{Fault, FaultKind, Movement, Sandbox};
use storage::subscriptions::{self, SubscriptionFilter};
use storage::testing::{On, TestDatabase};
use storage::{Location, Transaction};
use tokio::net::TcpListener;
use vault::{KeyRing, SystemEntropy, Vault};
use web::Shutdown;

/// Subscriptions that are due.
const DUE: u32 = 60;
/// Rebills after which the first node is killed.
const KILLED_AFTER: usize = 8;
/// How long the acquirer takes for a rebill: so that the kill falls into some.
const SLOW_MS: u64 = 120;
/// Looks for what the nodes have done, at most.
const LOOKS_MAX: u32 = 1_200;

/// The machine's clock, and the time by which a test is ahead of it.
#[derive(Debug, Default)]
struct AheadClock(AtomicI64);

impl Clock for AheadClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the nodes are real processes on the machine's clock")]
        let now = Timestamp::now().as_microsecond();
        Timestamp::from_microsecond(now).unwrap() + SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Waits for what other processes do.
#[expect(clippy::disallowed_methods, reason = "other processes tell nobody when they have done something")]
async fn look_again() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

fn good_card(serial: u32) -> String {
    let body = format!("455673{serial:09}");
    (0..10).map(|check| format!("{body}{check}")).find(|number| domain::card::luhn_holds(number)).unwrap()
}

fn node(url: &str, keys: &Path, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recoup"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--poll-secs", "1", "--database", url]);
    command.arg("--key-file").arg(keys).arg("--data").arg(folder);
    command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("a node starts")
}

/// A hub in this process, on the same database.
async fn hub_over(database: &TestDatabase, clock: &Arc<AheadClock>, ring: KeyRing) -> Hub {
    let store = database.open().await;
    let any: Arc<dyn Clock> = Arc::<AheadClock>::clone(clock);
    let minter = Minter::new(Arc::clone(&any), Arc::new(SystemEntropy));
    let vault = Arc::new(Vault::new(ring));
    let limits = TimeLimits { connect_secs: 5, total_secs: 20 };
    let transport = Arc::new(HttpTransport::new(limits).unwrap());
    let catalogue = Arc::new(Catalogue::new(transport, any, minter.clone()));
    let connections = Connections::new(catalogue, store.clone(), Arc::clone(&vault), false);
    Hub::new(Charging::new(store, vault, connections, minter))
}

async fn configure(hub: &Hub, sandbox_url: &str) -> MerchantId {
    let key = sandbox::credentials().security_key;
    let text = format!(
        r#"
[account]
title = "Shop"
[[gateways]]
number = 1
kind = "nmi"
title = "Main"
settings = {{ base_url = "{sandbox_url}", security_key = "{key}", duplicate_checks_order_id = "true" }}
[[campaigns]]
number = 1
title = "Tea"
currency = "USD"
products = [{{ number = 7, name = "Tea", billing = "recurring", price = {{ amount_minor = 1000, currency = "USD" }}, gateway = 1, is_shippable = true }}]
"#
    );
    let document = api::apply::parse(&text).unwrap();
    let merchant = hub.minter().mint();
    hub.create_merchant(merchant, "Shop").await.unwrap();
    api::apply::apply(hub, merchant, &document, "test", "").await.unwrap();
    merchant
}

fn sale(serial: u32) -> Import {
    Import {
        order_id: None,
        campaign_number: 1,
        lines: vec![ImportLine { product_number: 7, quantity: 1, price: None, shipping: None }],
        card: RawCard {
            number: good_card(serial).into(),
            month: "09".into(),
            year: "2031".into(),
            security_code: "123".to_owned().into(),
        },
        contact: domain::contact::Contact {
            email: format!("buyer{serial}@example.test"),
            ..Default::default()
        },
        sales_tax: String::new(),
        force_gateway: None,
        pre_auth_gateway: None,
        extra: Vec::new(),
    }
}

/// Net minor units that the acquirer took, by order id.
fn taken(sandbox: &Sandbox) -> BTreeMap<String, i64> {
    let mut net = BTreeMap::new();
    for entry in sandbox.ledger() {
        let minor = match entry.kind {
            Movement::Sale | Movement::Capture => entry.amount_minor.abs(),
            Movement::Void | Movement::Refund | Movement::Credit => -entry.amount_minor.abs(),
            Movement::Auth => 0,
        };
        *net.entry(entry.orderid.clone()).or_default() += minor;
    }
    net
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_in_the_middle_of_a_billing_run_leaves_every_subscription_billed_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::new(On::Postgres).await;
    let clock = Arc::new(AheadClock::default());
    let ring = KeyRing::generate(clock.as_ref(), &SystemEntropy);
    let keys = folder.path().join("keys.json");
    ring.save(&keys).unwrap();

    let shutdown = Shutdown::new();
    let any: Arc<dyn Clock> = Arc::<AheadClock>::clone(&clock);
    let sandbox = Arc::new(Sandbox::new(sandbox::Settings::default(), any).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(sandbox::serve(listener, Arc::clone(&sandbox), shutdown.requested()));

    let hub = hub_over(&database, &clock, ring).await;
    let merchant = configure(&hub, &sandbox_url).await;
    for serial in 0..DUE {
        match hub.import(merchant, sale(serial)).await.unwrap() {
            ImportAnswer::Order(view) => assert_eq!(view.payment_status(), "paid"),
            ImportAnswer::Refused(problems) => panic!("{problems:?}"),
        }
    }
    let all = SubscriptionFilter::default();
    let list = async || hub.store().list_subscriptions(merchant, &all, 1_000, 0).await.unwrap();
    for mut one in list().await {
        one.next_action_at = Some(clock.now());
        let due = Transaction::new("make_due").with(subscriptions::update(&one, None));
        hub.store().commit(due).await.unwrap();
    }
    let sold = taken(&sandbox).len();
    let slow = FaultKind::Slow { latency_ms: SLOW_MS };
    sandbox.add_fault(Fault { requests: Some(10_000), ..Fault::next(slow) }).unwrap();

    let Location::Postgres { url, .. } = database.location() else { panic!("PostgreSQL") };
    let mut first = node(url, &keys, &folder.path().join("one"));
    let mut second = node(url, &keys, &folder.path().join("two"));
    for _ in 0..LOOKS_MAX {
        if taken(&sandbox).len() >= sold + KILLED_AFTER {
            break;
        }
        look_again().await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    for _ in 0..LOOKS_MAX {
        if hub.store().count_due_subscriptions(clock.now()).await.unwrap() == 0 {
            break;
        }
        look_again().await;
    }
    second.kill().unwrap();
    second.wait().unwrap();
    sandbox.clear_faults();

    // Leases and intents of the dead are taken up when they are overdue.
    for _ in 0..12 {
        clock.0.fetch_add(600, Ordering::SeqCst);
        while !hub.pass().await.unwrap().is_idle() {}
    }
    let cycles: Vec<i64> = list().await.iter().map(|one| one.cycle).collect();
    assert_eq!(cycles, vec![2; usize::try_from(DUE).unwrap()]);
    let net = taken(&sandbox);
    let charged: Vec<i64> = net.values().copied().filter(|minor| *minor != 0).collect();
    assert_eq!(charged, vec![1_000; usize::try_from(DUE * 2).unwrap()], "two bills each, nothing twice");
    assert_eq!(hub.store().list_broken_invariants(&["flexfactor"]).await.unwrap().0, []);
    shutdown.request();
    hub.store().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_rotated_beside_a_server() {
    let (database, folder) = (TestDatabase::new(On::Postgres).await, tempfile::tempdir().unwrap());
    let Location::Postgres { url, .. } = database.location() else { panic!("it is on PostgreSQL") };
    let data = folder.path().join("data").display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recoup"));
        let output =
            command.args(["keys", "--database", url, "--data", &data]).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let store = database.open().await;
    let clock = AheadClock::default();
    let beat = async |ago: i64| {
        let at = clock.now() - SignedDuration::from_secs(ago);
        store.commit(Transaction::new("beat").with(storage::marks::beat("hub", at))).await.unwrap();
    };
    std::fs::create_dir_all(&data).unwrap();
    KeyRing::open_or_create(&folder.path().join("data/keys.json"), &clock, &SystemEntropy).unwrap();
    beat(20).await;
    let (done, words) = run(&["rotate"]);
    assert!(!done && words.contains("stop every node"), "{words}");
    assert!(run(&["list"]).0, "looking is free");
    beat(200).await;
    let (done, words) = run(&["rotate"]);
    assert!(done, "{words}");
    store.close().await;
}
