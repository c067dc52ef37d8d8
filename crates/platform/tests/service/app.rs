//! A running platform with its database, clock and acquirers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use charging::{Charging, Connections, Driver};
use domain::ids::MerchantId;
use domain::{ManualClock, Minter};
use gateways::fake::{FakeConnect, FakeGateway, ORDINARY};
use jiff::SignedDuration;
use recoup_platform::{Credentials, Platform, Route, Settings, sandbox_credentials};
use serde_json::{Value, json};
use storage::Store;
use storage::testing::{On, TestDatabase};
use tokio_util::sync::CancellationToken;
use vault::{KeyRing, SystemEntropy, Vault};

use crate::client::{Answer, call};
use crate::gate::{Gate, GatedConnect};
use crate::receiver::Receiver;

pub(crate) struct App {
    pub(crate) platform: Arc<Platform>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
    pub(crate) connect: Arc<GatedConnect>,
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) mid: MerchantId,
    pub(crate) charging: Charging,
    stop: CancellationToken,
    database: TestDatabase,
}

impl App {
    /// The sandbox as anybody first meets it: no routes.
    pub(crate) async fn sandbox(on: On) -> Self {
        Self::new(on, Settings::sandbox()).await
    }

    /// A service for real money with so many acquirers, `acquirer-1`, `acquirer-2`, …
    pub(crate) async fn with_routes(on: On, count: i64) -> Self {
        let app = Self::new(on, Settings::production()).await;
        app.platform.create_account("Shop", &app.credentials).await.unwrap();
        for number in 1..=count {
            app.add_route(number).await;
        }
        app
    }

    pub(crate) async fn new(on: On, settings: Settings) -> Self {
        let database = TestDatabase::new(on).await;
        let store = database.open().await;
        let clock = Arc::new(ManualClock::new("2030-01-02T03:04:05Z".parse().unwrap()));
        let vault = Arc::new(Vault::new(KeyRing::generate(clock.as_ref(), &SystemEntropy)));
        let minter = Minter::new(Arc::<ManualClock>::clone(&clock), Arc::new(SystemEntropy));
        let connect = Arc::new(GatedConnect { fakes: FakeConnect::default(), gate: Arc::new(Gate::open()) });
        let connections =
            Connections::new(Arc::<GatedConnect>::clone(&connect), store.clone(), Arc::clone(&vault), true);
        let charging = Charging::new(store.clone(), Arc::clone(&vault), connections, minter.clone());
        let platform = Arc::new(Platform::new(charging.clone(), vault, minter, settings));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        platform.prepare().await.unwrap();
        tokio::spawn(recoup_platform::serve(listener, Arc::clone(&platform), stop.clone().cancelled_owned()));
        let credentials = sandbox_credentials();
        let mid = MerchantId::from_uuid(credentials.mid.parse().unwrap());
        Self { platform, clock, store, connect, address, credentials, mid, charging, stop, database }
    }

    pub(crate) async fn add_route(&self, number: i64) {
        let plain = BTreeMap::from([("name".to_owned(), format!("acquirer-{number}"))]);
        let settings = gateways::Settings { plain, ..gateways::Settings::default() };
        let route = Route {
            number,
            title: format!("Acquirer {number}"),
            kind: "fake".to_owned(),
            enabled: true,
            settings,
        };
        self.platform.save_route(self.mid, &route).await.unwrap();
    }

    /// The fake behind a route.
    pub(crate) fn acquirer(&self, number: i64) -> Arc<FakeGateway> {
        self.connect.fakes.gateway(&format!("acquirer-{number}"), ORDINARY)
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.connect.gate
    }

    pub(crate) async fn token(&self) -> String {
        let body = json!({"AppKey": self.credentials.app_key, "AppSecret": self.credentials.app_secret});
        let answer = call(self.address, "POST", "/v1/oauth2/token", None, Some(&body.to_string())).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("accessToken")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let token = self.token().await;
        call(self.address, "POST", &format!("/v1/{path}"), Some(&token), Some(&body.to_string())).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let token = self.token().await;
        call(self.address, "GET", &format!("/v1/{path}"), Some(&token), None).await
    }

    /// Sweeps everything that is due at the present moment.
    pub(crate) async fn sweep(&self) {
        let driver = Driver::new(self.charging.clone(), self.platform.consequences());
        while !(driver.sweep().await.unwrap().is_idle() && self.platform.sweep().await.unwrap().is_idle()) {}
    }

