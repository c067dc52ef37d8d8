//! What refusals mean: every NMI code, and the steps from the most specific signal to the least.

use recoup_domain::declines::{Class, Reason, RetryClass, Rule, Signals, classify};
use rstest::rstest;

fn nmi<'a>(code: &'a str, text: &'a str) -> Signals<'a> {
    Signals { source: "nmi", code, text, ..Signals::default() }
}

fn network<'a>(network: &'a str, code: &'a str) -> Signals<'a> {
    Signals { network: Some(network), network_code: Some(code), ..Signals::default() }
}

fn reason(signals: &Signals<'_>) -> Option<Reason> {
    classify(signals).map(|reading| reading.reason)
}

/// Code, reason, class, Visa category (0: none).
#[rustfmt::skip]
const NMI: [(&str, Reason, Class, u8); 34] = [
    ("200", Reason::GenericDecline, Class::Soft, 4),
    ("201", Reason::DoNotHonor, Class::Soft, 4),
    ("202", Reason::InsufficientFunds, Class::Soft, 2),
    ("203", Reason::LimitExceeded, Class::Soft, 2),
    ("204", Reason::TransactionNotPermitted, Class::Hard, 1),
    ("220", Reason::CardholderDataMismatch, Class::Soft, 3),
    ("221", Reason::InvalidCardNumber, Class::Hard, 1),
    ("222", Reason::NoAccount, Class::Hard, 2),
    ("223", Reason::ExpiredCard, Class::Hard, 3),
    ("224", Reason::ExpiredCard, Class::Hard, 3),
    ("225", Reason::CvvMismatch, Class::Soft, 3),
    ("226", Reason::PinError, Class::Soft, 3),
    ("240", Reason::ReferToIssuer, Class::Soft, 4),
    ("250", Reason::PickupCard, Class::Hard, 1),
    ("251", Reason::LostOrStolenCard, Class::Hard, 1),
    ("252", Reason::LostOrStolenCard, Class::Hard, 1),
    ("253", Reason::ConfirmedFraud, Class::Hard, 1),
    ("260", Reason::GenericDecline, Class::Soft, 4),
    ("261", Reason::RevokedAuthorization, Class::Hard, 1),
    ("262", Reason::StopPayment, Class::Hard, 1),
    ("263", Reason::NewAccountInfo, Class::Soft, 0),
    ("264", Reason::GenericDecline, Class::Soft, 4),
    ("300", Reason::MerchantRiskBlock, Class::Hard, 0),
    ("301", Reason::RateLimited, Class::Soft, 0),
    ("400", Reason::ProcessingError, Class::Soft, 2),
    ("410", Reason::MerchantConfig, Class::Soft, 0),
    ("411", Reason::MerchantConfig, Class::Soft, 0),
    ("420", Reason::InDoubt, Class::Soft, 0),
    ("421", Reason::IssuerUnavailable, Class::Soft, 2),
    ("430", Reason::DuplicateTransaction, Class::Soft, 0),
    ("440", Reason::InvalidRequest, Class::Hard, 0),
    ("441", Reason::InvalidRequest, Class::Hard, 0),
    ("460", Reason::MerchantConfig, Class::Soft, 0),
    ("461", Reason::MerchantConfig, Class::Soft, 0),
];

#[test]
fn every_nmi_code_has_its_reading() {
    let listed = include_str!("../../data/decline-codes.csv").lines().filter(|line| line.starts_with("nmi,"));
    assert_eq!(listed.count(), NMI.len() + 1);
    assert_eq!(classify(&nmi("100", "SUCCESS")), None);
    for (code, reason, class, category) in NMI {
        let reading = classify(&nmi(code, "")).unwrap();
        let read = (reading.reason, reading.class, reading.visa_category.unwrap_or(0));
        assert_eq!(read, (reason, class, category), "{code}");
    }
}

