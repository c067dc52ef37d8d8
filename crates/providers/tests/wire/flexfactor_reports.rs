//! Reports from FlexFactor: signatures, events, and what is told about refunds and chargebacks.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Currency, Money};
use gateways::{Gateway, RawReport, Report, ReportError, ReportKind};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::{SIGNING_KEY, connect, flexfactor_settings, now};

const HOST: &str = "hooks.example.test";
const DATE: &str = "Fri, 02 Jan 2026 03:04:06 GMT";
const NONCE: &str = "0123456789abcdef0123456789abcdef";
const BASE: &str = "http://127.0.0.1:1/v1/";

/// A report as FlexFactor makes it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) body: Vec<u8>,
    pub(crate) key: String,
    pub(crate) with_second: bool,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            body: event("order.completed").to_string().into(),
            key: SIGNING_KEY.to_owned(),
            with_second: true,
        }
    }
}

/// Signs and sends it.
pub(crate) fn send(sent: &Sent) -> RawReport {
    let key = hmac::Key::new(hmac::HMAC_SHA512, &STANDARD.decode(&sent.key).unwrap());
    let sign = |text: &[u8]| STANDARD.encode(hmac::sign(&key, text));
    let hash = STANDARD.encode(digest::digest(&digest::SHA512, &sent.body));
    let signature = sign(format!("POST\n{NONCE};{DATE};{HOST};{hash}").as_bytes());
    let authorization = authorization(&signature);
    let mut headers = vec![
        ("content-type", "text/plain".to_owned()),
        ("x-fc-nonce", NONCE.to_owned()),
        ("x-fc-date", DATE.to_owned()),
        ("x-fc-content-sha512", hash),
        ("x-fc-authorization", authorization),
    ];
    if sent.with_second {
        headers.push(("x-fc-signature", sign(&sent.body)));
    }
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    RawReport { headers, host: HOST.to_owned(), body: sent.body.clone(), received_at: now() }
}

fn authorization(signature: &str) -> String {
    format!("HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature={signature}")
}

fn event(name: &str) -> Value {
    json!({
        "Event": name, "TimeStamp": "2026-01-02T03:04:05.678901Z", "EventData": null,
        "ExternalOrderId": "01jd3f6c5y0000000000000001", "OrderId": "ff-1", "ConfirmationId": "A1B2C3D4",
        "IsTestMode": true, "IsResent": false
    })
}

fn with(mut body: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("{members}") };
    body.as_object_mut().unwrap().extend(members);
    body
}

fn gateway() -> Arc<dyn Gateway> {
    connect("flexfactor", &flexfactor_settings(BASE)).0
}

fn read(body: &impl ToString) -> Result<Report, ReportError> {
    gateway().read_report(&send(&Sent { body: body.to_string().into_bytes(), ..Sent::default() }))
}

