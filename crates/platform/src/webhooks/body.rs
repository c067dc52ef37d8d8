//! An event's body: `PascalCase` names, all members always there.

use domain::ids::RecoveryId;
use serde_json::{Value, json};
use storage::platform::PlatformEvent;

/// Kinds that carry the order's confirmation id: those about money that was taken or held.
const CONFIRMED: [&str; 4] =
    ["order.completed", "order.capturerequired", "order.refunded", "payment.chargeback.received"];

/// The short code of an order: 8 upper-case hex digits, the same in everything that is told about it.
pub(crate) fn confirmation_id(id: RecoveryId) -> String {
    let hex = id.uuid().simple().to_string();
    hex.get(24..).unwrap_or_default().to_ascii_uppercase()
}

/// The body as it is sent. A repetition differs in `IsResent` only.
pub(super) fn of(event: &PlatformEvent, is_test: bool) -> Vec<u8> {
    let data: Value =
        event.event_data.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let confirmation = CONFIRMED.contains(&event.kind.as_str()).then(|| confirmation_id(event.recovery_id));
    json!({
        "Event": event.kind,
        "TimeStamp": event.created_at.to_string(),
        "EventData": data,
        "ExternalOrderId": event.external_order_id,
        "OrderId": event.recovery_id.uuid(),
        "ConfirmationId": confirmation,
        "IsTestMode": is_test,
        "IsResent": event.tries > 0,
    })
    .to_string()
    .into_bytes()
}