#[test]
fn the_text_of_an_open_nmi_code_is_read_like_the_code_that_it_names() {
    for (code, reason, _, _) in NMI.iter().filter(|row| row.0.starts_with('2')) {
        let message = recoup_domain::declines::lookup("nmi", code).unwrap().message;
        for open in ["200", "260"] {
            let read = classify(&nmi(open, message)).unwrap();
            // 220 ("Incorrect payment information") names no single cause, so the open code stays open.
            let expected = if *code == "220" { Reason::GenericDecline } else { *reason };
            assert_eq!(read.reason, expected, "{open} {message}");
        }
    }
    assert_eq!(reason(&nmi("220", "Expired card")), Some(Reason::ExpiredCard));
    assert_eq!(reason(&nmi("220", "DECLINED")), Some(Reason::CardholderDataMismatch));
    assert_eq!(reason(&nmi("200", "DECLINE")), Some(Reason::GenericDecline));
    // A code that is not open keeps its meaning whatever the text says, and an answer is not put in doubt by words.
    assert_eq!(reason(&nmi("202", "Stolen card")), Some(Reason::InsufficientFunds));
    assert_eq!(reason(&nmi("200", "Timeout")), Some(Reason::GenericDecline));
}

#[rstest]
#[case("Duplicate transaction REFID:3150032552", Reason::DuplicateTransaction)]
#[case("Authentication Failed", Reason::MerchantConfig)]
#[case("User is not allowed to process sale transactions REFID:1", Reason::MerchantConfig)]
#[case("Overriding Duplicate Threshold is not allowed for this processor", Reason::MerchantConfig)]
#[case("Disabling Duplicate Check is not allowed for this processor", Reason::MerchantConfig)]
#[case("Invalid Credit Card Number REFID:2", Reason::InvalidCardNumber)]
#[case("Invalid Customer Vault Id", Reason::TokenUnusable)]
#[case("Payment Token does not exist", Reason::TokenUnusable)]
#[case("Required Field cc_number is Missing or Empty", Reason::InvalidRequest)]
#[case("Invalid amount", Reason::InvalidRequest)]
#[case("Billing Information missing", Reason::InvalidRequest)]
#[case("Invalid Transaction ID / Object ID specified: ", Reason::InvalidRequest)]
#[case("Transaction not found", Reason::InvalidRequest)]
#[case("The specified amount of 5.00 exceeds the authorization amount of 1.00", Reason::InvalidRequest)]
#[case("Refund amount may not exceed the transaction balance", Reason::InvalidRequest)]
#[case("A capture requires that the existing transaction be an AUTH", Reason::InvalidRequest)]
#[case("Only transactions pending settlement can be voided", Reason::InvalidRequest)]
#[case("Blocked by merchant rule", Reason::MerchantRiskBlock)]
#[case("Insufficient funds", Reason::MerchantRiskBlock)]
fn a_rejection_by_nmi_is_read_from_its_text(#[case] text: &str, #[case] expected: Reason) {
    assert_eq!(reason(&nmi("300", text)), Some(expected));
}

#[test]
fn visa_51_waits_a_day_for_funds_in_category_2() {
    let reading = classify(&network("Visa", "51")).unwrap();
    assert_eq!((reading.reason, reading.visa_category), (Reason::InsufficientFunds, Some(2)));
    assert_eq!(reading.earliest_delay_minutes, Some(24 * 60));
    assert_eq!((reading.retry_class, reading.rule), (RetryClass::FundsWait, Rule::NetworkCode));
}

