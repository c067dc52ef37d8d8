//! Reports from gateways come in here: `POST /webhooks/gtw_…`, without a key, of any content type. What is believed is
//! decided by the signature over the raw bytes.

mod host;
mod receive;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use hub::Hub;

/// Largest report, bytes.
pub const REPORT_BYTES_MAX: usize = 256 * 1024;

/// Settings of this address.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The host by which gateways know this installation, without a port: part of what they sign (M32). None: the host
    /// that the request names.
    pub public_host: Option<String>,
}

/// What the handler needs.
#[derive(Debug, Clone)]
struct Webhooks {
    hub: Hub,
    public_host: Option<Arc<str>>,
}

/// The address, with a slash at its end or without. The caller puts fallbacks and layers around it.
pub fn router(hub: Hub, settings: Settings) -> Router {
    let webhooks = Webhooks { hub, public_host: settings.public_host.map(Arc::from) };
    Router::new()
        .route("/webhooks/{gateway_id}", post(receive::receive))
        .route("/webhooks/{gateway_id}/", post(receive::receive))
        .layer(DefaultBodyLimit::max(REPORT_BYTES_MAX))
        .with_state(webhooks)
}
