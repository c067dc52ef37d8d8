//! An order as FlexFactor shows it.
//!
//! Source: <https://docs.flexfactor.io/docs/orders-id>; the field that holds our reference is not visible there, so
//! several names are read.

use domain::Money;
use domain::attempt::{Approval, RawDecline};
use domain::doubt::Finding;
use gateways::{BookedApproval, Standing};
use serde_json::Value;

use super::json::{first_text, text};
use crate::scrub::Scrubber;

/// Names that can only hold the merchant's own order id.
const OURS: [&str; 2] = ["externalOrderId", "merchantOrderId"];
/// Names that may hold it, or a number of FlexFactor's own.
const PERHAPS_OURS: [&str; 2] = ["orderReference", "referenceNumber"];

/// What the status of an order means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Taken.
    Completed,
    /// Held.
    CaptureRequired,
    /// Cancelled by either side.
    Cancelled,
    /// Declined by FlexFactor.
    Declined,
    /// Its time ran out.
    Expired,
    /// Given back.
    Returned,
    /// Stuck: the merchant shall contact the service.
    Problem,
    /// Being worked on.
    Working,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// FlexFactor's id.
    pub(crate) id: String,
    /// The merchant's own order id, from fields that can hold nothing else.
    ours: Vec<String>,
    /// What may be the merchant's own order id.
    perhaps_ours: Vec<String>,
    /// What its status means; `None` for one that we do not know.
    pub(crate) status: Option<Status>,
    /// The status as received.
    pub(crate) word: String,
    amount: String,
    currency: String,
}

impl Order {
    /// Reads an order; texts are cleaned.
    pub(crate) fn read(body: &Value, scrubber: &Scrubber) -> Self {
        let word = scrubber.clean(&first_text(body, &["statusName", "status"]));
        Self {
            id: scrubber.id(&first_text(body, &["id", "orderId", "orderSessionKey"])),
            ours: texts(body, &OURS),
            perhaps_ours: texts(body, &PERHAPS_OURS),
            status: status(&word),
            word,
            amount: first_text(body, &["amount", "orderAmount", "totalAmount"]),
            currency: first_text(body, &["currencyCode", "currency"]).to_ascii_uppercase(),
        }
    }

    /// Whether it carries our reference.
    pub(crate) fn carries(&self, reference: &str) -> bool {
        self.ours.iter().chain(&self.perhaps_ours).any(|id| id == reference)
    }

    /// The order as an entry of the books: none unless its money is taken or may still be.
    pub(crate) fn booked(&self) -> Option<BookedApproval> {
        let is_open = match self.status? {
            Status::Completed => false,
            Status::Working | Status::CaptureRequired => true,
            Status::Returned | Status::Cancelled | Status::Declined | Status::Expired | Status::Problem => {
                return None;
            }
        };
        let reference = self.ours.first().or_else(|| self.perhaps_ours.first()).cloned().unwrap_or_default();
        Some(BookedApproval { reference, gateway_reference: self.id.clone(), net_minor: None, is_open })
    }

