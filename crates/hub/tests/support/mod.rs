//! A hub on a fresh database with scripted gateways.

use std::collections::BTreeMap;
use std::sync::Arc;

use charging::{Charging, Connections, Driver, Swept};
use domain::clock::SeededEntropy;
use domain::configuration::{
    Algorithm, Billing, Campaign, CampaignProduct, Capabilities, CascadeProfile, Gateway, GatewayProfile,
    Member, ProductKind, Target,
};
use domain::contact::{Address, Contact};
use domain::ids::{CampaignProductId, CascadeProfileId, GatewayId, GatewayProfileId, MerchantId};
use domain::{Clock, Currency, ManualClock, Minter, Money};
use gateways::Connect;
use gateways::fake::{Act, FakeConnect, FakeGateway, ORDINARY, SALVAGE};
use jiff::SignedDuration;
use recoup_hub::{Change, Hub, Import, ImportAnswer, ImportLine, OrderView, RawCard};
use storage::testing::{On, TestDatabase};
use storage::{Backend, Store};
use vault::{KeyRing, SystemEntropy, Vault};

/// A Visa number of the networks' public test ranges.
pub(crate) const VISA: &str = "4111111111111111";

/// A hub under test. Every database and every gateway is its own.
pub(crate) struct TestHub {
    pub(crate) hub: Hub,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) merchant: MerchantId,
    connect: Arc<FakeConnect>,
    ring: KeyRing,
    database: TestDatabase,
}

impl TestHub {
    pub(crate) async fn new(on: On) -> Self {
        let database = TestDatabase::new(on).await;
        let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap()));
        let connect = Arc::new(FakeConnect::default());
        let ring = KeyRing::generate(clock.as_ref(), &SystemEntropy);
        let hub = build(&database, &clock, Arc::<FakeConnect>::clone(&connect), &ring, 1).await;
        let merchant: MerchantId = hub.minter().mint();
        hub.create_merchant(merchant, "Shop").await.unwrap();
        Self { hub, clock, merchant, connect, ring, database }
    }

    /// A second process on the same database: the first one's memory is not shared.
    pub(crate) async fn another_process(&self, seed: u64) -> Hub {
        build(&self.database, &self.clock, Arc::<FakeConnect>::clone(&self.connect), &self.ring, seed).await
    }

    /// Another process whose gateways and database are not quite what they seem.
    pub(crate) async fn process_over(
        &self,
        seed: u64,
        connect: impl FnOnce(Arc<FakeConnect>) -> Arc<dyn Connect>,
        backend: impl FnOnce(Arc<dyn Backend>) -> Arc<dyn Backend>,
    ) -> Hub {
        let store = self.database.open().await;
        let store = Store::over(backend(Arc::clone(store.backend())));
        hub_over(store, &self.clock, connect(Arc::clone(&self.connect)), &self.ring, seed)
    }

    pub(crate) async fn change(&self, changes: Vec<Change>) {
        self.hub.configure(self.merchant, changes, "test", "").await.unwrap();
    }

    pub(crate) async fn gateway(&self, number: i64, name: &str) -> (GatewayId, Arc<FakeGateway>) {
        self.gateway_of(number, name, "fake", ORDINARY, |_| {}).await
    }

    pub(crate) async fn salvage(&self, number: i64, name: &str) -> (GatewayId, Arc<FakeGateway>) {
        self.gateway_of(number, name, "fake_salvage", SALVAGE, |_| {}).await
    }

    pub(crate) async fn gateway_of(
        &self,
        number: i64,
        name: &str,
        kind: &str,
        capabilities: Capabilities,
        adjust: impl FnOnce(&mut Gateway),
    ) -> (GatewayId, Arc<FakeGateway>) {
        let id: GatewayId = self.hub.minter().mint();
        let mut gateway = Gateway {
            id,
            number,
            kind: kind.to_owned(),
            title: name.to_owned(),
            enabled: true,
            settings: BTreeMap::from([("name".to_owned(), name.to_owned())]),
            direct_cascade: None,
            monthly_cap: None,
            cascade_all: false,
            capabilities,
        };
        adjust(&mut gateway);
        self.change(vec![Change::Gateway(Box::new(gateway), BTreeMap::new())]).await;
        (id, self.connect.gateway(name, capabilities))
    }

    pub(crate) async fn edit_gateway(&self, id: GatewayId, adjust: impl FnOnce(&mut Gateway)) {
        let configuration = self.hub.reload(self.merchant).await.unwrap();
        let mut gateway = configuration.gateway(id).unwrap().clone();
        adjust(&mut gateway);
        self.change(vec![Change::Gateway(Box::new(gateway), BTreeMap::new())]).await;
    }

    pub(crate) async fn cascade(
        &self,
        number: i64,
        members: &[GatewayId],
        max_steps: i64,
    ) -> CascadeProfileId {
        let id: CascadeProfileId = self.hub.minter().mint();
        self.change(vec![Change::CascadeProfile(CascadeProfile {
            id,
            number,
            title: format!("cascade {number}"),
            algorithm: Algorithm::PriorityQueue,
            members: members.iter().map(|id| member(*id)).collect(),
            max_steps,
        })])
        .await;
        id
    }

    pub(crate) async fn profile(&self, number: i64, members: &[GatewayId]) -> GatewayProfileId {
        let id: GatewayProfileId = self.hub.minter().mint();
        self.change(vec![Change::GatewayProfile(GatewayProfile {
            id,
            number,
            title: format!("profile {number}"),
            algorithm: Algorithm::PriorityQueue,
            members: members.iter().map(|id| member(*id)).collect(),
            cascade: None,
        })])
        .await;
        id
    }

    /// Campaign 1 with product 7 at 29.99 USD.
    pub(crate) async fn campaign(&self, target: Target) {
        let usd = |minor| Money::new(minor, Currency::USD);
        self.campaign_of(vec![CampaignProduct {
            id: self.hub.minter().mint::<CampaignProductId>(),
            number: 7,
            name: "Tea".to_owned(),
            sku: "TEA".to_owned(),
            kind: ProductKind::Offer,
            billing: Billing::OneTime,
            plan: None,
            price: usd(2_999),
            shipping: usd(0),
            is_shippable: true,
            target,
        }])
        .await;
    }

    /// Campaign 1 with these products.
    pub(crate) async fn campaign_of(&self, products: Vec<CampaignProduct>) {
        self.change(vec![Change::Campaign(Campaign {
            id: self.hub.minter().mint(),
            number: 1,
            title: "Campaign".to_owned(),
            currency: Currency::USD,
            single_transaction: false,
            disable_recycle_billing: false,
            products,
        })])
        .await;
    }

    pub(crate) async fn import(&self, import: Import) -> OrderView {
        match self.hub.import(self.merchant, import).await.unwrap() {
            ImportAnswer::Order(view) => *view,
            ImportAnswer::Refused(problems) => panic!("refused: {problems:?}"),
        }
    }

    pub(crate) async fn fresh(&self, view: &OrderView) -> OrderView {
        self.hub.find_order_view(self.merchant, view.order.id).await.unwrap().unwrap()
    }

    pub(crate) async fn sweep(&self) -> Swept {
        Driver::new(self.hub.charging().clone(), self.hub.aftermath()).sweep().await.unwrap()
    }

    /// Moves the clock and works on everything that becomes due.
    pub(crate) async fn pass(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
        while !self.sweep().await.is_idle() {}
    }

    /// No invariant is broken, and no work is left that could be done now.
    pub(crate) async fn end(self) {
        let (broken, checked) = self.hub.store().list_broken_invariants(&["fake_salvage"]).await.unwrap();
        assert!(checked > 5);
        assert_eq!(broken, [], "an invariant is broken");
        assert!(self.sweep().await.is_idle(), "due work is left over");
        self.hub.drain().await;
        self.hub.store().close().await;
    }
}

