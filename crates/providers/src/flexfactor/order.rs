//! An order as FlexFactor shows it.
//!
//! Source: <https://docs.flexfactor.io/docs/orders-id>; the field that holds our reference is not visible there, so
//! several names are read.

use domain::Money;
use domain::attempt::{Approval, RawDecline};
use domain::doubt::Finding;
use serde_json::Value;

use super::json::{first_text, text};
use crate::scrub::Scrubber;

/// Names that can only hold the merchant's own order id.
const OURS: [&str; 2] = ["externalOrderId", "merchantOrderId"];
/// Names that may hold it, or a number of FlexFactor's own.
const PERHAPS_OURS: [&str; 2] = ["orderReference", "referenceNumber"];

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
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
    /// Where it stands; `None` for a status that we do not know.
    pub(crate) standing: Option<Standing>,
    /// The status as received.
    pub(crate) status: String,
    amount: String,
    currency: String,
}

impl Order {
    /// Reads an order; texts are cleaned.
    pub(crate) fn read(body: &Value, scrubber: &Scrubber) -> Self {
        let status = scrubber.clean(&first_text(body, &["statusName", "status"]));
        Self {
            id: scrubber.id(&first_text(body, &["id", "orderId", "orderSessionKey"])),
            ours: texts(body, &OURS),
            perhaps_ours: texts(body, &PERHAPS_OURS),
            standing: standing(&status),
            status,
            amount: first_text(body, &["amount", "orderAmount", "totalAmount"]),
            currency: first_text(body, &["currencyCode", "currency"]).to_ascii_uppercase(),
        }
    }

    /// Whether it carries our reference.
    pub(crate) fn carries(&self, reference: &str) -> bool {
        self.ours.iter().chain(&self.perhaps_ours).any(|id| id == reference)
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
        let Some(standing) = self.standing else {
            return Finding::Unreachable(format!("the order has the unknown status {:?}", self.status));
        };
        let with_money =
            matches!(standing, Standing::Completed | Standing::CaptureRequired | Standing::Returned);
        if with_money && !self.fits(asked) {
            let shown = format!("{} {}", self.amount, self.currency);
            return Finding::Contradiction(format!("the order shows {shown} where {asked} was asked for"));
        }
        match standing {
            Standing::Completed => Finding::Approved(self.approval(asked)),
            Standing::CaptureRequired => Finding::Held(self.approval(asked)),
            Standing::Returned => Finding::Reversed(self.approval(asked)),
            Standing::Cancelled | Standing::Declined | Standing::Expired => Finding::Declined(RawDecline {
                reference: self.id.clone(),
                code: self.status.clone(),
                text: self.status.clone(),
                ..RawDecline::default()
            }),
            Standing::Working => Finding::Processing,
        }
    }

    /// Whether what the order shows of its amount is `asked`: minor units, or major units where it has a point.
    fn fits(&self, asked: Money) -> bool {
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
            text: self.status.clone(),
            amount,
        }
    }
}

fn texts(body: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text(body, name)).filter(|text| !text.is_empty()).collect()
}

/// Rescue words (observed), title-case names and integers (documented) of one status.
fn standing(status: &str) -> Option<Standing> {
    let standing = match status.to_ascii_uppercase().as_str() {
        "APPROVED" | "COMPLETED" | "7" => Standing::Completed,
        "CAPTUREREQUIRED" | "5" => Standing::CaptureRequired,
        "CANCELLED" | "2" => Standing::Cancelled,
        "DECLINED" => Standing::Declined,
        "EXPIRED" => Standing::Expired,
        "REFUNDED" | "RETURNED" | "6" => Standing::Returned,
        "SUBMITTED" | "PROCESSING" | "CHALLENGE" | "DRAFT" | "ONHOLD" | "PROBLEM" | "0" | "1" | "3" | "4" => {
            Standing::Working
        }
        _ => return None,
    };
    Some(standing)
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

    #[rstest]
    #[case("APPROVED", "Approved")]
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
