//! Answers of the Query API: transactions and what was done to them.
//!
//! Source: the Query API's element list in NMI's integration portal, and recorded answers in public clients.

use domain::Money;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use roxmltree::{Document, Node};

use crate::scrub::Scrubber;

/// One `<transaction>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// `transaction_id`.
    pub(crate) transaction_id: String,
    /// `original_transaction_id`: what a refund gives back.
    pub(crate) original_id: String,
    /// `condition`, in lower case.
    pub(crate) condition: String,
    /// `order_id`: our reference.
    pub(crate) order_id: String,
    /// `authorization_code`.
    pub(crate) auth_code: String,
    /// `avs_response`.
    pub(crate) avs: String,
    /// `csc_response`.
    pub(crate) cvv: String,
    /// `currency`.
    pub(crate) currency: String,
    /// Last four digits of `cc_number`.
    pub(crate) last_four: String,
    /// `merchant_advice_code`, where accounts return it.
    pub(crate) advice_code: String,
    /// `<action>` elements, in the order of the answer.
    pub(crate) actions: Vec<Action>,
}

/// One `<action>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Action {
    /// `action_type`, in lower case.
    pub(crate) kind: String,
    /// `amount`: decimal major units; negative on refunds and voids.
    pub(crate) amount: String,
    /// `success` is 1.
    pub(crate) success: bool,
    /// `date`, UTC.
    pub(crate) at: Option<Timestamp>,
    /// `response_text`.
    pub(crate) text: String,
    /// `response_code`.
    pub(crate) code: String,
    /// `processor_response_code`: the card network's.
    pub(crate) network_code: String,
}

impl Action {
    /// Whether the amount, without its sign, is `money`. An empty amount is that of a card check.
    pub(crate) fn is_of(&self, money: Money) -> bool {
        let unsigned = self.amount.trim_start_matches('-');
        match Money::parse_in(unsigned, money.currency()) {
            Ok(amount) => amount == money,
            Err(_) => unsigned.is_empty() && money.is_zero(),
        }
    }
}

impl Record {
    /// The action that took or held the money. Records hold many actions in no promised order.
    pub(crate) fn charge(&self) -> Option<&Action> {
        self.action("sale").or_else(|| self.action("auth")).or_else(|| self.action("validate"))
    }

    /// The first action of a kind; a successful one before others.
    pub(crate) fn action(&self, kind: &str) -> Option<&Action> {
        let mut of_kind = self.actions.iter().filter(|action| action.kind == kind);
        of_kind.clone().find(|action| action.success).or_else(|| of_kind.next())
    }

    /// Whether an action of this kind succeeded.
    pub(crate) fn has_done(&self, kind: &str) -> bool {
        self.action(kind).is_some_and(|action| action.success)
    }
}

/// The records of an answer. The error is a sentence: an `error_response` must never be read as "no match".
pub(crate) fn read(text: &str, scrubber: &Scrubber) -> Result<Vec<Record>, String> {
    let document = Document::parse(text).map_err(|_| "the answer of the query is not XML".to_owned())?;
    let root = document.root_element();
    if !root.has_tag_name("nm_response") {
        return Err("the answer of the query is no nm_response".to_owned());
    }
    if let Some(error) = root.descendants().find(|node| node.has_tag_name("error_response")) {
        let words = domain::declines::strip_refid(error.text().unwrap_or_default());
        return Err(format!("the query was refused: {}", scrubber.clean(&words)));
    }
    Ok(root
        .children()
        .filter(|node| node.has_tag_name("transaction"))
        .map(|node| record(node, scrubber))
        .collect())
}

fn child<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    let found = node.children().find(|child| child.has_tag_name(name));
    found.and_then(|child| child.text()).unwrap_or_default().trim()
}

fn record(node: Node<'_, '_>, scrubber: &Scrubber) -> Record {
    let number = child(node, "cc_number");
    Record {
        transaction_id: scrubber.id(child(node, "transaction_id")),
        original_id: scrubber.id(child(node, "original_transaction_id")),
        condition: child(node, "condition").to_ascii_lowercase(),
        order_id: scrubber.id(child(node, "order_id")),
        auth_code: scrubber.clean(child(node, "authorization_code")),
        avs: scrubber.clean(child(node, "avs_response")),
        cvv: scrubber.clean(child(node, "csc_response")),
        currency: child(node, "currency").to_ascii_uppercase(),
        last_four: number.get(number.len().saturating_sub(4)..).unwrap_or_default().to_owned(),
        advice_code: scrubber.clean(child(node, "merchant_advice_code")),
        actions: node
            .children()
            .filter(|one| one.has_tag_name("action"))
            .map(|one| action(one, scrubber))
            .collect(),
    }
}

fn action(node: Node<'_, '_>, scrubber: &Scrubber) -> Action {
    Action {
        kind: child(node, "action_type").to_ascii_lowercase(),
        amount: child(node, "amount").to_owned(),
        success: child(node, "success") == "1",
        at: moment(child(node, "date")),
        text: scrubber.clean(child(node, "response_text")),
        code: scrubber.clean(child(node, "response_code")),
        network_code: scrubber.clean(child(node, "processor_response_code")),
    }
}

/// `YYYYMMDDhhmmss` in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_match_an_error_and_garbage_are_three_things() {
        let read = |text: &str| read(text, &Scrubber::new([]));
        assert_eq!(read("<nm_response></nm_response>"), Ok(vec![]));
        let error = read(
            "<nm_response><error_response>Specified API key not found REFID:1</error_response></nm_response>",
        );
        assert_eq!(error, Err("the query was refused: Specified API key not found".to_owned()));
        assert!(read("busy").is_err());
        assert!(read("<html></html>").is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn repro_ids_that_look_like_card_numbers_stay_whole() {
        let text = "<nm_response><transaction><transaction_id>4111111111111111</transaction_id>\
            <order_id>01jd3f6c5y0000000000000op1</order_id></transaction></nm_response>";
        let records = read(text, &Scrubber::new([])).unwrap();
        assert_eq!(records[0].transaction_id, "4111111111111111");
        assert_eq!(records[0].order_id, "01jd3f6c5y0000000000000op1");
    }

    #[test]
    fn actions_are_found_by_kind_not_by_place() {
        let text = "<nm_response><transaction><transaction_id>7</transaction_id><condition>Complete</condition>\
            <cc_number>4xxxxxxxxxxx1111</cc_number>\
            <action><amount>12.34</amount><action_type>settle</action_type><success>1</success></action>\
            <action><amount>12.34</amount><action_type>sale</action_type><date>20261121101500</date><success>1</success></action>\
            </transaction></nm_response>";
        let records = read(text, &Scrubber::new([])).unwrap();
        assert_eq!(records[0].last_four, "1111");
        assert_eq!(records[0].condition, "complete");
        let charge = records[0].charge().unwrap();
        assert_eq!(charge.at, Some("2026-11-21T10:15:00Z".parse().unwrap()));
        assert!(charge.is_of(Money::parse("12.34", "USD").unwrap()));
        assert!(!charge.is_of(Money::parse("12.35", "USD").unwrap()));
    }
}
