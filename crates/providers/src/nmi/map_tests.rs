//! Every row of the mapping tables.

use super::*;
use domain::Currency;
use rstest::rstest;

fn reply(body: &str) -> Reply {
    Reply::read(body.as_bytes(), &crate::scrub::Scrubber::new([])).unwrap()
}

fn of_code(response: u8, code: &str, text: &str) -> Reply {
    reply(&format!("response={response}&responsetext={text}&transactionid=9&response_code={code}"))
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

#[rstest]
#[case(1, "100", Meaning::Approved)]
#[case(1, "101", Meaning::Doubt(Doubt::Unclear))]
#[case(1, "", Meaning::Doubt(Doubt::Unclear))]
#[case(2, "200", Meaning::Declined)]
#[case(2, "202", Meaning::Declined)]
#[case(2, "264", Meaning::Declined)]
#[case(2, "", Meaning::Declined)]
#[case(2, "300", Meaning::Declined)]
#[case(3, "301", Meaning::Rejected(Reason::RateLimited))]
#[case(3, "400", Meaning::ProcessorError)]
#[case(3, "421", Meaning::ProcessorError)]
#[case(3, "420", Meaning::Doubt(Doubt::Unclear))]
#[case(3, "430", Meaning::Doubt(Doubt::Duplicate))]
#[case(3, "440", Meaning::Rejected(Reason::InvalidRequest))]
#[case(3, "441", Meaning::Rejected(Reason::InvalidRequest))]
#[case(3, "202", Meaning::Doubt(Doubt::Unclear))]
#[case(3, "499", Meaning::Doubt(Doubt::Unclear))]
#[case(3, "", Meaning::Doubt(Doubt::Unclear))]
fn codes_mean_what_the_table_says(#[case] response: u8, #[case] code: &str, #[case] expected: Meaning) {
    assert_eq!(meaning(&of_code(response, code, "x")), expected);
}

#[rstest]
#[case("410")]
#[case("411")]
#[case("460")]
#[case("461")]
fn m4_a_misconfigured_processor_is_a_decline_with_its_code(#[case] code: &str) {
    let outcome = charge(&of_code(3, code, "Unsupported card type"), usd(500)).unwrap();
    let ChargeOutcome::Declined(raw) = outcome else { panic!("{outcome:?}") };
    assert_eq!((raw.code.as_str(), raw.text.as_str()), (code, "Unsupported card type"));
}

#[rstest]
#[case("Duplicate transaction REFID:3150032552", Meaning::Doubt(Doubt::Duplicate))]
#[case("Authentication Failed", Meaning::Rejected(Reason::MerchantConfig))]
#[case("Specified API key not found REFID:1", Meaning::Rejected(Reason::MerchantConfig))]
#[case("Invalid Username", Meaning::Rejected(Reason::MerchantConfig))]
#[case("Sandbox accounts must use a sandbox domain", Meaning::Rejected(Reason::MerchantConfig))]
#[case("User is not allowed to process sale transactions", Meaning::Rejected(Reason::MerchantConfig))]
#[case(
    "Overriding Duplicate Threshold is not allowed for this processor",
    Meaning::Rejected(Reason::MerchantConfig)
)]
#[case(
    "Disabling Duplicate Check is not allowed for this processor",
    Meaning::Rejected(Reason::MerchantConfig)
)]
#[case("Invalid Credit Card Number REFID:2", Meaning::Rejected(Reason::InvalidCardNumber))]
#[case("Invalid Customer Vault Id REFID:2", Meaning::Rejected(Reason::TokenUnusable))]
#[case("Payment Token does not exist", Meaning::Rejected(Reason::TokenUnusable))]
#[case("Required Field cc_number is Missing or Empty", Meaning::Rejected(Reason::InvalidRequest))]
#[case("Invalid amount", Meaning::Rejected(Reason::InvalidRequest))]
#[case("Billing Information missing", Meaning::Rejected(Reason::InvalidRequest))]
#[case("Invalid Transaction ID / Object ID specified: ", Meaning::Stale)]
#[case("Transaction not found", Meaning::Stale)]
#[case("The specified amount of 5.00 exceeds the authorization amount of 1.00", Meaning::Stale)]
#[case("Refund amount may not exceed the transaction balance", Meaning::Stale)]
#[case("A capture requires that the existing transaction be an AUTH", Meaning::Stale)]
#[case("Only transactions pending settlement can be voided", Meaning::Stale)]
#[case("Blocked by your rules", Meaning::Rejected(Reason::MerchantRiskBlock))]
fn code_300_is_read_by_its_text(#[case] text: &str, #[case] expected: Meaning) {
    assert_eq!(meaning(&of_code(3, "300", text)), expected);
}

