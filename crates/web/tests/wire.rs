//! Over loopback: who called, and the orderly end.
#![cfg(test)]

use std::io;
use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use axum::{Extension, Router};
use recoup_web::{ClientIp, Limits, Pairs, Shutdown, Tracker, TrustedProxies, layers, serve};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server and how to stop it.
struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<io::Result<()>>,
}

async fn start(router: Router) -> Server {
    start_with(router, Limits::default()).await
}

async fn start_with(router: Router, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let task = tokio::spawn(serve(listener, layers(router, limits), shutdown.requested()));
    Server { address, shutdown, task }
}

/// Sends raw bytes and reads until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const FORM: &str = "content-type: APPLICATION/x-www-form-urlencoded\r\n";
const WHO: &str =
    "GET /who HTTP/1.1\r\nhost: recoup\r\nconnection: close\r\nx-forwarded-for: 198.51.100.9\r\n\r\n";

fn who() -> Router {
    Router::new().route("/who", get(async |ClientIp(address): ClientIp| address.to_string()))
}

#[tokio::test]
async fn the_client_is_the_peer_unless_the_peer_is_a_trusted_proxy() {
    let server = start(who()).await;
    assert!(exchange(server.address, WHO).await.ends_with("\r\n\r\n127.0.0.1"));

    let proxies = TrustedProxies::new("127.0.0.1".parse().unwrap());
    let server = start(who().layer(Extension(proxies))).await;
    assert!(exchange(server.address, WHO).await.ends_with("\r\n\r\n198.51.100.9"));
}

#[tokio::test]
async fn a_server_that_does_not_know_its_callers_says_so() {
    use tower::ServiceExt as _;
    let request = axum::http::Request::get("/who").body(axum::body::Body::empty()).unwrap();
    assert_eq!(who().oneshot(request).await.unwrap().status(), 500);
}

#[tokio::test]
async fn a_form_is_read_from_the_wire_in_pieces() {
    let import = async |parameters: Pairs| format!("{}/{}", parameters.get("orderId"), parameters.get("a"));
    let server = start(Router::new().route("/order/import/", post(import))).await;
    let head = "POST /order/import/?a=1&orderId=2 HTTP/1.1\r\nhost: recoup\r\nconnection: close\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    let answer =
        exchange(server.address, &format!("{head}{FORM}{chunked}\r\n7\r\norderId\r\n3\r\n=17\r\n0\r\n\r\n"))
            .await;
    assert!(answer.ends_with("17/1"), "{answer}");
}

#[rstest]
#[case::fits("/form", "5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n", "1234512345")]
#[case::too_large("/form", "5\r\n12345\r\n6\r\n123456\r\n0\r\n\r\n", "too_large")]
#[case::raw_fits("/raw", "5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n", "read: true")]
#[case::raw_too_large("/raw", "5\r\n12345\r\n6\r\n123456\r\n0\r\n\r\n", "read: false")]
#[tokio::test]
async fn a_body_that_announces_no_length_is_limited_too(
    #[case] path: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let router = Router::new().route("/form", post(async |body: Pairs| format!("{body:?}"))).route(
        "/raw",
        post(async |body: Body| format!("read: {}", to_bytes(body, usize::MAX).await.is_ok())),
    );
    let server = start_with(router, Limits { body_bytes_max: 10, ..Limits::default() }).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: recoup\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{FORM}\r\n"
    );
    let answer = exchange(server.address, &format!("{head}{body}")).await;
    assert!(answer.contains(expected), "{answer}");
}

#[tokio::test]
async fn a_request_under_way_is_answered_after_the_signal_and_idle_callers_do_not_delay_the_end() {
    let (entered, leave) = (Shutdown::new(), Shutdown::new());
    let (enter, left) = (entered.clone(), leave.clone());
    let slow = async move || {
        enter.request();
        left.requested().await;
        "charged"
    };
    let server = start(Router::new().route("/slow", get(slow))).await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /slow HTTP/1.1\r\nhost: recoup\r\n\r\n";
    let caller = tokio::spawn(async move { exchange(server.address, request).await });
    entered.requested().await;
    server.shutdown.request();
    leave.request();
    assert!(caller.await.unwrap().ends_with("charged"));
    server.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn a_spawned_charge_outlives_a_caller_who_hangs_up() {
    let (tracker, entered, go, charged) = (Tracker::new(), Shutdown::new(), Shutdown::new(), Shutdown::new());
    let handler = {
        let (tracker, entered, go, charged) = (tracker.clone(), entered.clone(), go.clone(), charged.clone());
        async move || {
            let charge = tracker.spawn(async move {
                entered.request();
                go.requested().await;
                charged.request();
            });
            charge.await.is_ok().to_string()
        }
    };
    let server = start(Router::new().route("/charge", post(handler))).await;
    let mut caller = TcpStream::connect(server.address).await.unwrap();
    caller.write_all(b"POST /charge HTTP/1.1\r\nhost: recoup\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    entered.requested().await;
    drop(caller);
    server.shutdown.request();
    server.task.await.unwrap().unwrap();
    assert!(!charged.is_requested());
    go.request();
    tracker.close();
    tracker.wait().await;
    assert!(charged.is_requested());
}
