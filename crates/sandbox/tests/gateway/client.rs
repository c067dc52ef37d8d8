//! A running sandbox and a plain client for it.

use std::{collections::BTreeMap, sync::Arc};

use domain::clock::ManualClock;
use recoup_sandbox::{Sandbox, Settings};
use reqwest::Client;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) const PRIMARY_KEY: &str = "6457Thfj624V5r7WUwc5v6a68Zsd6YEm";
pub(crate) const RESCUE_KEY: &str = "Rescue7Qk2VxT9mHc4ZpLw8NdB3sYgJ6";
pub(crate) const VISA: &str = "4111111111111111";

/// Pairs in the order they are sent.
pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn pairs(given: &[(&str, &str)]) -> Pairs {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A sandbox served on a port of its own.
pub(crate) struct Server {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) address: std::net::SocketAddr,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-21T10:15:00Z".parse().unwrap()));
        let sandbox = Arc::new(Sandbox::new(settings, Arc::<ManualClock>::clone(&clock)).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(recoup_sandbox::serve(listener, Arc::clone(&sandbox), shutdown));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, clock, address, client, stop, served }
    }

    /// Stops serving and forgets the sandbox, as the end of a process does.
    pub(crate) async fn stop(self) {
        let Self { sandbox, client, stop, served, .. } = self;
        drop(client);
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
        assert_eq!(Arc::strong_count(&sandbox), 1);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a form as it is to transact.php.
    pub(crate) async fn send(&self, form: &Pairs) -> reqwest::Result<reqwest::Response> {
        self.client.post(self.url("/api/transact.php")).form(form).send().await
    }

    /// A request under the account `primary`; the reply's fields.
    pub(crate) async fn transact(&self, given: &[(&str, &str)]) -> Reply {
        self.transact_as(PRIMARY_KEY, given).await
    }

    pub(crate) async fn transact_as(&self, key: &str, given: &[(&str, &str)]) -> Reply {
        let mut form = pairs(given);
        form.push(("security_key".to_owned(), key.to_owned()));
        Reply::of(self.send(&form).await.unwrap()).await
    }

    /// A sale of a card under the account `primary`.
    pub(crate) async fn sale(&self, number: &str, amount: &str, orderid: &str) -> Reply {
        self.charge("sale", number, amount, orderid).await
    }

    pub(crate) async fn charge(&self, kind: &str, number: &str, amount: &str, orderid: &str) -> Reply {
        self.transact(&[
            ("type", kind),
            ("ccnumber", number),
            ("ccexp", "0930"),
            ("amount", amount),
            ("orderid", orderid),
        ])
        .await
    }

    /// A query under the account `primary`: the XML.
    pub(crate) async fn query(&self, given: &[(&str, &str)]) -> String {
        let mut form = pairs(given);
        form.push(("security_key".to_owned(), PRIMARY_KEY.to_owned()));
        let response = self.client.post(self.url("/api/query.php")).form(&form).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    }

    /// A call of the control API: status and body (`null` when empty).
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = method.parse().unwrap();
        let request = self.client.request(method, self.url(&format!("/sandbox/v1/{path}")));
        let response = if body.is_null() { request.send().await } else { request.json(&body).send().await };
        let response = response.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    /// Registers a card; panics when it is refused.
    pub(crate) async fn put_card(&self, body: Value) {
        let (status, answer) = self.control("POST", "cards", body).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Sets a fault; panics when it is refused.
    pub(crate) async fn add_fault(&self, body: Value) {
        let (status, answer) = self.control("POST", "faults", body).await;
        assert_eq!(status, 204, "{answer}");
    }

    /// The ledger in one line per entry: kind, amount, orderid.
    pub(crate) async fn movements(&self) -> Vec<String> {
        let (status, ledger) = self.control("GET", "ledger", Value::Null).await;
        assert_eq!(status, 200);
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let entries = ledger.as_array().unwrap().iter();
        entries
            .map(|one| format!("{} {} {}", text(one, "kind"), one["amount_minor"], text(one, "orderid")))
            .collect()
    }
}

/// A reply of transact.php.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) names: Vec<String>,
    fields: BTreeMap<String, String>,
}

impl Reply {
    /// Reads an answer, which must be HTTP 200.
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        Self::parse(&response.text().await.unwrap())
    }

    pub(crate) fn parse(body: &str) -> Self {
        let all: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        Self { names: all.iter().map(|(name, _)| name.clone()).collect(), fields: all.into_iter().collect() }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.get("transactionid")
    }

    /// `response`, `response_code` and the text without its error reference.
    pub(crate) fn outcome(&self) -> (&str, &str, &str) {
        let text = self.get("responsetext");
        let text = text.split_once(" REFID:").map_or(text, |(text, _)| text);
        (self.get("response"), self.get("response_code"), text)
    }

    pub(crate) fn is_approved(&self) -> bool {
        self.get("response") == "1"
    }

    /// Panics unless approved.
    pub(crate) fn approved(self) -> Self {
        assert!(self.is_approved(), "{self:?}");
        self
    }
}
