//! Pretend cards: registered, built in, and triggered.

use recoup_sandbox::{TestCard, test_card_number};
use rstest::rstest;
use serde_json::json;

use crate::client::{RESCUE_KEY, Server, VISA};

#[rstest]
#[case(200, "2", "Declined by processor")]
#[case(201, "2", "Do not honor")]
#[case(202, "2", "Insufficient funds")]
#[case(204, "2", "Transaction not allowed")]
#[case(223, "2", "Expired card")]
#[case(240, "2", "Call issuer for further information")]
#[case(250, "2", "Pick up card")]
#[case(261, "2", "Declined, stop all recurring payments")]
#[case(421, "3", "Communication error with issuer")]
#[tokio::test]
async fn a_built_in_card_always_answers_its_code(
    #[case] code: u16,
    #[case] response: &str,
    #[case] text: &str,
) {
    let server = Server::start().await;
    let number = test_card_number(TestCard::Always, code, 3).unwrap();
    for (kind, amount) in [("sale", "5.00"), ("auth", "500.00"), ("validate", "")] {
        let reply = server.charge(kind, &number, amount, "o-1").await;
        assert_eq!(reply.outcome(), (response, code.to_string().as_str(), text));
        assert!(reply.id().len() == 10 && reply.get("authcode").is_empty());
    }
    assert!(server.sandbox.ledger().is_empty());
}

#[tokio::test]
async fn a_card_declined_on_primary_is_rescued_by_the_other_account() {
    let server = Server::start().await;
    let number = test_card_number(TestCard::OnlyOnPrimary, 201, 0).unwrap();
    assert_eq!(server.sale(&number, "5.00", "o-1").await.outcome(), ("2", "201", "Do not honor"));
    let sale = [("type", "sale"), ("ccnumber", number.as_str()), ("amount", "5.00"), ("orderid", "o-2")];
    server.transact_as(RESCUE_KEY, &sale).await.approved();
    assert_eq!(server.sandbox.ledger()[0].account, "rescue");
}

#[tokio::test]
async fn a_card_that_declines_once_passes_at_the_second_attempt() {
    let server = Server::start().await;
    let number = test_card_number(TestCard::Once, 202, 0).unwrap();
    assert_eq!(server.sale(&number, "5.00", "o-1").await.outcome().1, "202");
    server.sale(&number, "5.00", "o-1").await.approved();
}

#[tokio::test]
async fn every_code_can_be_asked_for_with_its_advice_code() {
    let server = Server::start().await;
    for (trigger, outcome, mac) in [
        ("code:202", ("2", "202", "Insufficient funds"), ""),
        ("code:201,mac:03", ("2", "201", "Do not honor"), "03"),
        ("mac:30 code:264", ("2", "264", "Declined, retry in a few days"), "30"),
        ("code:411", ("3", "411", "Merchant account is inactive"), ""),
        ("code:300", ("3", "300", "Rejected by gateway"), ""),
        ("code:301", ("3", "301", "Rate limit exceeded"), ""),
        ("code:100", ("1", "100", "SUCCESS"), ""),
    ] {
        let number = test_card_number(TestCard::Always, 204, 0).unwrap();
        let sale = [
            ("type", "sale"),
            ("ccnumber", number.as_str()),
            ("amount", "5.00"),
            ("merchant_defined_field_20", trigger),
        ];
        let reply = server.transact(&sale).await;
        assert_eq!((reply.outcome(), reply.get("merchant_advice_code")), (outcome, mac), "{trigger}");
    }
    assert_eq!(server.movements().await, ["sale 500 "]);
}

#[rstest]
#[case::trigger(VISA, "partial:321", "3.21", 321)]
#[case::more_than_asked(VISA, "partial:99999", "", 500)]
#[case::card("", "", "2.50", 250)]
#[tokio::test]
async fn a_partial_approval_says_and_books_what_was_authorised(
    #[case] number: &str,
    #[case] trigger: &str,
    #[case] authorised: &str,
    #[case] minor: i64,
) {
    let server = Server::start().await;
    let half = test_card_number(TestCard::Partial, 50, 0).unwrap();
    let number = if number.is_empty() { half.as_str() } else { number };
    let sale = [
        ("type", "sale"),
        ("ccnumber", number),
        ("amount", "5.00"),
        ("orderid", "o-1"),
        ("merchant_defined_field_20", trigger),
    ];
    let reply = server.transact(&sale).await.approved();
    assert_eq!(reply.get("amount_authorized"), authorised);
    assert_eq!(server.movements().await, [format!("sale {minor} o-1")]);
    let report = server.query(&[("order_id", "o-1")]).await;
    assert!(report.contains("<requested_amount>5.00</requested_amount>"), "{report}");
}

#[tokio::test]
async fn a_registered_card_has_a_balance_that_charges_use_up_and_refunds_and_voids_restore() {
    let server = Server::start().await;
    server.put_card(json!({"number": VISA, "balance_minor": 1000})).await;
    let hold = server.charge("auth", VISA, "10.00", "o-1").await.approved();
    assert_eq!(server.sale(VISA, "1.00", "o-2").await.outcome(), ("2", "202", "Insufficient funds"));
    let capture = [("type", "capture"), ("transactionid", hold.id()), ("amount", "6.00")];
    server.transact(&capture).await.approved();
    let sale = server.sale(VISA, "4.00", "o-3").await.approved();
    assert_eq!(server.sale(VISA, "1.00", "o-4").await.outcome().1, "202");
    server.transact(&[("type", "void"), ("transactionid", sale.id())]).await.approved();
    let refund = [("type", "refund"), ("transactionid", hold.id()), ("amount", "5.00")];
    server.transact(&refund).await.approved();
    let (_, cards) = server.control("GET", "cards", serde_json::Value::Null).await;
    assert_eq!(cards[0]["balance_minor"], 900);
    assert_eq!(cards[0]["number"], "4xxxxxxxxxxx1111");
}

#[tokio::test]
async fn a_registered_decline_has_its_own_text_count_threshold_and_account() {
    let server = Server::start().await;
    server
        .put_card(json!({"number": VISA, "declines": [
            {"code": 260, "text": "Try again on payday", "mac": "29", "attempts": 1, "declines_on": ["primary"]},
            {"code": 203, "above_minor": 5000}
        ]}))
        .await;
    let first = server.sale(VISA, "5.00", "o-1").await;
    assert_eq!(first.outcome(), ("2", "260", "Try again on payday"));
    assert_eq!(first.get("merchant_advice_code"), "29");
    server.sale(VISA, "50.00", "o-2").await.approved();
    assert_eq!(server.sale(VISA, "50.01", "o-3").await.outcome().1, "203");
}

#[rstest]
#[case("closed", "222")]
#[case("lost", "251")]
#[case("stolen", "252")]
#[tokio::test]
async fn a_card_that_is_not_open_says_why(#[case] status: &str, #[case] code: &str) {
    let server = Server::start().await;
    server.put_card(json!({"number": VISA, "status": status})).await;
    assert_eq!(server.sale(VISA, "5.00", "o-1").await.outcome().1, code);
    server.put_card(json!({"number": VISA})).await;
    server.sale(VISA, "5.00", "o-1").await.approved();
}
