//! Three servers on one clock that can be moved, with one configured shop.

use std::sync::Arc;

use charging::{Charging, Connections, Driver};
use domain::ids::MerchantId;
use domain::{Clock, ManualClock, Minter};
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{HttpRequest, Method, Settings as GatewaySettings, Transport};
use hub::{Hub, OrderView};
use jiff::SignedDuration;
use platform::{Platform, Route, Settings, sandbox_credentials};
use providers::Catalogue;
use sandbox::{Movement, Sandbox};
use secrecy::SecretString;
use serde_json::Value;
use storage::orders::OrderFilter;
use storage::testing::{On, TestDatabase};
use tokio::net::TcpListener;
use vault::{KeyRing, SystemEntropy, Vault};
use web::Shutdown;

use crate::faults::Proxy;

const PASSWORD: &str = "system-test-1";

pub(crate) struct Stage {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) hub: Hub,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) proxy: Arc<Proxy>,
    merchant: MerchantId,
    rescue: Charging,
    platform: Arc<Platform>,
    caller: Caller,
    shutdown: Shutdown,
    _databases: [TestDatabase; 2],
}

/// A storefront.
#[derive(Clone)]
pub(crate) struct Caller {
    url: String,
    transport: Arc<HttpTransport>,
}

/// A made-up card that every pretend issuer approves.
pub(crate) fn good_card(serial: u32) -> String {
    let body = format!("455673{serial:09}");
    (0..10).map(|check| format!("{body}{check}")).find(|number| domain::card::luhn_holds(number)).unwrap()
}

fn limits() -> TimeLimits {
    TimeLimits { connect_secs: 5, total_secs: 20 }
}

async fn charging(database: &TestDatabase, clock: &Arc<dyn Clock>) -> Charging {
    let store = database.open().await;
    let minter = Minter::new(Arc::clone(clock), Arc::new(SystemEntropy));
    let vault = Arc::new(Vault::new(KeyRing::generate(clock.as_ref(), &SystemEntropy)));
    let transport = Arc::new(HttpTransport::new(limits()).unwrap());
    let catalogue = Arc::new(Catalogue::new(transport, Arc::clone(clock), minter.clone()));
    let connections = Connections::new(catalogue, store.clone(), Arc::clone(&vault), true);
    Charging::new(store, vault, connections, minter)
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

impl Stage {
    pub(crate) async fn new(on: On) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap()));
        let any: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let shutdown = Shutdown::new();

        let acquirer = Arc::new(Sandbox::new(sandbox::Settings::default(), Arc::clone(&any)).unwrap());
        let (listener, sandbox_url) = listen().await;
        tokio::spawn(sandbox::serve(listener, Arc::clone(&acquirer), shutdown.requested()));

        let there = TestDatabase::new(on).await;
        let rescue = charging(&there, &any).await;
        let settings = Settings { sandbox_amount_limits: false, ..Settings::sandbox() };
        let (vault, minter) = (Arc::clone(&rescue.vault), rescue.minter.clone());
        let platform = Arc::new(Platform::new(rescue.clone(), vault, minter, settings));
        platform.prepare().await.unwrap();
        give_route(&platform, &sandbox_url).await;
        let (listener, platform_url) = listen().await;
        tokio::spawn(platform::serve(listener, Arc::clone(&platform), shutdown.requested()));
        let proxy = Proxy::start(platform_url, shutdown.requested()).await;

        let here = TestDatabase::new(on).await;
        let hub = Hub::new(charging(&here, &any).await);
        let merchant = configure(&hub, &sandbox_url, &proxy.url).await;
        let (listener, url) = listen().await;
        let calls = api::crm::router(hub.clone(), api::crm::Settings::default());
        let router = api::crm::envelope(web::layers(web::fallbacks(calls), web::Limits::default()));
        tokio::spawn(web::serve(listener, router, shutdown.requested()));
        let caller = Caller { url, transport: Arc::new(HttpTransport::new(limits()).unwrap()) };
        Self {
            clock,
            hub,
            sandbox: acquirer,
            proxy,
            merchant,
            rescue,
            platform,
            caller,
            shutdown,
            _databases: [there, here],
        }
    }

    pub(crate) fn caller(&self) -> Caller {
        self.caller.clone()
    }

    pub(crate) async fn import(&self, card: &str, buyer: &str) -> Value {
        self.caller.import(card, buyer).await
    }

    pub(crate) async fn only_order(&self) -> OrderView {
        let found = self.hub.store().list_orders(self.merchant, &OrderFilter::default(), 2, 0).await.unwrap();
        assert_eq!(found.len(), 1);
        self.hub.view(found.into_iter().next().unwrap()).await.unwrap()
    }

    /// Minor units that the acquirers took and kept.
    pub(crate) fn kept(&self) -> i64 {
        let net = |kind: Movement, minor: i64| match kind {
            Movement::Sale | Movement::Capture => minor.abs(),
            Movement::Void | Movement::Refund | Movement::Credit => -minor.abs(),
            Movement::Auth => 0,
        };
        self.sandbox.ledger().iter().map(|entry| net(entry.kind, entry.amount_minor)).sum()
    }

    /// Moves the clock and works on everything that becomes due, on both sides.
    pub(crate) async fn pass(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
        let hub = Driver::new(self.hub.charging().clone(), self.hub.aftermath());
        let platform = Driver::new(self.rescue.clone(), self.platform.consequences());
        while !(hub.sweep().await.unwrap().is_idle() && platform.sweep().await.unwrap().is_idle()) {}
    }

    /// No invariant is broken on either side, and the acquirers' books equal ours.
    pub(crate) async fn end(self) {
        let mut ours = 0;
        for store in [self.hub.store(), &self.rescue.store] {
            assert_eq!(store.list_broken_invariants(&["flexfactor"]).await.unwrap().0, []);
            assert_eq!(store.list_broken_recoveries().await.unwrap().0, []);
            ours += store.list_net_charged("nmi").await.unwrap().iter().map(|(_, minor)| minor).sum::<i64>();
        }
        assert_eq!(ours, self.kept(), "the acquirers' books equal ours");
        self.shutdown.request();
        self.hub.drain().await;
        self.hub.store().close().await;
        self.rescue.store.close().await;
    }
}

