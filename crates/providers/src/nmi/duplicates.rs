//! What NMI took our request for a repetition of (M12).
//!
//! Its check compares card and amount, by default over 1,200 seconds, and does not name the earlier transaction
//! (<https://support.nmi.com>, article 15002942676881, read 2026-11-21).

use domain::attempt::Purpose;
use domain::doubt::Finding;
use gateways::InquireRequest;
use jiff::{SignedDuration, Timestamp};

use super::inquire::{Asked, combine, reading};
use super::record::Record;

/// The check's window, seconds.
pub(super) const WINDOW_SECS: i64 = 1_200;
/// How far the gateway's clock and ours may be apart, seconds.
const MARGIN_SECS: i64 = 300;

/// Start of the search, as the Query API writes moments. It filters by last modification, so there is no end: a later
/// settlement would carry the earlier transaction past it.
pub(crate) fn window_start(sent_at: Timestamp) -> String {
    shifted(sent_at, -(WINDOW_SECS + MARGIN_SECS)).strftime("%Y%m%d%H%M%S").to_string()
}

fn shifted(from: Timestamp, secs: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(from)
}

/// Judges the card's records of the window: one of the same payment is adopted, one of another payment caused the refusal.
pub(crate) fn judge(records: &[Record], request: &InquireRequest) -> Finding {
    let suspects: Vec<&Record> = records.iter().filter(|record| is_suspect(record, request)).collect();
    let asked = |record: &Record| {
        let asked = Asked { reference: "", purpose: request.purpose, amount: request.amount };
        reading(record, &asked)
    };
    let (ours, others): (Vec<&Record>, Vec<&Record>) =
        suspects.into_iter().partition(|record| request.siblings.contains(&record.order_id));
    if ours.iter().any(|record| is_live(record) && !serves(record, request.purpose)) {
        return Finding::Contradiction(
            "it repeats a transaction of the same payment that was made for another purpose".to_owned(),
        );
    }
    if !ours.is_empty() {
        return combine(ours.into_iter().filter_map(asked).collect());
    }
    match others.iter().find(|record| is_live(record)) {
        Some(_) => Finding::OtherPayment,
        None if others.is_empty() => Finding::NotFound,
        None => Finding::Processing,
    }
}

/// Same card, same amount, inside the window, and not refused or cancelled.
fn is_suspect(record: &Record, request: &InquireRequest) -> bool {
    let Some(charge) = record.charge() else { return false };
    let first = shifted(request.sent_at, -(WINDOW_SECS + MARGIN_SECS));
    let last = shifted(request.sent_at, MARGIN_SECS);
    let currency = request.amount.currency().code();
    let open = !matches!(record.condition.as_str(), "failed" | "canceled");
    open && (charge.success || !is_live(record))
        && charge.is_of(request.amount)
        && record.order_id != request.reference
        && (record.last_four.is_empty() || record.last_four == request.card_last_four)
        && (record.currency.is_empty() || record.currency == currency)
        && charge.at.is_none_or(|at| (first..=last).contains(&at))
}

fn is_live(record: &Record) -> bool {
    matches!(record.condition.as_str(), "pending" | "pendingsettlement" | "complete")
}

/// Whether the record does what this attempt was to do: a hold is no sale, and a sale no hold.
fn serves(record: &Record, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Hold => record.condition == "pending",
        Purpose::Collect => record.condition != "pending",
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Action;
    use super::*;
    use domain::attempt::Doubt;
    use domain::{Currency, Money};
    use rstest::rstest;

    fn request() -> InquireRequest {
        InquireRequest {
            reference: "mine".to_owned(),
            gateway_reference: None,
            purpose: Purpose::Collect,
            amount: Money::new(1_234, Currency::USD),
            card_last_four: "1111".to_owned(),
            doubt: Doubt::Duplicate,
            sent_at: "2026-11-21T10:00:00Z".parse().unwrap(),
            siblings: vec!["mine".to_owned(), "sibling".to_owned()],
        }
    }

    fn record(order_id: &str, condition: &str, at: &str) -> Record {
        Record {
            transaction_id: format!("of {order_id}"),
            condition: condition.to_owned(),
            order_id: order_id.to_owned(),
            last_four: "1111".to_owned(),
            actions: vec![Action {
                kind: "sale".to_owned(),
                amount: "12.34".to_owned(),
                success: true,
                at: Some(at.parse().unwrap()),
                ..Action::default()
            }],
            ..Record::default()
        }
    }

    const BEFORE: &str = "2026-11-21T09:50:00Z";

    #[test]
    fn m12_a_sibling_is_adopted() {
        let records = [record("other", "complete", BEFORE), record("sibling", "pendingsettlement", BEFORE)];
        let finding = judge(&records, &request());
        let Finding::Approved(approval) = finding else { panic!("{finding:?}") };
        assert_eq!(approval.reference, "of sibling");
    }

    #[rstest]
    #[case("other", "pendingsettlement", BEFORE, Finding::OtherPayment)]
    #[case("other", "pending", BEFORE, Finding::OtherPayment)]
    #[case("other", "unknown", BEFORE, Finding::Processing)]
    #[case("sibling", "unknown", BEFORE, Finding::Processing)]
    #[case("other", "failed", BEFORE, Finding::NotFound)]
    #[case("sibling", "canceled", BEFORE, Finding::NotFound)]
    #[case("other", "complete", "2026-11-20T10:00:00Z", Finding::NotFound)]
    #[case("other", "complete", "2026-11-21T10:20:00Z", Finding::NotFound)]
    fn m12_other_records_explain_the_refusal_or_do_not(
        #[case] order_id: &str,
        #[case] condition: &str,
        #[case] at: &str,
        #[case] expected: Finding,
    ) {
        assert_eq!(judge(&[record(order_id, condition, at)], &request()), expected);
    }

    #[test]
    fn m12_another_card_or_amount_explains_nothing() {
        let mut card = record("other", "complete", BEFORE);
        card.last_four = "2222".to_owned();
        let mut amount = record("other", "complete", BEFORE);
        amount.actions[0].amount = "12.35".to_owned();
        assert_eq!(judge(&[card, amount], &request()), Finding::NotFound);
    }

    #[test]
    fn a_sibling_hold_is_not_taken_for_the_sale() {
        let hold = record("sibling", "pending", BEFORE);
        assert!(matches!(judge(&[hold], &request()), Finding::Contradiction(_)));
    }

    #[test]
    fn the_search_begins_a_window_and_a_margin_before_the_request() {
        assert_eq!(window_start("2026-11-21T10:00:00Z".parse().unwrap()), "20261121093500");
    }
}
