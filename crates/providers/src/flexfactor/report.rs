//! Reads a report: its signature, then its body.
//!
//! Source: <https://docs.flexfactor.io/docs/webhook> and <https://docs.flex-charge.com/docs/webhook>: JSON under any content
//! type, names in any case, additions possible.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateways::{RawReport, Report, ReportError, ReportKind, SigningKeys};
use jiff::Timestamp;
use serde_json::Value;

use super::event_data;
use super::json::{get, text};
use super::signature;
use crate::scrub::Scrubber;

/// The report, if one of these keys signed it.
pub(crate) fn read(keys: &SigningKeys, scrubber: &Scrubber, raw: &RawReport) -> Result<Report, ReportError> {
    let signature = signature::check(keys, raw)?;
    let bytes = raw.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw.body);
    let body: Value = serde_json::from_slice(bytes).map_err(|_| ReportError::Unreadable)?;
    let event = scrubber.clean(&text(&body, "Event"));
    if event.is_empty() {
        return Err(ReportError::Unreadable);
    }
    let kind = kind(&event, &body, scrubber);
    let reference = scrubber.id(&text(&body, "ExternalOrderId"));
    let gateway_reference = scrubber.id(&text(&body, "OrderId"));
    let names_nothing = reference.is_empty() && gateway_reference.is_empty();
    if names_nothing && !matches!(kind, ReportKind::Other(_)) {
        return Err(ReportError::Unreadable);
    }
    let at: Option<Timestamp> = event_data::moment(&text(&body, "TimeStamp"));
    let order = if gateway_reference.is_empty() { &reference } else { &gateway_reference };
    let repetition = at.filter(|_| !names_nothing).map(|at| repetition(&event, order, at));
    Ok(Report {
        kind,
        at: at.unwrap_or(signature.signed_at),
        signed_at: signature.signed_at,
        signature: repetition.unwrap_or(signature.text),
        reference,
        gateway_reference,
    })
}

/// What every delivery of one event has in common. A repetition has a nonce, a date and `IsResent` of its own, and so
/// another signature; its event, its order and `TimeStamp` are those of the first. Hashed, for names have any length.
fn repetition(event: &str, order: &str, at: Timestamp) -> String {
    let told = format!("{}\n{order}\n{at}", event.to_ascii_lowercase());
    STANDARD.encode(digest::digest(&digest::SHA512, told.as_bytes()))
}

/// Names of events in any case; those of challenges and payouts change nothing here.
fn kind(event: &str, body: &Value, scrubber: &Scrubber) -> ReportKind {
    let data = event_data::of(body);
    let currency = get(body, "Currency").or_else(|| get(body, "CurrencyCode"));
    let amount = || event_data::amount(&data, currency);
    match event.to_ascii_lowercase().as_str() {
        "order.completed" => ReportKind::Completed,
        "order.expired" => ReportKind::Expired,
        "order.cancelled" => ReportKind::Cancelled,
        "order.refunded" => ReportKind::Refunded(amount()),
        "order.capturerequired" => ReportKind::CaptureRequired,
        "payment.chargeback.received" => ReportKind::ChargedBack {
            amount: amount(),
            reason: scrubber.clean(&event_data::reason(&data)),
            at: event_data::date(&data),
        },
        _ => ReportKind::Other(event.to_owned()),
    }
}