#[rstest]
#[case("51", "27", Reason::InsufficientFunds, RetryClass::FundsWait, Some(96 * 60))]
#[case("51", "24", Reason::InsufficientFunds, RetryClass::FundsWait, Some(60))]
#[case("51", "02", Reason::InsufficientFunds, RetryClass::LongWait, Some(72 * 60))]
#[case("51", "03", Reason::DoNotRetry, RetryClass::Never, None)]
#[case("51", "21", Reason::RevokedAuthorization, RetryClass::Never, None)]
#[case("51", "01", Reason::InsufficientFunds, RetryClass::FundsWait, Some(24 * 60))]
#[case("51", "43", Reason::InsufficientFunds, RetryClass::FundsWait, Some(24 * 60))]
#[case("79", "01", Reason::NewAccountInfo, RetryClass::AfterUpdate, Some(0))]
#[case("79", "02", Reason::AccountLifecycle, RetryClass::LongWait, Some(72 * 60))]
#[case("79", "03", Reason::DoNotRetry, RetryClass::Never, None)]
#[case("82", "02", Reason::IssuerPolicy, RetryClass::LongWait, Some(72 * 60))]
#[case("83", "01", Reason::AuthenticationRequired, RetryClass::CustomerAction, None)]
#[case("83", "02", Reason::SuspectedFraud, RetryClass::ManualReview, Some(72 * 60))]
#[case("57", "02", Reason::TransactionNotPermitted, RetryClass::LongWait, Some(72 * 60))]
#[case("05", "04", Reason::TokenUnusable, RetryClass::AfterUpdate, Some(0))]
#[case("43", "01", Reason::LostOrStolenCard, RetryClass::Never, None)]
#[case("41", "02", Reason::LostOrStolenCard, RetryClass::Never, None)]
fn mastercards_advice_completes_its_code(
    #[case] code: &str,
    #[case] advice: &str,
    #[case] reason: Reason,
    #[case] retry_class: RetryClass,
    #[case] delay: Option<i64>,
) {
    let signals = Signals { advice_code: Some(advice), ..network("Mastercard", code) };
    let reading = classify(&signals).unwrap();
    assert_eq!((reading.reason, reading.retry_class), (reason, retry_class));
    assert_eq!((reading.earliest_delay_minutes, reading.visa_category), (delay, None));
    assert_eq!(reading.class, reason.facts().class);
}

#[test]
fn visa_57_is_never_tried_again() {
    let reading = classify(&network("visa", "57")).unwrap();
    assert_eq!((reading.reason, reading.visa_category), (Reason::TransactionNotPermitted, Some(1)));
    assert!(reading.reason.is_never());
    assert_eq!(reading.retry_class, RetryClass::Never);
    let told_later = Signals { advice_code: Some("02"), ..network("visa", "57") };
    assert_eq!(classify(&told_later).unwrap().retry_class, RetryClass::Never);
}

#[test]
fn nmi_200_with_do_not_honor_is_read_by_its_text() {
    let reading = classify(&nmi("200", "Do Not Honor")).unwrap();
    assert_eq!((reading.reason, reading.rule), (Reason::DoNotHonor, Rule::GatewayText));
}

#[test]
fn a_stop_wins_over_everything_but_doubt() {
    let stop = |network_code, advice_code, source, code| {
        let signals = Signals { network_code, advice_code, source, code, ..Signals::default() };
        let reading = classify(&signals).unwrap();
        (reading.reason, reading.rule)
    };
    assert_eq!(stop(None, None, "nmi", "261"), (Reason::RevokedAuthorization, Rule::Stop));
    assert_eq!(stop(Some("51"), None, "nmi", "262"), (Reason::StopPayment, Rule::Stop));
    assert_eq!(stop(Some("51"), Some("03"), "nmi", "261"), (Reason::RevokedAuthorization, Rule::Stop));
    assert_eq!(
        stop(None, Some("do_not_try_again"), "stripe", "insufficient_funds"),
        (Reason::DoNotRetry, Rule::Stop)
    );
    assert_eq!(stop(None, None, "adyen", "46"), (Reason::DoNotRetry, Rule::Stop));
    assert_eq!(stop(None, None, "adyen", "50"), (Reason::RevokedAuthorization, Rule::Stop));
    assert_eq!(stop(None, None, "paypal", "PPRN"), (Reason::DoNotRetry, Rule::Stop));
    assert_eq!(stop(Some("51"), Some("03"), "nmi", "420"), (Reason::InDoubt, Rule::QueryFirst));
    assert_eq!(stop(Some("51"), None, "nmi", "430"), (Reason::DuplicateTransaction, Rule::QueryFirst));
    let on_visa = Signals { advice_code: Some("03"), ..network("visa", "51") };
    assert_eq!(reason(&on_visa), Some(Reason::DoNotRetry));
}

#[test]
fn the_networks_code_wins_unless_only_the_gateways_says_why() {
    let both = |network_code, source, code| {
        let reading = classify(&Signals { network_code, source, code, ..Signals::default() }).unwrap();
        (reading.reason, reading.rule)
    };
    assert_eq!(both(Some("51"), "stripe", "generic_decline"), (Reason::InsufficientFunds, Rule::BaseCode));
    assert_eq!(both(Some("51 : Insufficient funds"), "adyen", "2").0, Reason::InsufficientFunds);
    assert_eq!(both(Some("05"), "nmi", "223"), (Reason::ExpiredCard, Rule::GatewayCode));
    assert_eq!(both(Some("05"), "nmi", "200"), (Reason::DoNotHonor, Rule::BaseCode));
    assert_eq!(both(Some("54"), "nmi", "202"), (Reason::ExpiredCard, Rule::BaseCode));
    assert_eq!(both(Some("ZZ"), "nmi", "202"), (Reason::InsufficientFunds, Rule::GatewayCode));
    // The issuer approved and a filter of the gateway refused.
    assert_eq!(both(Some("00"), "nmi", "225"), (Reason::CvvMismatch, Rule::GatewayCode));
}

