//! The answer to an evaluate, made of the recovery: asked again, it is the same.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use storage::platform::Recovery;

use crate::answer::{envelope, json_response};

/// The money is taken.
pub(crate) const APPROVED: &str = "APPROVED";
/// Not taken.
pub(crate) const DECLINED: &str = "DECLINED";
/// Held; to be captured.
pub(crate) const CAPTURE_REQUIRED: &str = "CAPTUREREQUIRED";
/// Taken in, to be worked on for days.
pub(crate) const SUBMITTED: &str = "SUBMITTED";
/// To be passed by the shopper.
pub(crate) const CHALLENGE: &str = "CHALLENGE";

/// HTTP 200 with a status, for declines too. Both ids are ours: clients read one or the other.
pub(crate) fn response(recovery: &Recovery, status: &str, sense_key: Option<&str>) -> Response {
    let success = status != DECLINED;
    let own = json!({
        "orderSessionKey": recovery.id.uuid(),
        "senseKey": sense_key,
        "orderId": recovery.id.uuid(),
        "result": if success { "Success" } else { "Declined" },
        "status": status,
        "customProperties": {"reason": recovery.reason},
    });
    json_response(StatusCode::OK, &envelope(success, own))
}