    /// The clearing up of attempts alone, as another process might do.
    pub(crate) async fn sweep_attempts(&self) {
        let driver = Driver::new(self.charging.clone(), self.platform.consequences());
        while !driver.sweep().await.unwrap().is_idle() {}
    }

    /// A receiver of this account's events.
    pub(crate) async fn receiver(&self) -> Receiver {
        let receiver = Receiver::start().await;
        self.platform.set_webhook_url(self.mid, Some(&receiver.url)).await.unwrap();
        receiver
    }

    /// Passes so many days, sweeping every hour.
    pub(crate) async fn live_days(&self, days: i64) {
        for _ in 0..days * 24 {
            self.pass(3_600);
            self.sweep().await;
        }
    }

    pub(crate) async fn status_name(&self, id: &str) -> String {
        self.get(&format!("orders/{id}")).await.text("statusName")
    }

    pub(crate) fn pass(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
    }

    /// Money that the acquirers took and did not give back.
    pub(crate) fn charged(&self, count: i64) -> i64 {
        (1..=count).flat_map(|number| self.acquirer(number).booked()).map(|one| one.minor).sum()
    }

    /// Stops, after every invariant was checked, and no card number or secret was found in the database.
    pub(crate) async fn finish(self) {
        let (broken, _) = self.store.list_broken_invariants(&["fake_salvage"]).await.unwrap();
        assert!(broken.is_empty(), "{broken:?}");
        let (broken, _) = self.store.list_broken_recoveries().await.unwrap();
        assert!(broken.is_empty(), "{broken:?}");
        self.stop.cancel();
        self.store.close().await;
        if let storage::Location::Sqlite(file) = self.database.location() {
            let folder = file.parent().unwrap();
            for entry in std::fs::read_dir(folder).unwrap() {
                let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                for secret in [
                    CARD,
                    "4111111111111111",
                    &self.credentials.app_secret,
                    &self.credentials.hmac_signing_key,
                    &self.credentials.environment_key,
                ] {
                    let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                    assert!(!found, "{secret} is in the database");
                }
            }
        }
    }
}

/// The card that documents use for approvals.
pub(crate) const CARD: &str = "4000002760003184";

/// An evaluate of a customer's declined purchase, as `ActiveMerchant` sends it with a card.
pub(crate) fn evaluate(order: &str) -> Value {
    let credentials = sandbox_credentials();
    json!({
        "transactionType": "Purchase",
        "siteId": credentials.site_id,
        "mid": credentials.mid,
        "isDeclined": true,
        "orderId": order,
        "idempotencyKey": key_of(order),
        "senseKey": null,
        "transaction": {
            "id": order, "dynamicDescriptor": "TEST", "timestamp": "2030-01-02T03:04:05Z",
            "timezoneUtcOffset": "-5", "amount": 1999, "currency": "USD", "responseCode": "100",
            "responseCodeSource": "nmi", "avsResultCode": "200", "cvvResultCode": "111",
            "cavvResultCode": "111", "cardNotPresent": false,
        },
        "paymentMethod": {
            "holderName": "Ann Lee", "cardType": "CREDIT", "cardBrand": "VISA", "cardCountry": "US",
            "expirationMonth": 9, "expirationYear": 2031, "cardBinNumber": "400000",
            "cardLast4Digits": "3184", "cardNumber": CARD, "verificationValue": "999", "Token": false,
        },
        "billingInformation": {
            "firstName": "Ann", "lastName": "Lee", "country": "US", "countryCode": "US", "phone": "555-0100",
            "addressLine1": "1 Main St", "state": "TX", "city": "Austin", "zipCode": "78701",
        },
        "payer": {"email": "ann@example.test", "phone": "555-0100"},
        "Source": "Spreedly",
    })
}

/// A rebill that the merchant hands over for so many days.
pub(crate) fn managed(order: &str, days: i64) -> Value {
    let start: jiff::Timestamp = "2030-01-02T03:04:05Z".parse().unwrap();
    let until = start + SignedDuration::from_hours(days * 24);
    with(
        evaluate(order),
        &[
            ("/isMIT", json!(true)),
            ("/isRecurring", json!(true)),
            ("/expiryDateUtc", json!(until.to_string())),
            ("/transaction/responseCode", json!("202")),
        ],
    )
}

/// A key of its own for each order.
fn key_of(order: &str) -> uuid::Uuid {
    let digits = |sum: u128, byte: u8| sum.wrapping_mul(257).wrapping_add(u128::from(byte));
    uuid::Uuid::from_u128(order.bytes().fold(7, digits))
}

/// The same with some members replaced, by JSON pointer.
pub(crate) fn with(mut body: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    body
}
