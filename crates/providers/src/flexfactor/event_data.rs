//! `EventData` of refunds and chargebacks. Its shape is not documented where it can be read, and null in the samples, so
//! likely names are tried, and what is not told is `None` (M32): nothing is made up.
//!
//! Source of the names: the refund request of <https://docs.flexfactor.io/docs/refund> and the amounts of
//! <https://docs.flexfactor.io/docs/evaluate> (minor units everywhere but in `amountToRefund`).

use domain::{Currency, Money};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::json::{first_text, get};

/// Minor units when whole, major units when written with a point.
const AMOUNTS: [&str; 5] = ["amount", "refundAmount", "refundedAmount", "chargebackAmount", "disputeAmount"];
/// Major units, always.
const MAJOR_AMOUNTS: [&str; 2] = ["amountToRefund", "amountRefunded"];
const CURRENCIES: [&str; 2] = ["currency", "currencyCode"];
const REASONS: [&str; 5] =
    ["reasonCode", "chargebackReasonCode", "disputeReasonCode", "reason_code", "reason"];
const DATES: [&str; 6] = ["chargebackDate", "disputeDate", "receivedDate", "date", "createdOn", "timestamp"];

/// The data of a report: an object, or a text that holds one; null when there is none.
pub(crate) fn of(body: &Value) -> Value {
    match get(body, "EventData") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(data) => data.clone(),
        None => Value::Null,
    }
}

/// How much, above zero; `None` when no amount, no currency, or something unreadable is told.
pub(crate) fn amount(data: &Value, currency_beside: Option<&Value>) -> Option<Money> {
    let told = first_text(data, &CURRENCIES);
    let beside = currency_beside.and_then(Value::as_str).unwrap_or_default();
    let currency = Currency::parse(if told.is_empty() { beside } else { &told })?;
    let (plain, major) = (first_text(data, &AMOUNTS), first_text(data, &MAJOR_AMOUNTS));
    let amount = if !plain.is_empty() && !plain.contains('.') {
        Money::new(plain.parse().ok()?, currency)
    } else {
        let text = if plain.is_empty() { major } else { plain };
        Money::parse_in(&text, currency).ok()?
    };
    (amount.minor() > 0).then_some(amount)
}

/// The issuer's reason code; empty when none is told.
pub(crate) fn reason(data: &Value) -> String {
    first_text(data, &REASONS)
}

/// When it happened; `None` when it is not told.
pub(crate) fn date(data: &Value) -> Option<Timestamp> {
    moment(&first_text(data, &DATES))
}

/// An ISO 8601 moment; one without a zone, and a bare date, are in UTC.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({"amount": 1_999, "currency": "USD"}), Some(1_999))]
    #[case(json!({"Amount": "1999", "Currency": "usd"}), Some(1_999))]
    #[case(json!({"amount": 19.99, "currency": "USD"}), Some(1_999))]
    #[case(json!({"amount": "20.00", "currencyCode": "USD"}), Some(2_000))]
    #[case(json!({"amountToRefund": 12.3, "currency": "USD"}), Some(1_230))]
    #[case(json!({"AmountToRefund": 12, "currency": "USD"}), Some(1_200))]
    #[case(json!({"chargebackAmount": 5, "currency": "USD"}), Some(5))]
    #[case(json!({"amount": 1_999}), None)]
    #[case(json!({"amount": 1_999, "currency": "XXQ"}), None)]
    #[case(json!({"amount": -5, "currency": "USD"}), None)]
    #[case(json!({"amount": 0, "currency": "USD"}), None)]
    #[case(json!({"amount": "much", "currency": "USD"}), None)]
    #[case(json!({"currency": "USD"}), None)]
    #[case(json!(null), None)]
    #[case(json!([1_999, "USD"]), None)]
    fn m32_an_amount_is_read_or_none(#[case] data: Value, #[case] minor: Option<i64>) {
        assert_eq!(amount(&data, None), minor.map(|minor| Money::new(minor, Currency::USD)));
    }

    #[test]
    fn m32_the_currency_may_stand_beside_the_data() {
        let found = amount(&json!({"amount": 7}), Some(&json!("CAD"))).unwrap();
        assert_eq!((found.minor(), found.currency().code()), (7, "CAD"));
    }

    #[test]
    fn data_may_be_a_text_that_holds_an_object() {
        assert_eq!(of(&json!({"eventdata": "{\"amount\": 3}"})), json!({"amount": 3}));
        assert_eq!(of(&json!({"EventData": "nothing"})), Value::Null);
        assert_eq!(of(&json!({})), Value::Null);
    }

    #[rstest]
    #[case("2026-01-02T03:04:05.678901Z", Some("2026-01-02T03:04:05.678901Z"))]
    #[case("2026-01-02T03:04:05+02:00", Some("2026-01-02T01:04:05Z"))]
    #[case("2026-01-02T03:04:05", Some("2026-01-02T03:04:05Z"))]
    #[case("2026-01-02", Some("2026-01-02T00:00:00Z"))]
    #[case("yesterday", None)]
    #[case("", None)]
    fn moments_without_a_zone_are_in_utc(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(moment(text), expected.map(|text| text.parse().unwrap()));
    }
}
