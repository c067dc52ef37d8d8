//! A bug of the wire: a request goes out twice, the second time as a new one.

use std::sync::Arc;

use gateways::Reply;
use gateways::transport::{HttpAnswer, HttpRequest, Transport, TransportError};

/// A transport that repeats requests of one `type`.
#[derive(Debug)]
pub(super) struct PlantedTransport {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) kind: &'static str,
}

impl Transport for PlantedTransport {
    fn send(&self, request: HttpRequest) -> Reply<'_, Result<HttpAnswer, TransportError>> {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let is_meant = form.split('&').any(|pair| pair.strip_prefix("type=") == Some(self.kind));
        if !is_meant {
            return self.inner.send(request);
        }
        let body = form.replace("orderid=", "orderid=again").into_bytes();
        let again = HttpRequest { body, ..request.clone() };
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            let _ = self.inner.send(again).await;
            answer
        })
    }

    fn time_limit_secs(&self) -> i64 {
        self.inner.time_limit_secs()
    }
}
