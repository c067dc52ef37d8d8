//! Runs a router on a listener until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::shutdown::Shutdown;

/// How long answers under way are waited for after the signal, seconds: longer than a checkout's budget of 50 s. Without
/// an end, one caller who never finishes sending would keep the process alive.
pub const DRAIN_SECS_MAX: u64 = 60;

/// Serves until `shutdown` is done. Then no connection is taken any more, and requests under way are answered, for at
/// most [`DRAIN_SECS_MAX`]. Charges run on a [`Tracker`](crate::shutdown::Tracker), which the caller waits for
/// afterwards.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with_drain(listener, router, shutdown, Duration::from_secs(DRAIN_SECS_MAX)).await
}

async fn serve_with_drain(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    drain_max: Duration,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "Cannot switch off delayed sending: {error}");
        }
    });
    let draining = Shutdown::new();
    let begun = draining.requested();
    let stop = async move {
        shutdown.await;
        draining.request();
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop);
    tokio::select! {
        result = async { server.await } => result,
        () = expired(begun, drain_max) => {
            tracing::warn!("Gave up on requests that were not finished {} s after the end began", drain_max.as_secs());
            Ok(())
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the end of a process is real time, not the clock's")]
async fn expired(begun: impl Future<Output = ()>, drain_max: Duration) {
    begun.await;
    tokio::time::sleep(drain_max).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_caller_who_never_finishes_does_not_hold_up_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, reached) = (Shutdown::new(), Shutdown::new());
        let signal = reached.clone();
        let handler = async move |_body: axum::body::Body| {
            signal.request();
            std::future::pending::<()>().await;
        };
        let router = Router::new().route("/", axum::routing::post(handler));
        let drain_max = Duration::from_millis(1);
        let server = tokio::spawn(serve_with_drain(listener, router, shutdown.requested(), drain_max));

        let mut caller = TcpStream::connect(address).await.unwrap();
        caller.write_all(b"POST / HTTP/1.1\r\nhost: recoup\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        reached.requested().await;
        shutdown.request();
        server.await.unwrap().unwrap();
    }
}