#[test]
fn a_rejection_keeps_code_and_text_without_the_support_number() {
    let error =
        charge(&of_code(3, "300", "Invalid Credit Card Number REFID:3300000001"), usd(1)).unwrap_err();
    let GatewayError::Rejected(rejection) = error else { panic!("{error:?}") };
    assert_eq!(rejection.reason, Reason::InvalidCardNumber);
    assert_eq!((rejection.code.as_str(), rejection.text.as_str()), ("300", "Invalid Credit Card Number"));
}

#[test]
fn m12_a_duplicate_is_a_doubt_of_its_own() {
    for body in [of_code(3, "300", "Duplicate transaction REFID:1"), of_code(3, "430", "Duplicate")] {
        let error = charge(&body, usd(1)).unwrap_err();
        assert!(matches!(error, GatewayError::InDoubt(Doubt::Duplicate, _)), "{error:?}");
    }
}

#[test]
fn an_approval_without_an_id_is_no_approval() {
    let error = charge(&reply("response=1&response_code=100&transactionid=&responsetext=SUCCESS"), usd(1))
        .unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::Unclear, _)), "{error:?}");
}

#[test]
fn m2_a_refusal_with_the_code_of_an_approval_is_asked_about() {
    let contradicting = of_code(2, "100", "DECLINE");
    let error = charge(&contradicting, usd(1)).unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::Unclear, _)), "{error:?}");
    let error = operation(&contradicting).unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::Unclear, _)), "{error:?}");
}

#[test]
fn an_approval_and_a_decline_carry_what_was_said() {
    let body = "response=1&responsetext=SUCCESS&authcode=123456&transactionid=9000000062&avsresponse=N&cvvresponse=M&response_code=100";
    let approval = Approval {
        reference: "9000000062".to_owned(),
        auth_code: "123456".to_owned(),
        avs: "N".to_owned(),
        cvv: "M".to_owned(),
        text: "SUCCESS".to_owned(),
        amount: usd(1_234),
    };
    assert_eq!(charge(&reply(body), usd(1_234)).unwrap(), ChargeOutcome::Approved(approval));
    let body = "response=2&responsetext=DECLINE&authcode=&transactionid=9000000072&avsresponse=N&cvvresponse=M&response_code=202&merchant_advice_code=03";
    let raw = RawDecline {
        reference: "9000000072".to_owned(),
        code: "202".to_owned(),
        text: "DECLINE".to_owned(),
        network_code: None,
        advice_code: Some("03".to_owned()),
        avs: "N".to_owned(),
        cvv: "M".to_owned(),
    };
    assert_eq!(charge(&reply(body), usd(1_234)).unwrap(), ChargeOutcome::Declined(raw));
}

#[test]
fn m14_an_approval_for_less_carries_the_smaller_amount() {
    let body = |amount: &str| {
        reply(&format!("response=1&transactionid=9&response_code=100&amount_authorized={amount}"))
    };
    for (text, minor) in [("10.00", 1_000), ("12.34", 1_234), ("", 1_234)] {
        let outcome = charge(&body(text), usd(1_234)).unwrap();
        let ChargeOutcome::Approved(approval) = outcome else { panic!("{outcome:?}") };
        assert_eq!(approval.amount, usd(minor), "{text}");
    }
    let error = charge(&body("ten"), usd(1_234)).unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::Unclear, _)), "{error:?}");
}

#[test]
fn a_repeated_void_or_capture_is_refused_and_a_processor_error_leaves_doubt() {
    let refused =
        operation(&of_code(3, "300", "Only transactions pending settlement can be voided REFID:7")).unwrap();
    let text = "Only transactions pending settlement can be voided".to_owned();
    assert_eq!(refused, OperationOutcome::Refused { code: "300".to_owned(), text });
    for code in ["400", "420", "421", "499"] {
        let error = operation(&of_code(3, code, "x")).unwrap_err();
        assert!(matches!(error, GatewayError::InDoubt(Doubt::Unclear, _)), "{code}: {error:?}");
    }
    let done = operation(&of_code(1, "100", "Transaction Void Successful")).unwrap();
    let text = "Transaction Void Successful".to_owned();
    assert_eq!(done, OperationOutcome::Done { reference: "9".to_owned(), text });
}