    /// Whether it shows nothing that could be a reference of ours.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.ours.is_empty() && self.perhaps_ours.is_empty()
    }

    /// Whether it certainly belongs to another reference than ours.
    pub(crate) fn is_foreign(&self, reference: &str) -> bool {
        !self.ours.is_empty() && !self.carries(reference)
    }

    /// What the order says about an attempt over `asked`.
    pub(crate) fn finding(&self, asked: Money) -> Finding {
        let Some(status) = self.status else {
            return Finding::Unreachable(self.unknown_status());
        };
        if let Some(words) = self.contradiction(asked) {
            return Finding::Contradiction(words);
        }
        match status {
            Status::Completed => Finding::Approved(self.approval(asked)),
            Status::CaptureRequired => Finding::Held(self.approval(asked)),
            Status::Returned => Finding::Reversed(self.approval(asked)),
            Status::Cancelled | Status::Declined | Status::Expired => Finding::Declined(self.decline()),
            Status::Working | Status::Problem => Finding::Processing,
        }
    }

    /// Where an open salvage over `asked` stands. What does not fit is for a person, never guessed.
    pub(crate) fn standing(&self, asked: Money) -> Standing {
        let Some(status) = self.status else {
            return Standing::Unreachable(self.unknown_status());
        };
        if let Some(words) = self.contradiction(asked) {
            return Standing::Unreachable(words);
        }
        match status {
            Status::Completed => Standing::Approved(self.approval(asked)),
            Status::CaptureRequired => Standing::Held(self.approval(asked)),
            Status::Returned => Standing::Reversed(self.approval(asked)),
            Status::Cancelled => Standing::Cancelled,
            Status::Declined | Status::Expired => Standing::Failed(self.decline()),
            // Whether a stuck order is final is not documented: it is closed by a cancellation, never by itself (M21).
            Status::Working | Status::Problem => Standing::Working(self.id.clone()),
        }
    }

    fn unknown_status(&self) -> String {
        format!("the order has the unknown status {:?}", self.word)
    }

    /// What contradicts us in an order that money moved for.
    fn contradiction(&self, asked: Money) -> Option<String> {
        let with_money =
            matches!(self.status, Some(Status::Completed | Status::CaptureRequired | Status::Returned));
        (with_money && !self.fits(asked))
            .then(|| format!("the order shows {} {} where {asked} was asked for", self.amount, self.currency))
    }

    fn decline(&self) -> RawDecline {
        RawDecline {
            reference: self.id.clone(),
            code: self.word.clone(),
            text: self.word.clone(),
            ..RawDecline::default()
        }
    }

    /// Whether what the order shows of its amount is `asked`: minor units, or major units where it has a point.
    pub(crate) fn fits(&self, asked: Money) -> bool {
        let currency = self.currency.is_empty() || self.currency == asked.currency().code();
        let amount = match self.amount.as_str() {
            "" => true,
            text if text.contains('.') => Money::parse_in(text, asked.currency()) == Ok(asked),
            text => text.parse() == Ok(asked.minor()),
        };
        currency && amount
    }

    fn approval(&self, amount: Money) -> Approval {
        Approval {
            reference: self.id.clone(),
            auth_code: String::new(),
            avs: String::new(),
            cvv: String::new(),
            text: self.word.clone(),
            amount,
        }
    }
}

fn texts(body: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text(body, name)).filter(|text| !text.is_empty()).collect()
}

