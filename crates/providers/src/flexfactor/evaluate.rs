//! Hands a declined payment over: token, tokenization, evaluation.
//!
//! Source: <https://docs.flexfactor.io/docs/evaluate> and the request of
//! <https://github.com/activemerchant/active_merchant> (`flex_charge.rb`); the body satisfies the generations of 2023 to 2026.
//!
//! With an open salvage it is the managed flow for merchant-initiated payments, [`super::managed`]; without one nothing of
//! that is sent (R16).

use domain::attempt::{Approval, Doubt, Initiator, Purpose, RawDecline};
use domain::contact::Address;
use domain::declines::Reason;
use gateways::{ChargeOutcome, ChargeRequest, GatewayError, HttpAnswer, Method, Rejection, Salvaged};
use serde_json::{Value, json};

use super::client::{Client, value};
use super::json::{first_text, messages, text};
use super::managed;
use super::tokenize::tokenize;
use crate::patience::Patience;

/// Longest time, seconds, for token and tokenization together; evaluation begins within it or never (M1).
pub(crate) const PREPARE_SECS_MAX: u32 = 10;

/// Submits a salvage. Whatever fails before the evaluation is "not sent" (M11).
pub(crate) async fn charge(client: &Client, request: &ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
    let salvaged = check(request)?;
    let patience = Patience::of_secs(PREPARE_SECS_MAX);
    let late = || {
        GatewayError::NotSent(anyhow::anyhow!(
            "FlexFactor did not answer token calls in {PREPARE_SECS_MAX} s"
        ))
    };
    let prepare = async { anyhow::Ok((client.token().await?, tokenize(client, request).await?)) };
    let (token, card) = patience.wait(prepare).await.ok_or_else(late)?.map_err(GatewayError::NotSent)?;
    let url = client.at(&["evaluate"], &[]);
    let body = body(client, request, salvaged, &card).to_string().into_bytes();
    let mut answer = client.send(Method::Post, &url, &token, body.clone()).await?;
    if answer.status == 401 {
        // Refused for its token: nothing was evaluated, so the same request may go again, with the same keys.
        client.forget_token();
        let token = patience.wait(client.token()).await.ok_or_else(late)?.map_err(GatewayError::NotSent)?;
        answer = client.send(Method::Post, &url, &token, body).await?;
    }
    outcome(client, request, &answer)
}

/// What this gateway takes: a declined collection with an amount; from checkouts also the buyer's IP address (R53).
fn check(request: &ChargeRequest) -> Result<&Salvaged, GatewayError> {
    let refuse = |text: &str| {
        let rejection =
            Rejection { reason: Reason::InvalidRequest, code: String::new(), text: text.to_owned() };
        Err(GatewayError::Rejected(rejection))
    };
    if request.purpose == Purpose::Hold {
        return refuse("FlexFactor takes no holds");
    }
    if request.amount.minor() <= 0 {
        return refuse("FlexFactor takes no amount of zero");
    }
    if !is_merchant_initiated(request) && !request.contact.has_ip_address() {
        return refuse("FlexFactor needs the buyer's IP address in a checkout");
    }
    match &request.salvaged {
        Some(salvaged) => Ok(salvaged),
        None => refuse("FlexFactor takes declined payments only"),
    }
}

/// An open salvage runs without the customer, also when the decline was a checkout's: reruns (M25).
fn is_merchant_initiated(request: &ChargeRequest) -> bool {
    request.initiator == Initiator::Merchant || request.open_salvage.is_some()
}

