//! `POST /v1/transmit`: a copy of an ordinary transaction. It is kept; nothing is charged.
//!
//! Source: <https://docs.flexfactor.io/docs/transmit-1>.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::money::{Currency, Money};
use serde_json::json;
use storage::Transaction;
use storage::platform::{Transmit, insert_transmit};

use crate::Platform;
use crate::answer::{Refusal, envelope, json_response};
use crate::body::{Body, storable};
use crate::evaluate::read::is_possible_id;

pub(crate) async fn endpoint(
    State(platform): State<Arc<Platform>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    transmit(&platform, &headers, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(&platform.minter))
}

/// Members that must be there, by their path and their name in the answer.
const REQUIRED: [(&str, &str, &str); 6] = [
    ("isdeclined", "IsDeclined", "The IsDeclined field is required."),
    ("orderid", "OrderId", "Merchant's orderId is required"),
    ("ismit", "IsMIT", "The IsMIT field is required."),
    ("transaction", "Transaction", "The Transaction field is required."),
    ("payer", "Payer", "The Payer field is required."),
    ("paymentmethod", "PaymentMethod", "The PaymentMethod field is required."),
];

/// What is kept besides, by path; card numbers in them are masked.
const KEPT: [&str; 10] = [
    "ismit",
    "isrecurring",
    "ordersource",
    "transaction.id",
    "transaction.timestamputc",
    "transaction.responsecode",
    "transaction.responsecodesource",
    "paymentmethod.cardbinnumber",
    "paymentmethod.cardlast4digits",
    "subscription.subscriptionid",
];

async fn transmit(platform: &Platform, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    let account = platform.authenticate(headers).await?;
    let body = Body::parse(body).ok_or_else(Refusal::not_json)?;
    let mut problems: Vec<_> = REQUIRED
        .into_iter()
        .filter(|(path, _, _)| !body.has(path))
        .map(|(_, name, message)| (name, message.to_owned()))
        .collect();
    if !is_possible_id(&body.text("orderid")) {
        problems.push(("OrderId", "The field OrderId is invalid.".to_owned()));
    }
    let minor = body.integer("transaction.amount").filter(|minor| *minor >= 0);
    let currency = Currency::parse(&body.text("transaction.currency"));
    if body.has("transaction") && minor.is_none() {
        problems.push(("Transaction.Amount", "The field Amount is invalid.".to_owned()));
    }
    if body.has("transaction") && currency.is_none() {
        problems.push(("Transaction.Currency", "The field Currency is invalid.".to_owned()));
    }
    let (Some(minor), Some(currency), true) = (minor, currency, problems.is_empty()) else {
        return Err(Refusal::Invalid(problems));
    };
    let details: serde_json::Map<_, _> =
        KEPT.iter().map(|path| ((*path).to_owned(), json!(storable(&body.text(path))))).collect();
    let kept = Transmit {
        merchant_id: account.merchant_id,
        id: platform.minter.uuid(),
        external_order_id: body.text("orderid"),
        is_declined: body.flag("isdeclined") == Some(true),
        amount: Money::new(minor, currency),
        details: serde_json::Value::Object(details).to_string(),
        created_at: platform.now(),
    };
    platform.store().commit(Transaction::new("transmit").with(insert_transmit(&kept))).await?;
    let own = json!({"result": "success", "status": 200, "transmitId": kept.id});
    Ok(json_response(StatusCode::OK, &envelope(true, own)))
}
