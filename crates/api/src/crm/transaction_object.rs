//! An attempt as these calls answer it: a *transaction* (crm.md 2.3).

use domain::attempt::{Attempt, AttemptState};
use domain::configuration::Configuration;
use domain::declines::Class;
use domain::order::{CardShown, Order};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::AccountTime;
use super::numbers::number_of;
use super::order_object::{ORDER_TYPE, buyer};

/// The words of `responseType`; `PENDING` is ours (Q2).
pub(crate) const RESPONSE_TYPES: [&str; 4] = ["SUCCESS", "SOFT_DECLINE", "HARD_DECLINE", "PENDING"];

/// The `responseType` of an attempt; none when it provably did nothing, for then it is no transaction.
pub(crate) fn response_type(state: &AttemptState) -> Option<&'static str> {
    match state {
        AttemptState::Approved { .. } => Some("SUCCESS"),
        AttemptState::Declined { decline, .. } if decline.class == Class::Soft => Some("SOFT_DECLINE"),
        AttemptState::Declined { .. } => Some("HARD_DECLINE"),
        AttemptState::Sending | AttemptState::InDoubt { .. } | AttemptState::Pending { .. } => {
            Some("PENDING")
        }
        AttemptState::NotExecuted { .. } => None,
    }
}

/// What the gateway said, as the API tells it.
#[derive(Debug, Default)]
struct Said<'a> {
    text: &'a str,
    reference: &'a str,
    auth_code: &'a str,
    avs: &'a str,
    cvv: &'a str,
    at: Option<Timestamp>,
}

fn said(state: &AttemptState) -> Said<'_> {
    match state {
        AttemptState::Approved { approval, at, .. } => Said {
            text: &approval.text,
            reference: &approval.reference,
            auth_code: &approval.auth_code,
            avs: &approval.avs,
            cvv: &approval.cvv,
            at: Some(*at),
        },
        AttemptState::Declined { decline, at } => Said {
            text: &decline.text_shown,
            reference: &decline.raw.reference,
            avs: &decline.raw.avs,
            cvv: &decline.raw.cvv,
            at: Some(*at),
            ..Said::default()
        },
        AttemptState::Pending { reference, .. } => Said { reference, ..Said::default() },
        AttemptState::Sending | AttemptState::InDoubt { .. } | AttemptState::NotExecuted { .. } => {
            Said::default()
        }
    }
}

/// The attempt with its order's facts and the card that it was made with.
pub(crate) fn transaction_object(
    configuration: &Configuration,
    order: &Order,
    attempt: &Attempt,
    card: Option<&CardShown>,
) -> Value {
    let time = AccountTime::of(&configuration.account);
    let gateway = configuration.gateway(attempt.gateway_id);
    let said = said(&attempt.state);
    let mut object = Map::new();
    let mut put = |fields: Value| {
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
    };
    put(buyer(order));
    put(json!({
        "transactionId": attempt.id.base32(),
        "orderId": attempt.order_id.base32(),
        "customerId": order.customer_id.base32(),
        "campaignId": order.campaign_number,
        "campaignName": configuration.campaign(order.campaign_id).map(|campaign| campaign.title.as_str()),
        "orderType": ORDER_TYPE,
        "merchant": gateway.map(|gateway| gateway.title.as_str()),
        "merchantId": number_of(configuration, Some(attempt.gateway_id)),
        "dateCreated": time.show(attempt.created_at),
        "dateUpdated": time.show(said.at.unwrap_or(attempt.created_at)),
        "txnType": "SALE",
        "responseType": response_type(&attempt.state),
        "responseText": said.text,
        "merchantTxnId": said.reference,
        "authCode": said.auth_code,
        "avsResponse": said.avs,
        "cvvResponse": said.cvv,
        "totalAmount": attempt.amount.decimal(),
        "currencyCode": attempt.amount.currency().code(),
        "currencySymbol": attempt.amount.currency().symbol(),
        "paySource": "CREDITCARD",
        "paySourceId": attempt.card_id.base32(),
        "cardBin": card.map(|card| card.bin.as_str()),
        "cardLast4": card.map(|card| card.last_four.as_str()),
        "cardType": card.map(|card| card.brand.to_ascii_uppercase()),
        // Ours: the decline that this attempt salvages, and why it was made.
        "salvagedTransactionId": attempt.salvages.map(domain::ids::AttemptId::base32),
        "why": attempt.why,
    }));
    Value::Object(object)
}
