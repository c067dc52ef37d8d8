//! The real transport: pooled HTTPS with time limits, no redirects, no repetition.

use std::time::Duration;

use anyhow::Context;

use crate::port::Reply;
use crate::transport::{HttpAnswer, HttpRequest, Method, Transport, TransportError};

/// Largest answer that is read, bytes.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Time limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// To connect, TLS included, seconds.
    pub connect_secs: u64,
    /// For everything, seconds.
    pub total_secs: u64,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { connect_secs: 5, total_secs: 30 }
    }
}

/// Pooled HTTP and HTTPS.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    limits: TimeLimits,
}

impl HttpTransport {
    /// A transport with these limits. It follows no redirect (307 and 308 send a body again) and repeats nothing.
    pub fn new(limits: TimeLimits) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(limits.connect_secs))
            .timeout(Duration::from_secs(limits.total_secs))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("Recoup/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the HTTP client could not be set up")?;
        Ok(Self { client, limits })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> Reply<'_, Result<HttpAnswer, TransportError>> {
        Box::pin(async move { send(&self.client, request).await })
    }

    fn time_limit_secs(&self) -> i64 {
        i64::try_from(self.limits.total_secs).unwrap_or(i64::MAX)
    }
}

async fn send(client: &reqwest::Client, request: HttpRequest) -> Result<HttpAnswer, TransportError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut builder = client.request(method, &request.url);
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    if !request.body.is_empty() || request.method == Method::Post {
        builder = builder.body(request.body);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that sends; it tells NotSent from InDoubt"
    )]
    let sent = builder.send().await;
    let mut answer = sent.map_err(classify)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(lost)? {
        if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
            let error = anyhow::anyhow!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
            return Err(TransportError::InDoubt(error));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpAnswer { status, body })
}

/// A failed connection (name, TCP, TLS) and a request that could not be built never left; everything else may have.
fn classify(error: reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(without_address(error))
    } else {
        lost(error)
    }
}

fn lost(error: reqwest::Error) -> TransportError {
    TransportError::InDoubt(without_address(error))
}

/// Addresses may carry keys in their query.
fn without_address(error: reqwest::Error) -> anyhow::Error {
    anyhow::Error::new(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn post(url: String) -> HttpRequest {
        HttpRequest { method: Method::Post, url, headers: vec![], body: b"secret=1".to_vec() }
    }

    fn transport() -> HttpTransport {
        HttpTransport::new(TimeLimits { connect_secs: 2, total_secs: 2 }).unwrap()
    }

    #[tokio::test]
    async fn m4_a_refused_connection_is_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = transport().send(post(format!("http://{address}/"))).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
    }

    #[tokio::test]
    async fn m2_a_connection_closed_after_the_request_leaves_doubt() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0_u8; 1024];
            let read = socket.read(&mut buffer).await.unwrap();
            assert!(read > 0);
        });
        let error = transport().send(post(format!("http://{address}/"))).await.unwrap_err();
        assert!(matches!(error, TransportError::InDoubt(_)), "{error:?}");
        server.await.unwrap();
    }

    #[tokio::test]
    async fn m2_half_an_answer_leaves_doubt_and_redirects_are_not_followed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for answer in [
                "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nresponse=1",
                "HTTP/1.1 307 Moved\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n",
            ] {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut buffer = [0_u8; 1024];
                let _ = socket.read(&mut buffer).await.unwrap();
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let error = transport().send(post(format!("http://{address}/"))).await.unwrap_err();
        assert!(matches!(error, TransportError::InDoubt(_)), "{error:?}");
        let answer = transport().send(post(format!("http://{address}/"))).await.unwrap();
        assert_eq!(answer.status, 307);
        server.await.unwrap();
    }

    #[test]
    fn requests_and_answers_are_not_printed() {
        let request = post("http://localhost/x?security_key=abc".to_owned());
        assert_eq!(format!("{request:?}"), "Post http://localhost/x (8 bytes)");
        let answer = HttpAnswer { status: 200, body: b"secret".to_vec() };
        assert_eq!(format!("{answer:?}"), "HTTP 200 (6 bytes)");
    }
}
