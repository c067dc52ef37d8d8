//! A proxy before the platform that loses one evaluate: its request, or its answer.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{HttpRequest, Method, Transport};
use tokio::net::TcpListener;

/// What is lost of the next evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lose {
    /// It never arrives.
    Request,
    /// It arrives, and its answer does not come back.
    Answer,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    target: String,
    transport: HttpTransport,
    next: Mutex<Option<Lose>>,
    lost: Mutex<Option<HttpRequest>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    pub(crate) async fn start(
        target: String,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            target,
            transport: HttpTransport::new(TimeLimits { connect_secs: 5, total_secs: 20 }).unwrap(),
            next: Mutex::new(None),
            lost: Mutex::new(None),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&proxy));
        tokio::spawn(web::serve(listener, router, shutdown));
        proxy
    }

    /// Loses a part of the next evaluate.
    pub(crate) fn lose(&self, what: Lose) {
        *locked(&self.next) = Some(what);
    }

    /// The request that never arrived, arriving late; the platform's answer.
    pub(crate) async fn send_the_lost_request(&self) -> String {
        let request = locked(&self.lost).take().unwrap();
        self.transport.send(request).await.unwrap().text()
    }
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, 1_000_000).await.unwrap();
    let mut headers = Vec::new();
    for name in ["content-type", "authorization"] {
        if let Some(value) = parts.headers.get(name) {
            headers.push((name, value.to_str().unwrap().to_owned()));
        }
    }
    let forwarded = HttpRequest {
        method: if parts.method == "GET" { Method::Get } else { Method::Post },
        url: format!("{}{}", proxy.target, parts.uri),
        headers,
        body: bytes.to_vec(),
    };
    let is_evaluate = parts.uri.path().ends_with("/evaluate");
    let lose = if is_evaluate { locked(&proxy.next).take() } else { None };
    if lose == Some(Lose::Request) {
        *locked(&proxy.lost) = Some(forwarded);
        panic!("the connection breaks off before the platform sees the request, on purpose");
    }
    let answer = proxy.transport.send(forwarded).await.unwrap();
    assert!(lose != Some(Lose::Answer), "the connection breaks off before the answer comes back, on purpose");
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    response
}