/// Rescue words (observed), title-case names and integers (documented) of one status.
fn status(word: &str) -> Option<Status> {
    let status = match word.to_ascii_uppercase().as_str() {
        "APPROVED" | "COMPLETED" | "SUCCESS" | "7" => Status::Completed,
        "CAPTUREREQUIRED" | "5" => Status::CaptureRequired,
        "CANCELLED" | "2" => Status::Cancelled,
        "DECLINED" => Status::Declined,
        "EXPIRED" => Status::Expired,
        "REFUNDED" | "RETURNED" | "6" => Status::Returned,
        "PROBLEM" | "3" => Status::Problem,
        "SUBMITTED" | "PROCESSING" | "CHALLENGE" | "DRAFT" | "ONHOLD" | "0" | "1" | "4" => Status::Working,
        _ => return None,
    };
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Currency;
    use rstest::rstest;
    use serde_json::json;

    fn finding(body: &Value) -> String {
        let finding = Order::read(body, &Scrubber::new([])).finding(Money::new(1_999, Currency::USD));
        format!("{finding:?}").split(['(', ' ']).next().unwrap().to_owned()
    }

    fn standing(body: &Value) -> String {
        let standing = Order::read(body, &Scrubber::new([])).standing(Money::new(1_999, Currency::USD));
        format!("{standing:?}").split(['(', ' ']).next().unwrap().to_owned()
    }

    #[rstest]
    #[case("APPROVED", "Approved")]
    #[case("SUCCESS", "Approved")]
    #[case("Completed", "Approved")]
    #[case("CAPTUREREQUIRED", "Held")]
    #[case("Capturerequired", "Held")]
    #[case("CANCELLED", "Cancelled")]
    #[case("Cancelled", "Cancelled")]
    #[case("DECLINED", "Failed")]
    #[case("EXPIRED", "Failed")]
    #[case("Problem", "Working")]
    #[case("REFUNDED", "Reversed")]
    #[case("Returned", "Reversed")]
    #[case("SUBMITTED", "Working")]
    #[case("PROCESSING", "Working")]
    #[case("CHALLENGE", "Working")]
    #[case("Draft", "Working")]
    #[case("Onhold", "Working")]
    #[case("SOMETHING", "Unreachable")]
    #[case("", "Unreachable")]
    fn m21_status_names_say_where_an_open_salvage_stands(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(standing(&json!({"id": "o", "StatusName": name})), expected);
    }

    #[rstest]
    #[case(0, "Working")]
    #[case(1, "Working")]
    #[case(2, "Cancelled")]
    #[case(3, "Working")]
    #[case(4, "Working")]
    #[case(5, "Held")]
    #[case(6, "Reversed")]
    #[case(7, "Approved")]
    #[case(8, "Unreachable")]
    fn m21_status_numbers_say_where_an_open_salvage_stands(#[case] number: i64, #[case] expected: &str) {
        assert_eq!(standing(&json!({"id": "o", "status": number})), expected);
    }

    #[test]
    fn m21_an_unknown_status_is_told_with_its_word_and_another_amount_with_its_figure() {
        let stands = |body: Value| {
            let order = Order::read(&body, &Scrubber::new([]));
            let Standing::Unreachable(words) = order.standing(Money::new(1_999, Currency::USD)) else {
                panic!("{body}")
            };
            words
        };
        assert!(stands(json!({"id": "o", "statusName": "Chargeback"})).contains("Chargeback"));
        let other = json!({"id": "o", "statusName": "APPROVED", "amount": 2_000, "currencyCode": "USD"});
        assert!(stands(other).contains("2000 USD"));
    }

    #[rstest]
    #[case("APPROVED", "Approved")]
    #[case("SUCCESS", "Approved")]
    #[case("Completed", "Approved")]
    #[case("CAPTUREREQUIRED", "Held")]
    #[case("CANCELLED", "Declined")]
    #[case("DECLINED", "Declined")]
    #[case("EXPIRED", "Declined")]
    #[case("REFUNDED", "Reversed")]
    #[case("Returned", "Reversed")]
    #[case("SUBMITTED", "Processing")]
    #[case("PROCESSING", "Processing")]
    #[case("CHALLENGE", "Processing")]
    #[case("Draft", "Processing")]
    #[case("Onhold", "Processing")]
    #[case("Problem", "Processing")]
    #[case("SOMETHING", "Unreachable")]
    #[case("", "Unreachable")]
    fn status_names_are_read(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(finding(&json!({"id": "o", "StatusName": name})), expected);
    }

    #[rstest]
    #[case(0, "Processing")]
    #[case(1, "Processing")]
    #[case(2, "Declined")]
    #[case(3, "Processing")]
    #[case(4, "Processing")]
    #[case(5, "Held")]
    #[case(6, "Reversed")]
    #[case(7, "Approved")]
    #[case(8, "Unreachable")]
    fn status_numbers_are_read(#[case] number: i64, #[case] expected: &str) {
        assert_eq!(finding(&json!({"id": "o", "status": number})), expected);
        assert_eq!(finding(&json!({"id": "o", "status": number.to_string(), "statusName": null})), expected);
    }

    #[test]
    fn only_names_that_can_hold_nothing_else_make_an_order_foreign() {
        let order = |body: Value| Order::read(&body, &Scrubber::new([]));
        let numbered = order(json!({"referenceNumber": "FF-77"}));
        assert!(!numbered.carries("ours") && !numbered.is_foreign("ours") && !numbered.is_anonymous());
        assert!(order(json!({"ExternalOrderId": "theirs"})).is_foreign("ours"));
        assert!(order(json!({"orderReference": "ours"})).carries("ours"));
        assert!(order(json!({"id": "1"})).is_anonymous());
    }

    #[test]
    fn another_amount_or_currency_contradicts_an_approval_only() {
        let order = |status: &str, amount: Value, currency: &str| {
            finding(&json!({"id": "o", "statusName": status, "amount": amount, "currencyCode": currency}))
        };
        assert_eq!(order("APPROVED", json!(1_999), "USD"), "Approved");
        assert_eq!(order("APPROVED", json!("19.99"), "usd"), "Approved");
        assert_eq!(order("APPROVED", json!(2_000), "USD"), "Contradiction");
        assert_eq!(order("CAPTUREREQUIRED", json!(1_999), "CAD"), "Contradiction");
        assert_eq!(order("DECLINED", json!(2_000), "USD"), "Declined");
    }
}
