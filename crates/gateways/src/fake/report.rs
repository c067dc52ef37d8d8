//! Reports of the fake: JSON, signed by a checksum over key, host and body. No cryptography: only tests believe it.

use domain::{Currency, Money};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::port::{RawReport, Report, ReportError, ReportKind};
use crate::signing::SigningKeys;

/// The key that fakes sign with unless their settings name another one.
pub const SIGNING_KEY: &str = "fake-signing-key";
/// The host that fakes report to.
pub const REPORT_HOST: &str = "hooks.example.test";
/// The header with the signature.
const HEADER: &str = "x-fake-signature";

/// What a report tells.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) kind: ReportKind,
    pub(super) reference: String,
    pub(super) gateway_reference: String,
    pub(super) at: Timestamp,
    pub(super) signed_at: Timestamp,
    /// Makes two reports different that tell the same.
    pub(super) number: u64,
}

/// FNV-1a over key, host and body, in hexadecimal digits.
fn signature(key: &str, host: &str, body: &[u8]) -> String {
    let bytes = key.bytes().chain(host.bytes()).chain(body.iter().copied());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{sum:016x}")
}

/// A signed report.
pub(super) fn write(key: &str, told: &Told, received_at: Timestamp) -> RawReport {
    let body = json!({
        "event": word(&told.kind),
        "detail": detail(&told.kind),
        "reference": told.reference,
        "gateway_reference": told.gateway_reference,
        "at": told.at.to_string(),
        "signed_at": told.signed_at.to_string(),
        "number": told.number,
    });
    let body = body.to_string().into_bytes();
    let signature = signature(key, REPORT_HOST, &body);
    let headers = vec![(HEADER.to_owned(), signature)];
    RawReport { headers, host: REPORT_HOST.to_owned(), body, received_at }
}

/// Reads a report that one of these keys signed.
pub(super) fn read(keys: &SigningKeys, raw: &RawReport) -> Result<Report, ReportError> {
    let shown = raw.header(HEADER).ok_or(ReportError::Unsigned)?;
    let fits = |key: &str| signature(key, &raw.host, &raw.body) == shown;
    if !keys.believed_at(raw.received_at).any(|key| fits(key.expose_secret())) {
        return Err(ReportError::WrongSignature);
    }
    let body: Value = serde_json::from_slice(&raw.body).map_err(|_| ReportError::Unreadable)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let moment = |name: &str| text(name).parse().map_err(|_| ReportError::Unreadable);
    Ok(Report {
        kind: kind(text("event"), body.get("detail").unwrap_or(&Value::Null)),
        reference: text("reference").to_owned(),
        gateway_reference: text("gateway_reference").to_owned(),
        at: moment("at")?,
        signed_at: moment("signed_at")?,
        signature: shown.to_owned(),
    })
}

fn word(kind: &ReportKind) -> &str {
    match kind {
        ReportKind::Completed => "completed",
        ReportKind::Expired => "expired",
        ReportKind::Cancelled => "cancelled",
        ReportKind::Refunded(_) => "refunded",
        ReportKind::CaptureRequired => "capture_required",
        ReportKind::ChargedBack { .. } => "charged_back",
        ReportKind::Other(name) => name,
    }
}

fn detail(kind: &ReportKind) -> Value {
    let told = |amount: &Money| json!({"minor": amount.minor(), "currency": amount.currency().code()});
    match kind {
        ReportKind::Refunded(amount) => json!({"amount": amount.as_ref().map(told)}),
        ReportKind::ChargedBack { amount, reason, at } => json!({
            "amount": amount.as_ref().map(told),
            "reason": reason,
            "at": at.map(|at| at.to_string()),
        }),
        ReportKind::Completed
        | ReportKind::Expired
        | ReportKind::Cancelled
        | ReportKind::CaptureRequired
        | ReportKind::Other(_) => Value::Null,
    }
}

fn kind(word: &str, detail: &Value) -> ReportKind {
    let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
    let amount = || {
        let told = detail.get("amount")?;
        let currency = Currency::parse(told.get("currency")?.as_str()?)?;
        Some(Money::new(told.get("minor")?.as_i64()?, currency))
    };
    match word {
        "completed" => ReportKind::Completed,
        "expired" => ReportKind::Expired,
        "cancelled" => ReportKind::Cancelled,
        "refunded" => ReportKind::Refunded(amount()),
        "capture_required" => ReportKind::CaptureRequired,
        "charged_back" => ReportKind::ChargedBack {
            amount: amount(),
            reason: text("reason").to_owned(),
            at: text("at").parse().ok(),
        },
        other => ReportKind::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeGateway, SALVAGE};
    use crate::port::Gateway;

    #[test]
    fn what_a_fake_reports_is_read_as_it_was_told() {
        let (gateway, now) = (FakeGateway::new(SALVAGE), Timestamp::from_second(86_400).unwrap());
        let money = Money::new(500, Currency::USD);
        for kind in [
            ReportKind::Completed,
            ReportKind::Expired,
            ReportKind::Cancelled,
            ReportKind::CaptureRequired,
            ReportKind::Refunded(None),
            ReportKind::Refunded(Some(money)),
            ReportKind::ChargedBack { amount: None, reason: String::new(), at: None },
            ReportKind::ChargedBack { amount: Some(money), reason: "10.4".to_owned(), at: Some(now) },
            ReportKind::Other("payout.created".to_owned()),
        ] {
            let raw = gateway.report(kind.clone(), "r-1", now);
            let read = gateway.read_report(&raw).unwrap();
            assert_eq!((read.kind.clone(), read.reference.as_str(), read.at), (kind.clone(), "r-1", now));
            let again = gateway.report(kind, "r-1", now);
            assert_ne!(gateway.read_report(&again).unwrap().signature, read.signature);
        }
    }
}
