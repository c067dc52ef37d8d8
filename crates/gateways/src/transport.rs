//! The transport beneath every gateway: one request, one answer, and the difference between "not sent" and "in doubt".

use std::fmt;

use domain::attempt::Doubt;
use thiserror::Error;

use crate::port::{GatewayError, Reply};

/// An HTTP method that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// One HTTP request. Its body is never printed.
#[derive(Clone)]
pub struct HttpRequest {
    /// GET or POST.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        write!(f, "{:?} {path} ({} bytes)", self.method, self.body.len())
    }
}

/// A whole answer. Its body is never printed.
#[derive(Clone)]
pub struct HttpAnswer {
    /// The status, e.g. 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The body as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {} ({} bytes)", self.status, self.body.len())
    }
}

/// Why there is no whole answer.
#[derive(Debug, Error)]
pub enum TransportError {
    /// Nothing left this machine for the peer's application: no address, no connection, no handshake.
    #[error("the request was not sent")]
    NotSent(#[source] anyhow::Error),
    /// It left, or may have left.
    #[error("the request may have been received")]
    InDoubt(#[source] anyhow::Error),
}

impl From<TransportError> for GatewayError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NotSent(source) => Self::NotSent(source),
            TransportError::InDoubt(source) => Self::InDoubt(Doubt::LostAnswer, source),
        }
    }
}

/// Sends requests. The real one is [`crate::http::HttpTransport`]; the simulation has its own.
pub trait Transport: Send + Sync + fmt::Debug {
    /// One request, one try.
    fn send(&self, request: HttpRequest) -> Reply<'_, Result<HttpAnswer, TransportError>>;

    /// The longest time a request may take, seconds.
    fn time_limit_secs(&self) -> i64;
}
