//! Turns a card into a token that FlexFactor accepts in its place.
//!
//! Source: <https://docs.flexfactor.io/docs/tokenize>: two query parameters and no bearer.

use gateways::ChargeRequest;
use serde_json::{Value, json};

use super::client::{Client, value};
use super::json::{get, text};

/// The token of the card in `request`. Moves no money.
pub(crate) async fn tokenize(client: &Client, request: &ChargeRequest) -> anyhow::Result<String> {
    let answer = client.send_twice("tokenization", client.tokenize_address(), &body(request)).await?;
    let token = value(&answer).and_then(|body| {
        let method = get(get(&body, "transaction")?, "payment_method")?;
        Some(text(method, "token")).filter(|token| !token.is_empty())
    });
    token.ok_or_else(|| anyhow::anyhow!("FlexFactor's answer to tokenization holds no token"))
}

/// An open salvage goes without the security code: the customer is not there to give it (R103, M25).
fn body(request: &ChargeRequest) -> Value {
    let (card, billing) = (&request.card, &request.contact.billing);
    let code = card.security_code.as_ref().filter(|_| request.open_salvage.is_none());
    json!({
        "payment_method": {
            "email": request.contact.email,
            "credit_card": {
                "first_name": billing.first_name,
                "last_name": billing.last_name,
                "number": card.number.expose(),
                "verification_value": code.map_or("", |code| code.expose()),
                "month": format!("{:02}", card.expiry.month()),
                "year": format!("{:04}", card.expiry.year()),
            }
        }
    })
}
