//! The decision table for a lost reply, and the pitfalls of reading records.

use super::*;
use domain::Currency;
use rstest::rstest;

fn record(id: &str, condition: &str, kind: &str, amount: &str, success: bool) -> Record {
    Record {
        transaction_id: id.to_owned(),
        condition: condition.to_owned(),
        order_id: "att".to_owned(),
        auth_code: "123456".to_owned(),
        avs: "N".to_owned(),
        cvv: "M".to_owned(),
        currency: "USD".to_owned(),
        actions: vec![Action {
            kind: kind.to_owned(),
            amount: amount.to_owned(),
            success,
            code: "202".to_owned(),
            text: "Insufficient funds".to_owned(),
            network_code: "51".to_owned(),
            ..Action::default()
        }],
        ..Record::default()
    }
}

fn asked(purpose: Purpose) -> Asked<'static> {
    Asked { reference: "att", purpose, amount: Money::new(1_234, Currency::USD) }
}

fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Approved(_) => "approved",
        Finding::Reversed(_) => "reversed",
        Finding::Held(_) => "held",
        Finding::Declined(_) => "declined",
        Finding::Processing => "processing",
        Finding::NotFound => "not found",
        Finding::OtherPayment => "other",
        Finding::Unreachable(_) => "unreachable",
        Finding::Contradiction(_) => "contradiction",
    }
}

#[rstest]
#[case("pendingsettlement", "sale", true, Purpose::Collect, "approved")]
#[case("complete", "sale", true, Purpose::Collect, "approved")]
#[case("pendingsettlement", "auth", true, Purpose::Hold, "approved")]
#[case("pending", "auth", true, Purpose::Hold, "approved")]
#[case("pending", "auth", true, Purpose::Collect, "held")]
#[case("failed", "sale", false, Purpose::Collect, "declined")]
#[case("failed", "sale", true, Purpose::Collect, "declined")]
#[case("complete", "sale", false, Purpose::Collect, "declined")]
#[case("canceled", "sale", true, Purpose::Collect, "reversed")]
#[case("canceled", "sale", false, Purpose::Collect, "declined")]
#[case("unknown", "sale", true, Purpose::Collect, "processing")]
#[case("in_progress", "sale", false, Purpose::Collect, "processing")]
#[case("something new", "sale", true, Purpose::Collect, "processing")]
#[case("complete", "refund", true, Purpose::Collect, "not found")]
fn a_record_is_read_by_its_condition(
    #[case] condition: &str,
    #[case] kind: &str,
    #[case] success: bool,
    #[case] purpose: Purpose,
    #[case] expected: &str,
) {
    let finding = judge(&[record("7", condition, kind, "12.34", success)], &asked(purpose));
    assert_eq!(word(&finding), expected, "{finding:?}");
}

#[test]
fn another_amount_or_currency_is_a_contradiction() {
    let other = record("7", "complete", "sale", "12.35", true);
    let euro = Record { currency: "EUR".to_owned(), ..record("7", "complete", "sale", "12.34", true) };
    for one in [other, euro] {
        assert_eq!(word(&judge(&[one], &asked(Purpose::Collect))), "contradiction");
    }
}

#[rstest]
#[case("pendingsettlement", Purpose::Collect, "approved")]
#[case("complete", Purpose::Collect, "approved")]
#[case("pending", Purpose::Collect, "held")]
#[case("pending", Purpose::Hold, "approved")]
#[case("canceled", Purpose::Collect, "reversed")]
fn m14_less_than_asked_is_found_with_its_amount(
    #[case] condition: &str,
    #[case] purpose: Purpose,
    #[case] expected: &str,
) {
    let finding = judge(&[record("7", condition, "sale", "10.00", true)], &asked(purpose));
    assert_eq!(word(&finding), expected, "{finding:?}");
    let (Finding::Approved(approval) | Finding::Held(approval) | Finding::Reversed(approval)) = finding
    else {
        panic!("{finding:?}")
    };
    assert_eq!((approval.reference.as_str(), approval.amount), ("7", Money::new(1_000, Currency::USD)));
}

#[test]
fn an_amount_that_no_partial_approval_has_is_a_contradiction() {
    for amount in ["12.35", "0.00", "-10.00", "ten", ""] {
        let finding = judge(&[record("7", "complete", "sale", amount, true)], &asked(Purpose::Collect));
        assert_eq!(word(&finding), "contradiction", "{amount}");
    }
}

#[test]
fn two_live_records_are_a_contradiction_and_one_beside_a_decline_is_not() {
    let sale = |id: &str| record(id, "pendingsettlement", "sale", "12.34", true);
    let failed = record("8", "failed", "sale", "12.34", false);
    let canceled = record("9", "canceled", "sale", "12.34", true);
    let refund = record("10", "pendingsettlement", "refund", "-12.34", true);
    let open = record("11", "unknown", "sale", "12.34", false);
    let judged = |records: &[Record]| word(&judge(records, &asked(Purpose::Collect)));
    assert_eq!(judged(&[sale("7"), sale("8")]), "contradiction");
    assert_eq!(judged(&[failed.clone(), sale("7"), refund.clone()]), "approved");
    assert_eq!(judged(&[failed.clone(), canceled]), "reversed");
    assert_eq!(judged(&[sale("7"), open]), "processing");
    assert_eq!(judged(&[refund]), "not found");
    assert_eq!(judged(&[]), "not found");
}

#[test]
fn records_with_another_reference_are_not_ours() {
    let other = Record { order_id: "else".to_owned(), ..record("7", "complete", "sale", "12.34", true) };
    assert_eq!(judge(&[other], &asked(Purpose::Collect)), Finding::NotFound);
}

#[test]
fn a_decline_keeps_the_codes_of_its_action() {
    let finding = judge(&[record("7", "failed", "sale", "12.34", false)], &asked(Purpose::Collect));
    let Finding::Declined(raw) = finding else { panic!("{finding:?}") };
    assert_eq!((raw.code.as_str(), raw.network_code.as_deref()), ("202", Some("51")));
    assert_eq!((raw.reference.as_str(), raw.avs.as_str(), raw.cvv.as_str()), ("7", "N", "M"));
}
