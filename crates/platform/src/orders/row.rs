//! An order as it is shown, alone and in the list.

use serde_json::{Value, json};
use storage::platform::{Recovery, RecoveryState};

use crate::evaluate::details::{self, Place};

/// The service's status numbers and their names (<https://docs.flexfactor.io/docs/orders-id>).
pub(crate) const STATUSES: [(i64, &str); 8] = [
    (0, "Draft"),
    (1, "Onhold"),
    (2, "Cancelled"),
    (3, "Problem"),
    (4, "Processing"),
    (5, "Capturerequired"),
    (6, "Returned"),
    (7, "Completed"),
];

/// The status number, and its name in the words of an evaluate's answer.
pub(crate) fn status_of(state: RecoveryState) -> (i64, &'static str) {
    match state {
        RecoveryState::Challenge => (1, "CHALLENGE"),
        RecoveryState::Doubtful | RecoveryState::Declined => (2, "DECLINED"),
        RecoveryState::Cancelled => (2, "CANCELLED"),
        RecoveryState::Expired => (2, "EXPIRED"),
        RecoveryState::Processing | RecoveryState::Open => (4, "PROCESSING"),
        RecoveryState::CaptureRequired => (5, "CAPTUREREQUIRED"),
        RecoveryState::Refunded => (6, "RETURNED"),
        RecoveryState::Approved => (7, "APPROVED"),
    }
}

/// An order. `externalOrderId`, `amount`, `refundedAmount` (minor units), `currency`, `chargebackDate` and `reason` are
/// our own additions.
pub(crate) fn row(recovery: &Recovery) -> Value {
    let (status, name) = status_of(recovery.state);
    let details = details::read(recovery);
    json!({
        "id": recovery.id.uuid(),
        "correlationId": recovery.idempotency_key,
        "referenceNumber": recovery.id.base32().to_ascii_uppercase(),
        "status": status,
        "statusName": name,
        "orderPlacedDate": recovery.created_at.to_string(),
        "expiryDate": recovery.managed.as_ref().map(|managed| managed.expires_at.to_string()),
        "billingAddress": place(&details.billing),
        "shippingAddress": place(&details.shipping),
        "firstName": details.billing.first_name,
        "lastName": details.billing.last_name,
        "email": details.email,
        "phone": details.phone,
        "secondaryEmail": null,
        "currencyCode": recovery.amount.currency().code(),
        "currencySymbol": recovery.amount.currency().symbol(),
        "externalOrderId": recovery.external_order_id,
        "amount": recovery.amount.minor(),
        "refundedAmount": recovery.refunded_minor,
        "currency": recovery.amount.currency().code(),
        "cardLast4Digits": details.card_last_four,
        "chargebackDate": recovery.charged_back_at.map(|at| at.to_string()),
        "reason": recovery.reason,
    })
}

fn place(place: &Place) -> Value {
    json!({
        "firstName": place.first_name,
        "lastName": place.last_name,
        "addressLine1": place.line1,
        "addressLine2": place.line2,
        "city": place.city,
        "state": place.state,
        "zipCode": place.postal_code,
        "country": place.country,
    })
}
