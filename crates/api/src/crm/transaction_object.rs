//! An attempt as these calls answer it: a *transaction* (crm.md 2.3).

use domain::attempt::{Attempt, AttemptState};
use domain::configuration::Configuration;
use domain::declines::Class;
use domain::ids::SubscriptionId;
use domain::order::{CardShown, Order};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use storage::chargebacks::Chargeback;

use super::account::AccountTime;
use super::numbers::number_of;
use super::order_object::{buyer, order_type};

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

/// The bill that an attempt collects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfBill {
    /// Its subscription.
    pub(crate) subscription_id: SubscriptionId,
    /// Its cycle.
    pub(crate) cycle: i64,
    /// Whether it is a rebill: the completion of a trial is not (Q24).
    pub(crate) is_rebill: bool,
}

/// The attempt with the facts of the order that it is shown under, the bill that it collects, and the card that it was
/// made with.
pub(crate) fn transaction_object(
    configuration: &Configuration,
    order: &Order,
    bill: Option<&OfBill>,
    attempt: &Attempt,
    card: Option<&CardShown>,
    chargeback: Option<&Chargeback>,
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
        "orderId": order.id.base32(),
        "purchaseId": bill.map(|bill| bill.subscription_id.base32()),
        "customerId": order.customer_id.base32(),
        "campaignId": order.campaign_number,
        "campaignName": configuration.campaign(order.campaign_id).map(|campaign| campaign.title.as_str()),
        "orderType": order_type(bill.is_some_and(|bill| bill.is_rebill)),
        "billingCycleNumber": bill.map_or(1, |bill| bill.cycle),
        // 0 outside recycle billing, 1 to 9 for Re-Attempts, 10 for the Final Attempt.
        "recycleNumber": attempt.slot.unwrap_or(0),
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
    put(chargeback_fields(&time, chargeback));
    Value::Object(object)
}

/// Whether the transaction is charged back, and how; the date is a day of the account (crm.md 10.1).
fn chargeback_fields(time: &AccountTime, chargeback: Option<&Chargeback>) -> Value {
    let day = chargeback.map(|one| time.show(one.charged_back_at));
    json!({
        "isChargedback": i64::from(chargeback.is_some()),
        "chargebackAmount": chargeback.map(|one| one.amount.decimal()),
        "chargebackDate": day.as_deref().and_then(|day| day.split(' ').next()),
        "chargebackReasonCode": chargeback.map(|one| one.reason.as_str()),
        "chargebackNote": chargeback.map(|one| one.note.as_str()),
    })
}
