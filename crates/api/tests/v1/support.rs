//! A hub behind a real socket, and a caller.

use std::sync::Arc;

use api::v1::auth::{Scope, create_api_key};
use charging::{Charging, Connections};
use domain::clock::{Clock, ManualClock, Minter};
use domain::ids::MerchantId;
use gateways::Connect;
use gateways::fake::{FakeConnect, FakeGateway, ORDINARY, SALVAGE};
use gateways::http::{HttpTransport, TimeLimits};
use hub::Hub;
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::{On, TestDatabase};
use vault::{KeyRing, SystemEntropy, Vault};
use web::AllowList;

/// A served hub with one merchant and a key with all scopes.
pub(crate) struct App {
    pub(crate) hub: Hub,
    pub(crate) merchant_id: MerchantId,
    pub(crate) key: String,
    pub(crate) fakes: Arc<FakeConnect>,
    pub(crate) address: String,
    client: reqwest::Client,
    // Dropped last: it removes the database.
    _database: TestDatabase,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, when the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The fields that a refusal names.
    #[track_caller]
    pub(crate) fn wrong(self) -> Vec<String> {
        let body = self.expect(422);
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// One call: method, path, body.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl App {
    /// With scripted gateways.
    pub(crate) async fn new(on: On) -> Self {
        let fakes = Arc::new(FakeConnect::default());
        let connect: Arc<dyn Connect> = Arc::<FakeConnect>::clone(&fakes);
        Self::over(on, fakes, |_, _| connect).await
    }

    /// With the built-in providers.
    pub(crate) async fn real(on: On) -> Self {
        Self::over(on, Arc::default(), |clock, minter| {
            let transport = HttpTransport::new(TimeLimits::default()).unwrap();
            Arc::new(providers::Catalogue::new(Arc::new(transport), clock, minter))
        })
        .await
    }

    async fn over(
        on: On,
        fakes: Arc<FakeConnect>,
        connect: impl FnOnce(Arc<dyn Clock>, Minter) -> Arc<dyn Connect>,
    ) -> Self {
        let database = TestDatabase::new(on).await;
        let store = database.open().await;
        let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        let entropy = Arc::new(SystemEntropy);
        let vault = Arc::new(Vault::new(KeyRing::generate(clock.as_ref(), entropy.as_ref())));
        let clock: Arc<dyn Clock> = clock;
        let minter = Minter::new(Arc::clone(&clock), entropy);
        let connect = connect(clock, minter.clone());
        let connections = Connections::new(connect, store.clone(), Arc::clone(&vault), false);
        let hub = Hub::new(Charging::new(store, vault, connections, minter));
        let merchant_id = hub.minter().mint();
        hub.create_merchant(merchant_id, "Shop").await.unwrap();
        let key =
            create_api_key(&hub, merchant_id, "tests", &Scope::ALL, &AllowList::default()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let public_host = Some(gateways::fake::REPORT_HOST.to_owned());
        let webhooks = api::webhooks::router(hub.clone(), api::webhooks::Settings { public_host });
        let router = web::fallbacks(api::v1::router(hub.clone()).merge(webhooks));
        let router = web::layers(router, web::Limits::default());
        tokio::spawn(web::serve(listener, router, std::future::pending()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { hub, merchant_id, key, fakes, address, client, _database: database }
    }

    /// Another merchant of the same hub, and its key.
    pub(crate) async fn stranger(&self) -> String {
        let merchant_id = self.hub.minter().mint();
        self.hub.create_merchant(merchant_id, "Stranger").await.unwrap();
        create_api_key(&self.hub, merchant_id, "tests", &Scope::ALL, &AllowList::default()).await.unwrap()
    }

    /// Any call, with these headers only.
    #[expect(clippy::disallowed_methods, reason = "the caller of an API, not of a gateway")]
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let mut request = self.client.request(call.method, format!("{}{}", self.address, call.path));
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// A call as the merchant.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.key, method, path, body).await
    }

    /// A call with this key.
    pub(crate) async fn call_as(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let headers = vec![("authorization", format!("Bearer {key}"))];
        self.send(Call { method, path: path.to_owned(), body, headers }).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Makes something and returns its id.
    #[track_caller]
    pub(crate) fn make(&self, path: &'static str, body: Value) -> impl Future<Output = String> + '_ {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.post(path, body).await;
            assert_eq!(answer.status, 201, "{place}: {}", answer.body);
            answer.body["id"].as_str().unwrap().to_owned()
        }
    }

    /// Sends an order under a key.
    pub(crate) async fn order(&self, idempotency_key: &str, body: Value) -> Answer {
        self.keyed("/v1/orders", idempotency_key, body).await
    }

    /// Posts under an idempotency key.
    pub(crate) async fn keyed(&self, path: &str, idempotency_key: &str, body: Value) -> Answer {
        let headers = vec![
            ("authorization", format!("Bearer {}", self.key)),
            ("idempotency-key", idempotency_key.to_owned()),
        ];
        self.send(Call { method: Method::POST, path: path.to_owned(), body: Some(body), headers }).await
    }

    /// A shop: gateway 1 (`main`), salvage gateway 17 (`salvage`), a cascade between them, campaign 100, product 7.
    pub(crate) async fn shop(&self) -> (Arc<FakeGateway>, Arc<FakeGateway>) {
        let salvage = json!({"number": 17, "kind": "fake_salvage", "title": "Salvage", "settings": {"name": "salvage"}});
        self.make("/v1/gateways", salvage).await;
        let cascade = json!({"number": 5, "title": "Salvage", "algorithm": "priority_queue", "members": [{"gateway": 17}]});
        self.make("/v1/cascade-profiles", cascade).await;
        let main = json!({"number": 1, "kind": "fake", "title": "Main", "settings": {"name": "main"}, "direct_cascade": 5});
        self.make("/v1/gateways", main).await;
        self.make("/v1/campaigns", campaign(json!({"gateway": 1}))).await;
        (self.fakes.gateway("main", ORDINARY), self.fakes.gateway("salvage", SALVAGE))
    }
}

/// Campaign 100 with product 7, which goes to this gateway or profile.
#[expect(clippy::needless_pass_by_value, reason = "callers write it as a literal")]
pub(crate) fn campaign(target: Value) -> Value {
    let mut product = json!({
        "number": 7,
        "name": "Vitamin C",
        "price": {"amount_minor": 2999, "currency": "USD"},
        "is_shippable": true
    });
    for (name, value) in target.as_object().unwrap() {
        product[name] = value.clone();
    }
    json!({"number": 100, "title": "Vitamins", "currency": "USD", "products": [product]})
}

/// An order of one piece of product 7.
pub(crate) fn order() -> Value {
    json!({
        "campaign": 100,
        "items": [{"product": 7}],
        "card": {"number": "4111111111111111", "expires_month": 12, "expires_year": 2030, "security_code": "987"},
        "billing": {"first_name": "Ada", "last_name": "Example", "country": "US"},
        "email": "ada@example.com",
        "ip_address": "203.0.113.9"
    })
}

/// The six credentials of FlexFactor, and where it is.
pub(crate) fn flexfactor_settings() -> Value {
    json!({
        "app_key": "key-SECRET-1",
        "app_secret": "secret-SECRET-2",
        "mid": "mid-1",
        "site_id": "site-1",
        "environment_key": "tokenization-SECRET-3",
        "hmac_signing_key": "signing/SECRET+4",
        "base_url": "https://api-sandbox.flexfactor.io/v1/"
    })
}

/// A FlexFactor gateway of this number.
pub(crate) fn flexfactor(number: i64) -> Value {
    json!({"number": number, "kind": "flexfactor", "title": "FlexFactor", "settings": flexfactor_settings()})
}

/// An NMI gateway of this number.
pub(crate) fn nmi(number: i64) -> Value {
    json!({
        "number": number,
        "kind": "nmi",
        "title": "Main MID",
        "settings": {"base_url": "https://secure.nmi.com", "security_key": "nmi-SECRET-5"}
    })
}