async fn give_route(platform: &Platform, sandbox_url: &str) {
    let mid = MerchantId::from_uuid(sandbox_credentials().mid.parse().unwrap());
    let mut settings = GatewaySettings::default();
    settings.plain.insert("base_url".into(), sandbox_url.into());
    let key = sandbox::Account::rescue().credentials().security_key;
    settings.secret.insert("security_key".into(), SecretString::from(key));
    let route = Route { number: 1, title: "Rescue".into(), kind: "nmi".into(), enabled: true, settings };
    platform.save_route(mid, &route).await.unwrap();
}

async fn configure(hub: &Hub, sandbox_url: &str, platform_url: &str) -> MerchantId {
    let salvage = sandbox_credentials();
    let text = include_str!("../../samples/demo.toml")
        .replace(", duplicate_checks_order_id = \"true\"", "")
        .replace("{nmi}", sandbox_url)
        .replace("{flexfactor}", &format!("{platform_url}/v1/"))
        .replace("{security_key}", &sandbox::credentials().security_key)
        .replace("{app_key}", &salvage.app_key)
        .replace("{app_secret}", &salvage.app_secret)
        .replace("{mid}", &salvage.mid)
        .replace("{site_id}", &salvage.site_id)
        .replace("{environment_key}", &salvage.environment_key)
        .replace("{hmac_signing_key}", &salvage.hmac_signing_key);
    let document = api::apply::parse(&text).unwrap();
    let merchant = hub.minter().mint();
    hub.create_merchant(merchant, "Shop").await.unwrap();
    api::apply::apply(hub, merchant, &document, "test", "").await.unwrap();
    api::auth::save_api_user(hub, merchant, "shop", &SecretString::from(PASSWORD), &[]).await.unwrap();
    merchant
}

impl Caller {
    /// One tea for 29.99 and 4.95 shipping.
    pub(crate) async fn import(&self, card: &str, buyer: &str) -> Value {
        let email = format!("{buyer}@example.test");
        let fields = [
            ("loginId", "shop"),
            ("password", PASSWORD),
            ("campaignId", "100"),
            ("product1_id", "7"),
            ("paySource", "CREDITCARD"),
            ("cardNumber", card),
            ("cardMonth", "09"),
            ("cardYear", "2031"),
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
            url: format!("{}/order/import/", self.url),
            headers: vec![("content-type", "application/x-www-form-urlencoded".into())],
            body: body.into_bytes(),
        };
        let answer = self.transport.send(request).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }
}
