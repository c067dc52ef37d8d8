//! A whole hub with its API, on a database of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use charging::{Charging, Connections, Driver};
use domain::Minter;
use domain::configuration::Campaign;
use domain::ids::{MerchantId, OrderId};
use gateways::ChargeRequest;
use gateways::fake::{Act, Booked, FakeGateway};
use hub::{Change, Hub, OrderView};
use recoup_api::{auth, crm};
use serde_json::Value;
use storage::orders::OrderFilter;
use storage::testing::{On, TestDatabase};
use tokio::net::TcpListener;
use uuid::Uuid;
use vault::{KeyRing, SystemEntropy, Vault};
use web::{Limits, Shutdown};

use crate::clock::TickingClock;
use crate::form::{Form, call};
use crate::gateway::{Hook, HookedConnect};
use crate::setup::{FAKE, FAKE_SALVAGE, campaign, gateway, save, to_gateway};
use crate::wire::post;

/// Ten in the morning in New York, where the account is.
const NOW: &str = "2026-11-22T15:00:00Z";

/// The app. Gateways are scripted by their numbers.
pub(crate) struct TestApp {
    /// The hub behind the API.
    pub(crate) hub: Hub,
    /// The one clock.
    pub(crate) clock: Arc<TickingClock>,
    /// Where the API listens.
    pub(crate) address: SocketAddr,
    /// The tenant.
    pub(crate) merchant_id: MerchantId,
    connect: Arc<HookedConnect>,
    shutdown: Shutdown,
    _database: TestDatabase,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

impl TestApp {
    /// A merchant without a configuration, and its API user `shop`, who may call from this machine.
    pub(crate) async fn new(on: On) -> Self {
        let database = TestDatabase::new(on).await;
        let clock = Arc::new(TickingClock::new(NOW));
        let connect = Arc::new(HookedConnect::new(Arc::clone(&clock)));
        let hub = hub_on(&database, &clock, &connect).await;
        let merchant_id = MerchantId::from_uuid(Uuid::from_u128(1));
        hub.create_merchant(merchant_id, "Shop").await.unwrap();
        auth::save_api_user(&hub, merchant_id, "shop", &"correct-horse".into(), &[]).await.unwrap();
        let shutdown = Shutdown::new();
        let address = serve(hub.clone(), &shutdown).await;
        Self { hub, clock, address, merchant_id, connect, shutdown, _database: database }
    }

    /// With ordinary gateways of these numbers.
    pub(crate) async fn with_gateways(self, numbers: &[i64]) -> Self {
        self.change(numbers.iter().map(|number| save(gateway(*number, FAKE))).collect()).await;
        self
    }

    /// With a salvage gateway.
    pub(crate) async fn with_salvage(self, number: i64) -> Self {
        self.with(save(gateway(number, FAKE_SALVAGE))).await
    }

    /// With a salvage gateway that takes every soft decline.
    pub(crate) async fn with_cascade_all(self, number: i64) -> Self {
        let mut salvage = gateway(number, FAKE_SALVAGE);
        salvage.cascade_all = true;
        self.with(save(salvage)).await
    }

    /// With campaign 1, whose product 11 goes to gateway 1.
    pub(crate) async fn with_campaign(self) -> Self {
        self.with(Change::Campaign(campaign(1, to_gateway(1)))).await
    }

    /// With one more change.
    pub(crate) async fn with(self, change: Change) -> Self {
        self.change(vec![change]).await;
        self
    }

    /// Changes the configuration.
    pub(crate) async fn change(&self, changes: Vec<Change>) {
        self.hub.configure(self.merchant_id, changes, "a test", "").await.unwrap();
    }

    /// Changes campaign 1.
    pub(crate) async fn change_campaign(&self, change: impl FnOnce(&mut Campaign)) {
        let mut changed = campaign(1, to_gateway(1));
        change(&mut changed);
        self.change(vec![Change::Campaign(changed)]).await;
    }

    /// Why a change of the configuration is refused; nothing of it is saved.
    pub(crate) async fn refusal_of(&self, changes: Vec<Change>) -> String {
        let before = self.hub.reload(self.merchant_id).await.unwrap();
        let refused = self.hub.configure(self.merchant_id, changes, "a test", "").await;
        assert_eq!(self.hub.reload(self.merchant_id).await.unwrap(), before);
        refused.expect_err("this change is refused").to_string()
    }

    /// The scripted gateway.
    pub(crate) fn fake(&self, number: i64) -> Arc<FakeGateway> {
        // A fake is made by the kind of its first use, which was its configuration.
        self.connect.fake(&number.to_string(), FAKE)
    }

    /// What stops and delays a gateway.
    pub(crate) fn hook(&self, number: i64) -> Arc<Hook> {
        self.connect.hook(&number.to_string())
    }

    /// Appends to a gateway's script.
    pub(crate) fn script(&self, number: i64, acts: impl IntoIterator<Item = Act>) {
        self.fake(number).script(acts);
    }

    /// What a gateway was asked.
    pub(crate) fn requests(&self, number: i64) -> Vec<ChargeRequest> {
        self.fake(number).requests()
    }

