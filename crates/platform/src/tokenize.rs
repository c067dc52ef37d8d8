//! `POST /v1/tokenize`: a token for a card.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::ids::MerchantId;
use serde::Deserialize;
use serde_json::{Value, json};
use storage::platform::{CardToken, PlatformAccount, insert_card_token};
use storage::{Transaction, cards};
use uuid::Uuid;

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::auth::bearer_of;
use crate::body::{Body, storable};

/// Digits shown under the name `first_six_digits`: eight, as observed from the real service.
const FIRST_DIGITS: usize = 8;

/// Instead of an access token: the account and its tokenization key.
#[derive(Deserialize)]
pub(crate) struct Keys {
    #[serde(default)]
    mid: String,
    #[serde(default)]
    environment: String,
}

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    keys: Result<Query<Keys>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let keys = keys.ok().map(|Query(keys)| keys);
    tokenize(&platform, keys, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

/// Browsers and some clients send the two query parameters, others the bearer: either is enough.
async fn account(
    platform: &Platform,
    keys: Option<Keys>,
    headers: &HeaderMap,
) -> Result<PlatformAccount, Refusal> {
    match keys.filter(|keys| !keys.environment.is_empty()) {
        Some(keys) => {
            let mid = keys.mid.parse::<Uuid>().map_err(|_| Refusal::Unauthorized)?;
            let found =
                platform.account_of_environment(MerchantId::from_uuid(mid), &keys.environment).await?;
            match found {
                Some(account) => Ok(account),
                None if bearer_of(headers).is_some() => platform.authenticate(headers).await,
                None => Err(Refusal::Unauthorized),
            }
        }
        None => platform.authenticate(headers).await,
    }
}

struct Asked {
    number: CardNumber,
    expiry: Expiry,
    code: Option<SecurityCode>,
    first_name: String,
    last_name: String,
    email: String,
}

fn read(body: &Body, now: jiff::Timestamp) -> Result<Asked, Refusal> {
    let card = |name: &str| body.text(&format!("paymentmethod.creditcard.{name}"));
    let mut problems = Vec::new();
    let number = card("number");
    let parsed = CardNumber::parse(&number);
    match (&parsed, number.is_empty()) {
        (_, true) => {
            problems.push(("PaymentMethod.CreditCard.Number", "The Number field is required.".to_owned()));
        }
        (Err(error), false) => {
            problems
                .push(("PaymentMethod.CreditCard.Number", format!("The field Number is invalid: {error}.")));
        }
        (Ok(_), false) => {}
    }
    let expiry = Expiry::parse(&card("month"), &card("year"));
    match expiry {
        Err(error) => {
            problems
                .push(("PaymentMethod.CreditCard.Month", format!("The field Month is invalid: {error}.")));
        }
        Ok(expiry) if expiry.is_past(now) => {
            problems.push(("PaymentMethod.CreditCard.Year", "The card has expired.".to_owned()));
        }
        Ok(_) => {}
    }
    let code = card("verificationvalue");
    let code = (!code.is_empty()).then(|| SecurityCode::parse(&code)).transpose();
    if let Err(error) = &code {
        let message = format!("The field VerificationValue is invalid: {error}.");
        problems.push(("PaymentMethod.CreditCard.VerificationValue", message));
    }
    let (Ok(number), Ok(expiry), Ok(code), true) = (parsed, expiry, code, problems.is_empty()) else {
        return Err(Refusal::Invalid(problems));
    };
    let first = |one: String, other: String| if one.is_empty() { other } else { one };
    Ok(Asked {
        number,
        expiry,
        code,
        first_name: storable(&card("firstname")),
        last_name: storable(&card("lastname")),
        email: storable(&first(body.text("paymentmethod.email"), card("email"))),
    })
}

async fn tokenize(
    platform: &Platform,
    keys: Option<Keys>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let account = account(platform, keys, headers).await?;
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let now = platform.now();
    let asked = read(&body, now)?;
    let card = platform.sealed_card(account.merchant_id, &asked.number, asked.expiry)?;
    let token = CardToken {
        merchant_id: account.merchant_id,
        id: platform.minter.mint(),
        card_id: card.id,
        expires: asked.expiry.year_month(),
        first_name: asked.first_name.clone(),
        last_name: asked.last_name.clone(),
        email: asked.email.clone(),
        created_at: now,
    };
    let transaction =
        Transaction::new("tokenize").with(cards::upsert(&card, now)).with(insert_card_token(&token));
    platform.store().commit(transaction).await?;
    let answer = answer(platform, &token, &asked);
    if let Some(code) = asked.code {
        platform.security_codes.keep(token.id, code, now);
    }
    Ok(json_response(StatusCode::OK, &answer))
}

/// The shape that the service took over from another vault; most members are always null.
fn answer(platform: &Platform, token: &CardToken, asked: &Asked) -> Value {
    let at = token.created_at.to_string();
    let test = platform.settings.sandbox;
    let payment_method = json!({
        "token": token.id.uuid(), "created_at": at, "updated_at": at, "email": null, "data": null,
        "storage_state": null, "test": test, "metadata": null,
        "last_four_digits": asked.number.last_four(),
        "first_six_digits": asked.number.expose().get(..FIRST_DIGITS),
        "card_type": null, "first_name": asked.first_name, "last_name": asked.last_name,
        "month": asked.expiry.month(), "year": asked.expiry.year(),
        "address1": null, "address2": null, "city": null, "state": null, "zip": null, "country": null,
        "phone_number": null, "company": null, "full_name": null, "payment_method_type": null, "errors": null,
        "fingerprint": null, "verification_value": null, "number": null,
    });
    let transaction = json!({
        "on_test_gateway": test, "created_at": at, "updated_at": at, "succeeded": true, "state": null,
        "token": null, "transaction_type": null, "order_id": null, "ip": null, "description": null, "email": null,
        "merchant_name_descriptor": null, "merchant_location_descriptor": null, "gateway_specific_fields": null,
        "gateway_specific_response_fields": null, "gateway_transaction_id": null, "gateway_latency_ms": null,
        "amount": 0, "currency_code": null, "retain_on_success": null, "payment_method_added": false,
        "message_key": null, "message": null, "response": null, "payment_method": payment_method,
    });
    envelope(true, json!({"transaction": transaction, "cardBinInfo": null}))
}