async fn build(
    database: &TestDatabase,
    clock: &Arc<ManualClock>,
    connect: Arc<dyn Connect>,
    ring: &KeyRing,
    seed: u64,
) -> Hub {
    hub_over(database.open().await, clock, connect, ring, seed)
}

fn hub_over(
    store: Store,
    clock: &Arc<ManualClock>,
    connect: Arc<dyn Connect>,
    ring: &KeyRing,
    seed: u64,
) -> Hub {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let minter = Minter::new(Arc::clone(&clock), Arc::new(SeededEntropy::new(seed)));
    let vault = Arc::new(Vault::new(ring.clone()));
    let connections = Connections::new(connect, store.clone(), Arc::clone(&vault), true);
    Hub::new(Charging::new(store, vault, connections, minter))
}

pub(crate) fn member(gateway_id: GatewayId) -> Member {
    Member {
        gateway_id,
        weight: 0,
        stars: 1,
        monthly_cap: None,
        max_total_declines: None,
        max_hard_declines: None,
    }
}

/// One tea for Ann, with an IP address.
pub(crate) fn tea() -> Import {
    Import {
        order_id: None,
        campaign_number: 1,
        lines: vec![ImportLine { product_number: 7, quantity: 1, price: None, shipping: None }],
        card: RawCard {
            number: VISA.to_owned().into(),
            month: "09".to_owned(),
            year: "2030".to_owned(),
            security_code: "999".to_owned().into(),
        },
        contact: Contact {
            billing: Address {
                first_name: "Ann".to_owned(),
                last_name: "Lee".to_owned(),
                line1: "1 Main St".to_owned(),
                city: "Austin".to_owned(),
                state: "TX".to_owned(),
                postal_code: "78701".to_owned(),
                country: "US".to_owned(),
                ..Address::default()
            },
            email: "ann@example.test".to_owned(),
            ip_address: "203.0.113.9".to_owned(),
            ..Contact::default()
        },
        sales_tax: String::new(),
        force_gateway: None,
        pre_auth_gateway: None,
        extra: Vec::new(),
    }
}

/// Declines that every table knows by their words.
pub(crate) const SOFT: Act = Act::Decline("", "Do not honor");
pub(crate) const HARD: Act = Act::Decline("", "Stolen card");
