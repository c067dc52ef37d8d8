//! HTTP without a network: requests go to the routers of the same process.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use gateways::transport::{HttpAnswer, HttpRequest, Method, Transport, TransportError};
use tower::ServiceExt as _;

use crate::process::Process;
use crate::scheduler::{Kind, Scheduler, Verdict};

/// The longest answer, bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a call may take by its caller's reckoning, seconds.
const CALL_SECS: i64 = 10;
/// Where gateways send their reports.
const WEBHOOKS: &str = "/webhooks/";

/// A server: its router, and the process that it is part of.
#[derive(Debug, Clone)]
struct Server {
    router: Router,
    process: Arc<Process>,
}

/// All servers by host and port, and reports that are still on their way.
#[derive(Debug, Default)]
pub(crate) struct Network {
    servers: Mutex<BTreeMap<&'static str, Server>>,
    late: Mutex<VecDeque<HttpRequest>>,
}

impl Network {
    /// Puts a server in the place of the one before it.
    pub(crate) fn serve(&self, host: &'static str, router: Router, process: Arc<Process>) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.insert(host, Server { router, process });
    }

    /// Takes every server down. A server holds its own way to this network: one that stays would hold all of them.
    pub(crate) fn clear(&self) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A report that somebody keeps back for later.
    fn keep(&self, request: HttpRequest) {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
    }

    /// The oldest report that was kept back.
    pub(crate) fn take_late(&self) -> Option<HttpRequest> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn server(&self, url: &str) -> Option<Server> {
        let rest = url.strip_prefix("http://")?;
        let host = rest.split(['/', '?']).next()?;
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.get(host).filter(|server| !server.process.is_dead()).cloned()
    }

    /// Hands a request to its server and waits for the whole answer. The server goes on when the caller is gone.
    pub(crate) async fn deliver(&self, request: HttpRequest) -> Result<HttpAnswer, TransportError> {
        let not_sent = |words: &'static str| TransportError::NotSent(anyhow::anyhow!(words));
        let server = self.server(&request.url).ok_or_else(|| not_sent("nobody listens there"))?;
        let built = build(request).map_err(|error| TransportError::NotSent(error.into()))?;
        let process = Arc::clone(&server.process);
        let handling = tokio::spawn(async move {
            let Ok(answer) = server.router.oneshot(built).await;
            let status = answer.status().as_u16();
            to_bytes(answer.into_body(), ANSWER_BYTES_MAX)
                .await
                .map(|body| HttpAnswer { status, body: body.to_vec() })
        });
        let broken = || TransportError::InDoubt(anyhow::anyhow!("the connection broke"));
        match handling.await {
            Ok(Ok(answer)) if !process.is_dead() => Ok(answer),
            Ok(_) | Err(_) => Err(broken()),
        }
    }
}

fn build(request: HttpRequest) -> Result<Request<Body>, axum::http::Error> {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let mut builder = Request::builder().method(method).uri(&request.url);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000)));
    builder.extension(peer).body(Body::from(request.body))
}

/// A process's way to the others, stopped before a request leaves and before its answer arrives.
#[derive(Debug)]
pub(crate) struct StoppedTransport {
    /// The others.
    pub(crate) network: Arc<Network>,
    /// Whose way it is.
    pub(crate) process: Arc<Process>,
    /// Where calls stop.
    pub(crate) scheduler: Arc<Scheduler>,
}

impl StoppedTransport {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpAnswer, TransportError> {
        let lost = |words: &'static str| TransportError::InDoubt(anyhow::anyhow!(words));
        let path = path_of(&request.url).to_owned();
        match self.scheduler.stop(&self.process, Kind::Send, &path).await {
            Verdict::Act | Verdict::Lose => {}
            Verdict::Fail => {
                return Err(TransportError::NotSent(anyhow::anyhow!("simulated: no connection")));
            }
            Verdict::Dead => return Err(lost("the process has crashed")),
            Verdict::Drop => return Err(lost("simulated: the request is lost")),
            Verdict::CrashAfter => {
                self.process.crash();
                let _ = self.network.deliver(request).await;
                return Err(lost("the process has crashed"));
            }
        }
        if path.contains(WEBHOOKS) {
            self.disturb(&request).await;
        }
        let answer = self.network.deliver(request).await?;
        match self.scheduler.stop(&self.process, Kind::Answer, &path).await {
            Verdict::Act => Ok(answer),
            Verdict::CrashAfter => {
                self.process.crash();
                Err(lost("the process has crashed"))
            }
            Verdict::Fail | Verdict::Drop | Verdict::Lose | Verdict::Dead => {
                Err(lost("simulated: the answer is lost"))
            }
        }
    }

    /// A report may come twice, and again much later.
    async fn disturb(&self, request: &HttpRequest) {
        let (dice, rates) = (self.scheduler.dice(), self.scheduler.rates());
        if dice.per_mille(rates.webhook) {
            self.scheduler.count(|counts| counts.webhook_doubled += 1);
            let _ = self.network.deliver(request.clone()).await;
        }
        if dice.per_mille(rates.webhook) {
            self.scheduler.count(|counts| counts.webhook_late += 1);
            self.network.keep(request.clone());
        }
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.split('?').next().unwrap_or_default()
}

impl Transport for StoppedTransport {
    fn send(&self, request: HttpRequest) -> gateways::Reply<'_, Result<HttpAnswer, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn time_limit_secs(&self) -> i64 {
        CALL_SECS
    }
}