/// The test vector of the protocol notes, section 8.4: key bytes 0 to 63.
fn vector() -> (Arc<dyn Gateway>, RawReport) {
    let mut settings = flexfactor_settings(BASE);
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    settings.secret.insert("hmac_signing_key".to_owned(), SecretString::from(key));
    let body = r#"{"Event":"order.completed","TimeStamp":"2026-01-02T03:04:05.678901Z","EventData":null,"ExternalOrderId":"ORDER-100045","OrderId":"11111111-2222-4333-8444-555555555555","ConfirmationId":"A1B2C3D4","IsTestMode":true,"IsResent":false}"#;
    assert_eq!(body.len(), 231);
    let hash = "U6ZMFYxFE8RW05xONd+0Rrgtm28xHtGKtCUSSfbN4ApwdHoVYORfmzCOXeabg7ro97wvdD7alVFylXStuNkHhA==";
    let signature =
        "q/oIEuvBtQGrQw9X/9LEk+TJgR+o8hgwSlrtQYPfcopJkPnFACP/U/7fFKVwEbHiNSRkOO5X2lqOI1kUB93fEg==";
    let second = "RqRs2MBKjN4bN0RrGkU+7CTZNDvfkqBNLsfBCLXMJwmXPeoRt2zCQMxzDqcw060jDZusF62H4VE1oJU3a9zvRg==";
    let headers = [
        ("x-fc-nonce", NONCE.to_owned()),
        ("x-fc-date", DATE.to_owned()),
        ("x-fc-content-sha512", hash.to_owned()),
        ("x-fc-authorization", authorization(signature)),
        ("x-fc-signature", second.to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let raw = RawReport { headers, host: HOST.to_owned(), body: body.into(), received_at: now() };
    (connect("flexfactor", &settings).0, raw)
}

#[test]
fn r134_the_documented_signature_is_believed() {
    let (gateway, raw) = vector();
    let report = gateway.read_report(&raw).unwrap();
    let expected = Report {
        kind: ReportKind::Completed,
        reference: "ORDER-100045".to_owned(),
        gateway_reference: "11111111-2222-4333-8444-555555555555".to_owned(),
        at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
        signed_at: "2026-01-02T03:04:06Z".parse().unwrap(),
        signature: STANDARD.encode(digest::digest(
            &digest::SHA512,
            b"order.completed\n11111111-2222-4333-8444-555555555555\n2026-01-02T03:04:05.678901Z",
        )),
    };
    assert_eq!(report, expected);
}

#[rstest]
fn r134_a_report_with_any_header_changed_or_missing_is_refused(
    #[values("x-fc-nonce", "x-fc-date", "x-fc-content-sha512", "x-fc-authorization", "x-fc-signature")]
    name: &str,
) {
    let (gateway, raw) = vector();
    let at = raw.headers.iter().position(|(known, _)| known == name).unwrap();
    for byte in 0..raw.headers[at].1.len() {
        let mut changed = raw.clone();
        let mut value = changed.headers[at].1.clone().into_bytes();
        value[byte] = if value[byte] == b'A' { b'B' } else { b'A' };
        changed.headers[at].1 = String::from_utf8(value).unwrap();
        let read = gateway.read_report(&changed);
        assert!(matches!(read, Err(ReportError::Unsigned | ReportError::WrongSignature)), "{byte}: {read:?}");
    }
    let mut missing = raw.clone();
    missing.headers.remove(at);
    if name == "x-fc-signature" {
        assert!(gateway.read_report(&missing).is_ok(), "the second signature may be absent");
    } else {
        assert_eq!(gateway.read_report(&missing), Err(ReportError::Unsigned));
    }
    let mut doubled = raw.clone();
    doubled.headers.push(raw.headers[at].clone());
    assert_eq!(gateway.read_report(&doubled), Err(ReportError::Unsigned));
}

#[test]
fn r134_m32_the_host_is_the_configured_one_in_any_case() {
    let (gateway, raw) = vector();
    assert!(gateway.read_report(&RawReport { host: "Hooks.Example.TEST".to_owned(), ..raw.clone() }).is_ok());
    for host in ["hooks.example.test:443", "example.test", ""] {
        let changed = RawReport { host: host.to_owned(), ..raw.clone() };
        assert_eq!(gateway.read_report(&changed), Err(ReportError::WrongSignature), "{host}");
    }
}

#[test]
fn r134_another_key_or_a_previous_one_that_is_no_base64_believes_nothing() {
    let (_, raw) = vector();
    assert_eq!(gateway().read_report(&raw), Err(ReportError::WrongSignature));
    let mut settings = flexfactor_settings(BASE);
    settings.secret.insert("hmac_signing_key_previous".to_owned(), SecretString::from("not base64!"));
    settings.plain.insert("hmac_key_changed_at".to_owned(), now().to_string());
    let read = connect("flexfactor", &settings).0.read_report(&raw);
    assert_eq!(read, Err(ReportError::WrongSignature));
}

#[test]
fn r134_a_second_signature_by_another_key_is_refused() {
    let other = STANDARD.encode(b"another key");
    let mut raw = send(&Sent::default());
    let foreign = send(&Sent { key: other, ..Sent::default() });
    let second = |raw: &RawReport| raw.header("x-fc-signature").unwrap().to_owned();
    raw.headers.retain(|(name, _)| name != "x-fc-signature");
    raw.headers.push(("x-fc-signature".to_owned(), second(&foreign)));
    assert_eq!(gateway().read_report(&raw), Err(ReportError::WrongSignature));
    assert!(gateway().read_report(&send(&Sent { with_second: false, ..Sent::default() })).is_ok());
}

#[test]
fn m32_the_previous_key_is_believed_for_thirty_days_after_the_change() {
    let old = STANDARD.encode(b"the key before");
    let mut settings = flexfactor_settings(BASE);
    settings.secret.insert("hmac_signing_key_previous".to_owned(), SecretString::from(old.as_str()));
    let raw = |days: i64| {
        let received_at = now() + SignedDuration::from_hours(24 * days) - SignedDuration::from_secs(1);
        RawReport { received_at, ..send(&Sent { key: old.clone(), ..Sent::default() }) }
    };
    let without_moment = connect("flexfactor", &settings).0;
    assert_eq!(without_moment.read_report(&raw(1)), Err(ReportError::WrongSignature));
    settings.plain.insert("hmac_key_changed_at".to_owned(), now().to_string());
    let gateway = connect("flexfactor", &settings).0;
    assert!(gateway.read_report(&raw(30)).is_ok());
    assert_eq!(gateway.read_report(&raw(31)), Err(ReportError::WrongSignature));
    assert!(gateway.read_report(&send(&Sent::default())).is_ok(), "the current key is believed too");
}

#[rstest]
#[case("order.completed", ReportKind::Completed)]
#[case("Order.Completed", ReportKind::Completed)]
#[case("order.cancelled", ReportKind::Cancelled)]
#[case("order.expired", ReportKind::Expired)]
#[case("order.refunded", ReportKind::Refunded(None))]
#[case("order.capturerequired", ReportKind::CaptureRequired)]
#[case("payment.chargeback.received", ReportKind::ChargedBack { amount: None, reason: String::new(), at: None })]
#[case("challenge.passed", ReportKind::Other("challenge.passed".to_owned()))]
#[case("payout.created", ReportKind::Other("payout.created".to_owned()))]
#[case("order.dreamed", ReportKind::Other("order.dreamed".to_owned()))]
fn m32_events_become_kinds_also_without_data(#[case] name: &str, #[case] kind: ReportKind) {
    let report = read(&event(name)).unwrap();
    assert_eq!((report.kind, report.gateway_reference.as_str()), (kind, "ff-1"));
    assert_eq!(report.reference, "01jd3f6c5y0000000000000001");
}

#[test]
fn r153_what_is_told_about_a_chargeback_is_read() {
    let data =
        json!({"Amount": 1_999, "Currency": "USD", "ReasonCode": "10.4", "ChargebackDate": "2026-02-01"});
    let report = read(&with(event("payment.chargeback.received"), json!({"EventData": data}))).unwrap();
    let expected = ReportKind::ChargedBack {
        amount: Some(Money::new(1_999, Currency::USD)),
        reason: "10.4".to_owned(),
        at: Some("2026-02-01T00:00:00Z".parse().unwrap()),
    };
    assert_eq!(report.kind, expected);
}

#[test]
fn m16_the_amount_of_a_refund_is_read_and_never_made_up() {
    let told = |data: Value| read(&with(event("order.refunded"), json!({"EventData": data}))).unwrap().kind;
    let refunded = |minor| ReportKind::Refunded(Some(Money::new(minor, Currency::USD)));
    assert_eq!(told(json!({"amountToRefund": 5.5, "currency": "USD"})), refunded(550));
    assert_eq!(told(json!({"amount": 550, "currencyCode": "USD"})), refunded(550));
    for data in
        [json!(null), json!({}), json!({"amount": 550}), json!("x"), json!({"amount": {}, "currency": "USD"})]
    {
        assert_eq!(told(data), ReportKind::Refunded(None));
    }
}

#[test]
fn names_match_in_any_case_and_additions_and_a_byte_order_mark_are_let_pass() {
    let body = json!({"event": "order.completed", "TIMESTAMP": "2026-01-02T03:04:05Z", "externalorderid": "o",
        "orderID": "ff", "Added": {"later": [1]}});
    let report = read(&format!("\u{feff}{body}")).unwrap();
    assert_eq!((report.kind, report.reference.as_str()), (ReportKind::Completed, "o"));
    assert_eq!(
        (report.gateway_reference.as_str(), report.at),
        ("ff", "2026-01-02T03:04:05Z".parse().unwrap())
    );
}

#[test]
fn m32_without_a_time_of_its_own_a_report_happened_when_it_was_signed() {
    let report = read(&with(event("order.completed"), json!({"TimeStamp": null}))).unwrap();
    let signed: Timestamp = "2026-01-02T03:04:06Z".parse().unwrap();
    assert_eq!((report.at, report.signed_at), (signed, signed));
}

#[test]
fn r135_a_repetition_is_the_same_report_and_any_other_event_is_not() {
    let first = event("order.refunded");
    let same = |body: &Value| read(body).unwrap().signature == read(&first).unwrap().signature;
    assert!(same(&with(first.clone(), json!({"IsResent": true}))));
    assert!(same(&with(first.clone(), json!({"Event": "Order.Refunded", "ConfirmationId": null}))));
    assert!(same(&with(first.clone(), json!({"TimeStamp": "2026-01-02T03:04:05.678901000Z"}))));
    for other in [
        json!({"TimeStamp": "2026-01-02T03:04:05.678902Z"}),
        json!({"Event": "order.cancelled"}),
        json!({"OrderId": "ff-2"}),
    ] {
        assert!(!same(&with(first.clone(), other.clone())), "{other}");
    }
}

#[test]
fn r135_without_a_time_of_its_own_only_the_same_bytes_are_the_same_report() {
    let untimed = with(event("order.refunded"), json!({"TimeStamp": null}));
    let read = |body: &Value| read(body).unwrap().signature;
    assert_eq!(read(&untimed), read(&untimed));
    assert_ne!(read(&untimed), read(&with(untimed.clone(), json!({"IsResent": true}))));
    let payout =
        json!({"Event": "payout.created", "TimeStamp": "2026-01-02T03:04:05Z", "EventData": {"id": 1}});
    let other = with(payout.clone(), json!({"EventData": {"id": 2}}));
    assert_ne!(read(&payout), read(&other), "neither names an order");
}

#[rstest]
#[case("")]
#[case("order.completed")]
#[case("[]")]
#[case("{}")]
#[case(r#"{"Event": null, "OrderId": "ff"}"#)]
#[case(r#"{"Event": "order.completed"}"#)]
fn a_signed_body_that_tells_nothing_is_unreadable(#[case] body: &str) {
    assert_eq!(read(&body), Err(ReportError::Unreadable));
}

#[test]
fn a_payout_names_no_order() {
    let report = read(&json!({"Event": "payout.created"})).unwrap();
    assert_eq!(report.kind, ReportKind::Other("payout.created".to_owned()));
}

#[test]
fn r22_neither_reports_nor_errors_print_what_was_sent() {
    let raw = send(&Sent::default());
    assert!(!format!("{raw:?}").contains("order.completed"));
    let leak = format!("{SIGNING_KEY} 4111111111111111");
    let report = read(&with(event(&leak), json!({"ExternalOrderId": leak}))).unwrap();
    assert!(!format!("{report:?}").contains("planted"), "{report:?}");
}
