//! Captures, voids and refunds in doubt.

use super::super::record::Action;
use super::*;
use domain::{Currency, Money};
use rstest::rstest;
use uuid::Uuid;

fn request(kind: OperationKind) -> OperationRequest {
    OperationRequest {
        kind,
        reference: "op".to_owned(),
        idempotency_key: Uuid::nil(),
        gateway_reference: "7".to_owned(),
        attempt_reference: "att".to_owned(),
        amount: Money::new(500, Currency::USD),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn record(id: &str, order_id: &str, condition: &str, actions: &[(&str, &str, bool)]) -> Record {
    let action = |(kind, amount, success): &(&str, &str, bool)| Action {
        kind: (*kind).to_owned(),
        amount: (*amount).to_owned(),
        success: *success,
        ..Action::default()
    };
    Record {
        transaction_id: id.to_owned(),
        order_id: order_id.to_owned(),
        condition: condition.to_owned(),
        actions: actions.iter().map(action).collect(),
        ..Record::default()
    }
}

fn word(finding: &OperationFinding) -> &'static str {
    match finding {
        OperationFinding::Done { .. } => "done",
        OperationFinding::NotDone => "not done",
        OperationFinding::Unknown(_) => "unknown",
    }
}

fn late() -> Timestamp {
    Timestamp::from_second(NOT_RECEIVED_AFTER_SECS).unwrap()
}

#[rstest]
#[case(OperationKind::Void, "canceled", "done")]
#[case(OperationKind::Void, "pendingsettlement", "not done")]
#[case(OperationKind::Void, "complete", "not done")]
#[case(OperationKind::Void, "unknown", "unknown")]
#[case(OperationKind::Capture, "pendingsettlement", "done")]
#[case(OperationKind::Capture, "complete", "done")]
#[case(OperationKind::Capture, "pending", "not done")]
#[case(OperationKind::Capture, "canceled", "not done")]
#[case(OperationKind::Capture, "unknown", "unknown")]
fn the_original_tells_about_voids_and_captures(
    #[case] kind: OperationKind,
    #[case] condition: &str,
    #[case] expected: &str,
) {
    let records = [record("7", "att", condition, &[("auth", "5.00", true)])];
    assert_eq!(word(&judge(&records, &request(kind), late())), expected);
    assert_eq!(word(&judge(&[], &request(kind), late())), "unknown");
}

#[test]
fn a_capture_that_was_voided_later_was_done() {
    let records = [record("7", "att", "canceled", &[("auth", "5.00", true), ("capture", "5.00", true)])];
    assert_eq!(word(&judge(&records, &request(OperationKind::Capture), late())), "done");
}

#[rstest]
#[case("op", "pendingsettlement", "-5.00", true, "done")]
#[case("op", "failed", "-5.00", false, "not done")]
#[case("op", "pendingsettlement", "-4.00", true, "unknown")]
#[case("op", "unknown", "-5.00", true, "unknown")]
#[case("", "pendingsettlement", "-5.00", true, "unknown")]
#[case("att", "complete", "-5.00", true, "unknown")]
#[case("another op", "complete", "-5.00", true, "not done")]
#[case("", "complete", "-4.00", true, "not done")]
fn m16_a_refund_is_ours_by_its_reference_and_never_by_guess(
    #[case] order_id: &str,
    #[case] condition: &str,
    #[case] amount: &str,
    #[case] success: bool,
    #[case] expected: &str,
) {
    let records = [
        record("7", "att", "complete", &[("sale", "5.00", true)]),
        record("8", order_id, condition, &[("refund", amount, success)]),
    ];
    let finding = judge(&records, &request(OperationKind::Refund), late());
    assert_eq!(word(&finding), expected, "{finding:?}");
    if expected == "done" {
        assert_eq!(finding, OperationFinding::Done { reference: "8".to_owned() });
    }
}

#[rstest]
#[case(&[("failed", false), ("complete", true)], "done")]
#[case(&[("complete", true), ("failed", false)], "done")]
#[case(&[("failed", false), ("unknown", true)], "unknown")]
#[case(&[("failed", false), ("failed", false)], "not done")]
fn m16_a_refund_that_was_refused_at_first_and_done_later_is_done(
    #[case] sent: &[(&str, bool)],
    #[case] expected: &str,
) {
    let shown = |(at, (condition, success)): (usize, &(&str, bool))| {
        record(&at.to_string(), "op", condition, &[("refund", "-5.00", *success)])
    };
    let records: Vec<Record> = sent.iter().enumerate().map(shown).collect();
    let finding = judge(&records, &request(OperationKind::Refund), late());
    assert_eq!(word(&finding), expected, "{finding:?}");
    let early = Timestamp::from_second(NOT_RECEIVED_AFTER_SECS - 1).unwrap();
    let finding = judge(&records, &request(OperationKind::Refund), early);
    let expected = if expected == "not done" { "unknown" } else { expected };
    assert_eq!(word(&finding), expected, "a later request may not be shown yet: {finding:?}");
}

#[test]
fn m16_a_capture_that_is_not_shown_yet_is_not_called_undone() {
    let records = [record("7", "att", "pending", &[("auth", "5.00", true)])];
    let early = Timestamp::from_second(NOT_RECEIVED_AFTER_SECS - 1).unwrap();
    assert_eq!(word(&judge(&records, &request(OperationKind::Capture), early)), "unknown");
    assert_eq!(word(&judge(&records, &request(OperationKind::Capture), late())), "not done");
}

#[test]
fn m16_a_refund_that_is_not_shown_yet_is_not_called_undone() {
    let records = [record("7", "att", "complete", &[("sale", "5.00", true)])];
    let early = Timestamp::from_second(NOT_RECEIVED_AFTER_SECS - 1).unwrap();
    assert_eq!(word(&judge(&records, &request(OperationKind::Refund), early)), "unknown");
    assert_eq!(word(&judge(&records, &request(OperationKind::Refund), late())), "not done");
}