/// The request's body. Codes that were hidden are "NA": older generations of the API refuse empty ones.
fn body(client: &Client, request: &ChargeRequest, salvaged: &Salvaged, token: &str) -> Value {
    let (raw, contact, card) = (&salvaged.raw, &request.contact, &request.card);
    let mut body = json!({
        "isDeclined": true,
        "isMIT": is_merchant_initiated(request),
        "mid": client.mid,
        "siteId": client.site_id,
        "orderId": request.reference,
        "idempotencyKey": request.idempotency_key.to_string(),
        "transactionType": "PURCHASE",
        "transaction": {
            "id": salvaged.attempt,
            "amount": request.amount.minor(),
            "currency": request.amount.currency().code(),
            "timestampUtc": salvaged.declined_at.to_string(),
            "timezoneUtcOffset": 0,
            "responseCode": or_na(&raw.code),
            "responseCodeSource": or_na(&salvaged.source),
            "responseDescription": raw.text,
            "responseStatus": "DECLINED",
            "avsResultCode": or_na(&raw.avs),
            "cvvResultCode": or_na(&raw.cvv),
            "cavvResultCode": "NA",
            "cardNotPresent": true,
        },
        "payer": { "email": or_na(&contact.email), "phone": contact.phone },
        "billingInformation": address(&contact.billing, &contact.phone),
        "shippingInformation": address(&contact.shipping, &contact.phone),
        "paymentMethod": {
            "cardNumber": token,
            "token": true,
            "holderName": format!("{} {}", contact.billing.first_name, contact.billing.last_name).trim(),
            "cardType": "CREDIT",
            "cardBrand": card.number.brand().as_str().to_ascii_uppercase(),
            "expirationMonth": card.expiry.month(),
            "expirationYear": card.expiry.year(),
            "cardBinNumber": card.number.bin(),
            "cardLast4Digits": card.number.last_four(),
        },
    });
    if let Some(members) = body.as_object_mut() {
        if contact.has_ip_address() {
            members.insert("customerIp".to_owned(), json!(contact.ip_address));
        }
        members.extend(request.open_salvage.iter().flat_map(managed::members));
    }
    body
}

fn or_na(text: &str) -> &str {
    if text.trim().is_empty() { "NA" } else { text }
}

fn address(address: &Address, phone: &str) -> Value {
    json!({
        "firstName": address.first_name,
        "lastName": address.last_name,
        "country": address.country,
        "countryCode": address.country,
        "addressLine1": address.line1,
        "addressLine2": address.line2,
        "city": address.city,
        "state": address.state,
        "zipCode": address.postal_code,
        "phone": phone,
    })
}

/// What the answer to an evaluation means.
///
/// CHALLENGE is documented for checkouts, where it is read as a decline that shopper input could still turn; the order
/// exists and may yet be approved. So it is an open answer here too, also for a merchant-initiated payment, where nobody
/// says what it means: it ends by a report, a look-up or a cancellation, never by our guess (M9, M21).
fn outcome(
    client: &Client,
    request: &ChargeRequest,
    answer: &HttpAnswer,
) -> Result<ChargeOutcome, GatewayError> {
    if let Some(failure) = client.failure(answer) {
        return Err(failure);
    }
    let lost = |words: &str| GatewayError::InDoubt(Doubt::LostAnswer, anyhow::anyhow!(words.to_owned()));
    let body = value(answer).ok_or_else(|| lost("the answer to the evaluation is not JSON"))?;
    let reference = client.scrubber.id(&first_text(&body, &["orderSessionKey", "orderId"]));
    let status = client.scrubber.clean(&text(&body, "status"));
    let said = messages(&body).join("; ");
    let words = if said.is_empty() { status.clone() } else { client.scrubber.clean(&said) };
    if status == "DECLINED" {
        let raw = RawDecline { reference, code: status, text: words, ..RawDecline::default() };
        return Ok(ChargeOutcome::Declined(raw));
    }
    if reference.is_empty() {
        return Err(lost("the answer to the evaluation names no order"));
    }
    let approval = |reference: String| Approval {
        reference,
        auth_code: String::new(),
        avs: String::new(),
        cvv: String::new(),
        text: words,
        amount: request.amount,
    };
    match status.as_str() {
        "APPROVED" => Ok(ChargeOutcome::Approved(approval(reference))),
        "CAPTUREREQUIRED" => Ok(ChargeOutcome::Held(approval(reference))),
        "CHALLENGE" | "SUBMITTED" | "PROCESSING" => Ok(ChargeOutcome::Pending(reference)),
        _ => Err(lost("the answer to the evaluation has no status that we know")),
    }
}
