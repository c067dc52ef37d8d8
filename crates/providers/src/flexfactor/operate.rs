//! Captures, cancels and refunds.
//!
//! Source: <https://docs.flexfactor.io/docs/capture>, <https://docs.flexfactor.io/docs/cancel>,
//! <https://docs.flexfactor.io/docs/refund>.

use domain::attempt::Doubt;
use domain::declines::Reason;
use gateways::{
    GatewayError, HttpAnswer, Method, OperationKind, OperationOutcome, OperationRequest, Rejection,
};
use serde_json::{Value, json};

use super::client::{Client, value};
use super::json::{first_text, messages, text};

/// One try.
pub(crate) async fn operate(
    client: &Client,
    request: &OperationRequest,
) -> Result<OperationOutcome, GatewayError> {
    let id = request.gateway_reference.as_str();
    if id.is_empty() || (request.kind != OperationKind::Void && request.amount.minor() <= 0) {
        let text = "an order id and an amount above zero are needed".to_owned();
        let rejection = Rejection { reason: Reason::InvalidRequest, code: String::new(), text };
        return Err(GatewayError::Rejected(rejection));
    }
    let (url, body) = match request.kind {
        OperationKind::Capture => (client.at(&["capture"], &[]), capture_body(request)),
        OperationKind::Void => (client.at(&["orders", id, "cancel"], &[]), "{}".to_owned()),
        OperationKind::Refund => (client.at(&["orders", id, "refund"], &[]), refund_body(request)),
    };
    let answer = client.call(Method::Post, &url, body.into_bytes()).await?;
    if answer.status == 404 {
        let text = "FlexFactor does not know the order".to_owned();
        return Ok(OperationOutcome::Refused { code: "404".to_owned(), text });
    }
    if let Some(failure) = client.failure(&answer) {
        return Err(failure);
    }
    match request.kind {
        OperationKind::Void => Ok(cancelled(client, request, &answer)),
        OperationKind::Capture | OperationKind::Refund => moved(client, request, &answer),
    }
}

fn capture_body(request: &OperationRequest) -> String {
    json!({
        "idempotencyKey": request.idempotency_key.to_string(),
        "orderId": request.gateway_reference,
        "amount": request.amount.minor(),
        "currency": request.amount.currency().code(),
    })
    .to_string()
}

/// Refunds alone are in major units. The amount is written digit by digit, so no float rounds it on the way.
///
/// The key is that of the operation: no page that we could read documents one for refunds, and a service that knows none
/// ignores it; where it is known, two equal parts are two refunds and a repetition is none.
fn refund_body(request: &OperationRequest) -> String {
    let (amount, key) = (request.amount.decimal(), request.idempotency_key);
    format!("{{\"amountToRefund\":{amount},\"idempotencyKey\":\"{key}\"}}")
}

/// A cancellation is done by any 2xx, whose body is empty or `{}`, unless the body says otherwise.
fn cancelled(client: &Client, request: &OperationRequest, answer: &HttpAnswer) -> OperationOutcome {
    if is_refusal(answer) {
        return refused(client, &value(answer).unwrap_or_default());
    }
    OperationOutcome::Done { reference: request.gateway_reference.clone(), text: "cancelled".to_owned() }
}

/// Whether a 2xx says that nothing was done.
pub(crate) fn is_refusal(answer: &HttpAnswer) -> bool {
    value(answer).is_some_and(|body| text(&body, "success") == "false" || text(&body, "status") == "FAILED")
}

/// Captures and refunds say SUCCESS or FAILED; `responseMessage` is never asked (it said DECLINED on refunds that were done).
fn moved(
    client: &Client,
    request: &OperationRequest,
    answer: &HttpAnswer,
) -> Result<OperationOutcome, GatewayError> {
    let body = value(answer).unwrap_or_default();
    let status = first_text(&body, &["status", "captureStatus"]);
    match (status.as_str(), text(&body, "success").as_str()) {
        ("SUCCESS", "true" | "") => {
            let id = client.scrubber.id(&text(&body, "transactionId"));
            let reference = if id.is_empty() { request.gateway_reference.clone() } else { id };
            Ok(OperationOutcome::Done { reference, text: status })
        }
        ("FAILED", _) => Ok(refused(client, &body)),
        _ => {
            let words = anyhow::anyhow!("the answer says neither SUCCESS nor FAILED");
            Err(GatewayError::InDoubt(Doubt::Unclear, words))
        }
    }
}

fn refused(client: &Client, body: &Value) -> OperationOutcome {
    let code = first_text(body, &["responseCode", "statusCode", "status"]);
    let said = first_text(body, &["responseMessage"]);
    let said = if said.is_empty() { messages(body).join("; ") } else { said };
    OperationOutcome::Refused { code: client.scrubber.clean(&code), text: client.scrubber.clean(&said) }
}