#[test]
fn networks_do_not_share_tables() {
    assert_eq!(reason(&network("mastercard", "78")), Some(Reason::NoAccount));
    assert_eq!(reason(&network("visa", "78")), Some(Reason::AccountInactive));
    let discover = classify(&Signals { advice_code: Some("25"), ..network("discover", "51") }).unwrap();
    assert_eq!((discover.rule, discover.visa_category), (Rule::BaseCode, None));
    assert_eq!(discover.earliest_delay_minutes, Some(24 * 60), "its advice is not Mastercard's");
}

#[test]
fn what_is_not_a_decline_has_no_reading() {
    let held = Signals { source: "Authorize.Net", code: "252", ..Signals::default() };
    assert_eq!(classify(&held), None);
    assert_eq!(
        classify(&Signals { network_code: Some("51"), ..held }),
        None,
        "the gateway decides the outcome"
    );
    assert_eq!(classify(&network("visa", "00")), None);
}

#[test]
fn an_unknown_code_is_tried_once_after_a_day_and_reported() {
    let reading = classify(&nmi("9X7", "")).unwrap();
    assert_eq!((reading.reason, reading.rule), (Reason::Unknown, Rule::Unknown));
    assert_eq!((reading.earliest_delay_minutes, reading.class), (Some(24 * 60), Class::Soft));
    assert_eq!(reading.reason.facts().automatic_attempts_max, 1);
    let elsewhere = Signals { source: "acme", code: "1", ..Signals::default() };
    assert_eq!(reason(&elsewhere), Some(Reason::Unknown));
}

#[test]
fn an_unknown_code_is_read_by_its_text_and_then_by_its_advice() {
    let reading = classify(&nmi("9X7", "Card reported lost")).unwrap();
    assert_eq!((reading.reason, reading.rule), (Reason::LostOrStolenCard, Rule::Text));
    assert_eq!(reason(&nmi("9X7", "Communication error")), Some(Reason::InDoubt));
    let advised = classify(&Signals { advice_code: Some("25"), ..nmi("9X7", "") }).unwrap();
    assert_eq!((advised.reason, advised.rule), (Reason::InsufficientFunds, Rule::AdviceOnly));
    assert_eq!(advised.earliest_delay_minutes, Some(24 * 60));
}

#[test]
fn a_gateways_advice_moves_the_attempt_but_keeps_the_networks_reason() {
    let later = classify(&Signals { network_code: Some("51"), ..nmi("264", "") }).unwrap();
    assert_eq!((later.reason, later.retry_class), (Reason::InsufficientFunds, RetryClass::LongWait));
    assert_eq!(later.earliest_delay_minutes, Some(72 * 60));
    let newer = classify(&Signals { network_code: Some("54"), ..nmi("263", "") }).unwrap();
    assert_eq!((newer.reason, newer.rule), (Reason::NewAccountInfo, Rule::FixAdvice));
    let check = Signals { source: "stripe", code: "incorrect_zip", ..Signals::default() };
    let check = classify(&Signals { advice_code: Some("confirm_card_data"), ..check }).unwrap();
    assert_eq!(check.retry_class, RetryClass::AfterUpdate);
}

#[test]
fn where_the_gateway_says_hard_our_soft_class_stays_but_no_timer_runs() {
    let braintree = Signals { source: "braintree", code: "2011", ..Signals::default() };
    for signals in [braintree, Signals { network_code: Some("01"), ..braintree }] {
        let reading = classify(&signals).unwrap();
        assert_eq!((reading.reason, reading.class), (Reason::ReferToIssuer, Class::Soft));
        assert_eq!(reading.retry_class, RetryClass::CustomerAction);
    }
}