    /// How often a gateway was asked.
    pub(crate) fn asked(&self, number: i64) -> usize {
        self.requests(number).len()
    }

    /// Minor units that a gateway holds in our name.
    pub(crate) fn taken(&self, number: i64) -> i64 {
        self.fake(number).booked().iter().map(|one: &Booked| one.minor).sum()
    }

    /// A call.
    pub(crate) async fn call(&self, path: &str, form: &Form) -> Value {
        post(self.address, path, &form.encoded()).await
    }

    /// An import.
    pub(crate) async fn import(&self, form: &Form) -> Value {
        self.call("/order/import/", form).await
    }

    /// An import that is approved: the order.
    pub(crate) async fn approved(&self, form: &Form) -> Value {
        let order = success(&self.import(form).await);
        assert_eq!(order["orderStatus"], "COMPLETE", "{order}");
        order
    }

    /// An import that is declined: the order's id and the text.
    pub(crate) async fn declined(&self, form: &Form) -> (String, String) {
        let answer = self.import(form).await;
        let text = error(&answer);
        (answer["orderId"].as_str().expect("a declined order has an id").to_owned(), text)
    }

    /// An order as `/order/query/` shows it.
    pub(crate) async fn order(&self, id: &str) -> Value {
        success(&self.call("/order/query/", &call().with("orderId", id)).await)["data"][0].clone()
    }

    /// The gateways of an order's transactions and their classes, in order, as `/transactions/query/` shows them.
    pub(crate) async fn transactions(&self, id: &str) -> Vec<(i64, String)> {
        let message = success(&self.call("/transactions/query/", &call().with("orderId", id)).await);
        let rows = message["data"].as_array().unwrap().iter();
        rows.map(|row| {
            (row["merchantId"].as_i64().unwrap(), row["responseType"].as_str().unwrap().to_owned())
        })
        .collect()
    }

    /// Whether `/transactions/query/` finds nothing of an order.
    pub(crate) async fn transactions_are_none(&self, id: &str) -> bool {
        let answer = self.call("/transactions/query/", &call().with("orderId", id)).await;
        error(&answer) == "No records matching those parameters could be found"
    }

    /// An order as the hub keeps it.
    pub(crate) async fn view(&self, id: &str) -> OrderView {
        let id: OrderId = id.parse().unwrap();
        self.hub.find_order_view(self.merchant_id, id).await.unwrap().expect("the order is kept")
    }

    /// The kinds of an order's events.
    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let events = self.hub.store().list_events_of_order(self.merchant_id, id.parse().unwrap()).await;
        events.unwrap().into_iter().map(|event| event.kind).collect()
    }

    /// The kinds of open alerts.
    pub(crate) async fn alerts(&self) -> Vec<String> {
        let alerts = self.hub.store().list_open_alerts(self.merchant_id, 100).await.unwrap();
        alerts.into_iter().map(|alert| alert.kind).collect()
    }

    /// How many orders are kept.
    pub(crate) async fn order_count(&self) -> i64 {
        self.hub.store().count_orders(self.merchant_id, &OrderFilter::default()).await.unwrap()
    }

    /// Works on what is due, after so many seconds.
    pub(crate) async fn work_after(&self, secs: i64) {
        self.clock.advance(secs);
        Driver::new(self.hub.charging().clone(), self.hub.aftermath()).sweep().await.unwrap();
    }

    /// No invariant is broken.
    pub(crate) async fn ends_well(self) {
        self.hub.drain().await;
        let (broken, checked) = self.hub.store().list_broken_invariants(&[FAKE_SALVAGE]).await.unwrap();
        assert!(broken.is_empty() && checked > 0, "{broken:?}");
    }
}

async fn hub_on(database: &TestDatabase, clock: &Arc<TickingClock>, connect: &Arc<HookedConnect>) -> Hub {
    let clock: Arc<dyn domain::Clock> = Arc::<TickingClock>::clone(clock);
    let connect: Arc<dyn gateways::Connect> = Arc::<HookedConnect>::clone(connect);
    let store = database.open().await;
    let vault = Arc::new(Vault::new(KeyRing::generate(clock.as_ref(), &SystemEntropy)));
    let minter = Minter::new(clock, Arc::new(SystemEntropy));
    let connections = Connections::new(connect, store.clone(), Arc::clone(&vault), true);
    Hub::new(Charging::new(store, vault, connections, minter))
}

async fn serve(hub: Hub, shutdown: &Shutdown) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = web::fallbacks(crm::router(hub, crm::Settings::default()));
    let router = crm::envelope(web::layers(router, Limits::default()));
    tokio::spawn(web::serve(listener, router, shutdown.requested()));
    address
}

/// The message of a success.
pub(crate) fn success(answer: &Value) -> Value {
    assert_eq!(answer["result"], "SUCCESS", "{answer}");
    answer["message"].clone()
}

/// The message of an error.
pub(crate) fn error(answer: &Value) -> String {
    assert_eq!(answer["result"], "ERROR", "{answer}");
    answer["message"].as_str().expect("a sentence").to_owned()
}
