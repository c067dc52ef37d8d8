//! `POST /webhooks/{gateway_id}`: takes in what somebody sent for a gateway.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use domain::ids::GatewayId;
use hub::{HubError, Received};
use serde_json::json;
use web::Problem;

use super::{REPORT_BYTES_MAX, Webhooks, host};

/// Most bytes of all headers together.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Answers 200 for what is believed, new or repeated; 401 for a wrong signature, 400 for what cannot be read, 404 for an
/// unknown gateway, 413 for what is too large, 503 when the sender should try again.
pub(super) async fn receive(
    State(webhooks): State<Webhooks>,
    Path(gateway): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let gateway: GatewayId = gateway.parse().map_err(|_| Problem::not_found())?;
    let body = body.map_err(|rejection| unread(&rejection))?;
    let host = match &webhooks.public_host {
        Some(host) => host.to_string(),
        None => host::of_request(&uri, &headers),
    };
    let headers = as_kept(&headers)?;
    match webhooks.hub.receive_report(gateway, headers, host, body.to_vec()).await {
        Ok(received) => answer(received),
        // The merchant was removed while its gateway was looked up.
        Err(HubError::NoMerchant) => Err(Problem::not_found()),
        Err(error @ (HubError::Store(_) | HubError::Interrupted)) => Err(Problem::internal(error)),
    }
}

fn answer(received: Received) -> Result<Response, Problem> {
    match received {
        Received::Accepted => Ok(axum::Json(json!({"received": true})).into_response()),
        Received::Again => Ok(axum::Json(json!({"received": true, "repeated": true})).into_response()),
        Received::Refused => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad_signature",
            "The signature does not fit. Check the signing key of this gateway, and the host that is signed: it is the public host of this server, without a port.",
        )),
        Received::Unreadable => Err(Problem::bad_request(
            "unreadable_report",
            "The signature fits, but the body cannot be read as a report.",
        )),
        Received::Later => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "gateway_unusable",
            "The report is kept, and cannot be checked now. Send it again later.",
        )),
        Received::UnknownGateway => Err(Problem::not_found()),
    }
}

fn unread(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let words = format!("A report has at most {REPORT_BYTES_MAX} bytes.");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words);
    }
    Problem::bad_request("body_cut_off", "The body ended before it was whole; send it again.")
}

/// Names are in lower case already; bytes that are no text become the replacement character, which no signature fits.
fn as_kept(headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
    let sizes = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    if sizes.fold(0, usize::saturating_add) > HEADER_BYTES_MAX {
        return Err(Problem::bad_request("headers_too_large", "The headers are too large."));
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect())
}
