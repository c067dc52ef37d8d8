//! Settings, gateways, and a transport that remembers what was printed about every exchange.

use std::sync::{Arc, Mutex};

use domain::clock::SeededEntropy;
use domain::{Clock, ManualClock, Minter};
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{
    Connect, Gateway, HttpAnswer, HttpRequest, InquireRequest, OperationKind, OperationRequest, Reply,
    Settings, Transport, TransportError,
};
use jiff::Timestamp;
use recoup_providers::Catalogue;
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use uuid::Uuid;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const NMI_KEY: &str = "nmi-key-planted-6457";
pub(crate) const APP_KEY: &str = "app-key-planted-1111";
pub(crate) const APP_SECRET: &str = "app-secret-planted-2222";
pub(crate) const ENVIRONMENT_KEY: &str = "environment-planted-3333";
pub(crate) const SIGNING_KEY: &str = "signing+planted+4444";
pub(crate) const BEARER: &str = "bearer-planted-5555";
pub(crate) const CARD_TOKEN: &str = "card-token-6666";

/// Real HTTP on loopback; one path can be sent elsewhere.
#[derive(Debug)]
pub(crate) struct Recorder {
    inner: HttpTransport,
    pub(crate) printed: Mutex<Vec<String>>,
    pub(crate) detour: Mutex<Option<(&'static str, String)>>,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        let inner = HttpTransport::new(TimeLimits { connect_secs: 5, total_secs: 5 }).unwrap();
        Arc::new(Self { inner, printed: Mutex::default(), detour: Mutex::default() })
    }
}

impl Transport for Recorder {
    fn send(&self, mut request: HttpRequest) -> Reply<'_, Result<HttpAnswer, TransportError>> {
        Box::pin(async move {
            self.printed.lock().unwrap().push(format!("{request:?}"));
            if let Some((part, elsewhere)) = self.detour.lock().unwrap().clone()
                && request.url.contains(part)
            {
                request.url = elsewhere;
            }
            let result = self.inner.send(request).await;
            self.printed.lock().unwrap().push(format!("{result:?}"));
            result
        })
    }

    fn time_limit_secs(&self) -> i64 {
        self.inner.time_limit_secs()
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

pub(crate) fn catalogue(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Catalogue {
    let minter = Minter::new(Arc::clone(&clock), Arc::new(SeededEntropy::new(1)));
    Catalogue::new(transport, clock, minter)
}

fn settings(plain: &[(&str, &str)], secret: &[(&str, &str)]) -> Settings {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let sealed = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretString::from(*value));
    Settings { plain: plain.iter().map(owned).collect(), secret: secret.iter().map(sealed).collect() }
}

pub(crate) fn nmi_settings(base_url: &str) -> Settings {
    settings(&[("base_url", base_url)], &[("security_key", NMI_KEY)])
}

pub(crate) fn flexfactor_settings(base_url: &str) -> Settings {
    settings(
        &[("base_url", base_url), ("mid", "mid-1"), ("site_id", "site-1")],
        &[
            ("app_key", APP_KEY),
            ("app_secret", APP_SECRET),
            ("environment_key", ENVIRONMENT_KEY),
            ("hmac_signing_key", SIGNING_KEY),
        ],
    )
}

/// A gateway of this kind, and the clock that it looks at.
pub(crate) fn connect(kind: &str, settings: &Settings) -> (Arc<dyn Gateway>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(now()));
    let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let catalogue = catalogue(Recorder::new(), time);
    (catalogue.connect(kind, settings).unwrap(), clock)
}

pub(crate) fn nmi(server: &MockServer) -> Arc<dyn Gateway> {
    connect("nmi", &nmi_settings(&server.uri())).0
}

pub(crate) fn flexfactor(server: &MockServer) -> Arc<dyn Gateway> {
    connect("flexfactor", &flexfactor_settings(&format!("{}/v1/", server.uri()))).0
}

/// An address where nobody listens.
pub(crate) async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// An address that receives a request and closes the connection.
pub(crate) async fn hang_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0_u8; 16_384];
            let _ = socket.read(&mut buffer).await;
        }
    });
    format!("http://{address}")
}

/// One answer to every request of this path.
pub(crate) async fn stub(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(server).await;
}

/// Token and tokenization that work.
pub(crate) async fn stub_preparation(server: &MockServer) {
    stub(server, "POST", "/v1/oauth2/token", token_answer()).await;
    let body = serde_json::json!({"transaction": {"payment_method": {"token": CARD_TOKEN}}, "success": true});
    stub(server, "POST", "/v1/tokenize", ResponseTemplate::new(200).set_body_json(body)).await;
}

pub(crate) fn token_answer() -> ResponseTemplate {
    let expires = now().as_millisecond() + 600_000;
    ResponseTemplate::new(200).set_body_json(serde_json::json!({"accessToken": BEARER, "expires": expires}))
}

/// Requests that arrived at this path.
pub(crate) async fn arrived(server: &MockServer, at: &str) -> Vec<Request> {
    let all = server.received_requests().await.unwrap();
    all.into_iter().filter(|request| request.url.path() == at).collect()
}

/// The fields of a form, sorted by name.
pub(crate) fn form(request: &Request) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    fields.sort();
    fields
}

pub(crate) fn json(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

pub(crate) fn operation(kind: OperationKind) -> OperationRequest {
    OperationRequest {
        kind,
        reference: "01jd3f6c5y0000000000000op1".to_owned(),
        idempotency_key: Uuid::from_u128(5),
        gateway_reference: "gw-9".to_owned(),
        attempt_reference: "01jd3f6c5y0000000000000001".to_owned(),
        amount: domain::Money::new(1_234, domain::Currency::USD),
        at: now(),
    }
}

pub(crate) fn inquiry(doubt: domain::attempt::Doubt) -> InquireRequest {
    InquireRequest {
        doubt,
        sent_at: now(),
        ..gateways::contract::inquiry(&gateways::contract::sample_charge())
    }
}
