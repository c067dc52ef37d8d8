//! The form of requests and replies.

use rstest::rstest;

use crate::client::{PRIMARY_KEY, RESCUE_KEY, Server, VISA};

#[tokio::test]
async fn the_nine_fields_come_in_order_as_html_with_order_and_type_echoed() {
    let server = Server::start().await;
    let form = vec![
        ("security_key".to_owned(), PRIMARY_KEY.to_owned()),
        ("type".to_owned(), "sale".to_owned()),
        ("ccnumber".to_owned(), VISA.to_owned()),
        ("amount".to_owned(), "12.34".to_owned()),
        ("orderid".to_owned(), "att-7 & more".to_owned()),
    ];
    let response = server.send(&form).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html; charset=UTF-8");
    let reply = crate::client::Reply::of(response).await;
    assert_eq!(
        reply.names,
        [
            "response",
            "responsetext",
            "authcode",
            "transactionid",
            "avsresponse",
            "cvvresponse",
            "orderid",
            "type",
            "response_code"
        ]
    );
    assert_eq!((reply.get("orderid"), reply.get("type")), ("att-7 & more", "sale"));
    assert_eq!((reply.get("authcode"), reply.outcome()), ("123456", ("1", "100", "SUCCESS")));
    assert!(reply.id().len() == 10 && reply.id().bytes().all(|byte| byte.is_ascii_digit()));
}

#[rstest]
#[case::usual("application/x-www-form-urlencoded;charset=UTF-8", true)]
#[case::shouting("Application/X-WWW-Form-URLencoded; Charset=utf-8", true)]
#[case::json("application/json", false)]
#[tokio::test]
async fn any_case_of_the_content_type_is_a_form_and_nothing_else(
    #[case] content_type: &str,
    #[case] taken: bool,
) {
    let server = Server::start().await;
    let body = format!("security_key={PRIMARY_KEY}&type=sale&ccnumber={VISA}&amount=5.00");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.post(server.url("/api/transact.php")).header("Content-Type", content_type).body(body);
    let reply = crate::client::Reply::of(request.send().await.unwrap()).await;
    assert_eq!(reply.is_approved(), taken, "{reply:?}");
}

#[rstest]
#[case::nothing_sent("", "", "", ("", ""))]
#[case::match_both("888", "77777", "999", ("Y", "M"))]
#[case::street_only("888", "10001", "", ("A", ""))]
#[case::zip_only("1 Main St", "77777", "", ("Z", ""))]
#[case::no_match("1 Main St", "10001", "123", ("N", "N"))]
#[tokio::test]
async fn avs_and_cvv_letters_follow_the_test_triggers(
    #[case] address: &str,
    #[case] zip: &str,
    #[case] cvv: &str,
    #[case] letters: (&str, &str),
) {
    let server = Server::start().await;
    let reply = server
        .transact(&[
            ("type", "auth"),
            ("ccnumber", VISA),
            ("amount", "5.00"),
            ("address1", address),
            ("zip", zip),
            ("cvv", cvv),
        ])
        .await
        .approved();
    assert_eq!((reply.get("avsresponse"), reply.get("cvvresponse")), letters);
}

#[tokio::test]
async fn the_first_value_of_a_repeated_name_wins_and_unknown_names_are_ignored() {
    let server = Server::start().await;
    let sale =
        [("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("amount", "6.00"), ("moon", "full")];
    server.transact(&sale).await.approved();
    assert_eq!(server.movements().await, ["sale 500 "]);
}

#[tokio::test]
async fn test_tokens_stand_for_a_card_and_a_bank_account() {
    let server = Server::start().await;
    let sale = |token| [("type", "sale"), ("payment_token", token), ("amount", "5.00")];
    let card = server.transact(&sale("00000000-000000-000000-000000000000")).await.approved();
    assert_eq!(card.get("cvvresponse"), "M");
    server.transact(&sale("11111111-111111-111111-111111111111")).await.approved();
    let spent = server.transact(&sale("22222222-222222-222222-222222222222")).await;
    assert_eq!(spent.outcome(), ("3", "300", "Payment Token does not exist"));
    let digits: Vec<_> = server.sandbox.ledger().iter().map(|entry| entry.card_last4.clone()).collect();
    assert_eq!(digits, ["1111", "3815"]);
}

#[rstest]
#[case::yen("JPY", "500.00", 500)]
#[case::dinar("KWD", "1.234", 1234)]
#[case::euro("eur", "1.5", 150)]
#[tokio::test]
async fn amounts_are_read_by_the_currencys_digits(
    #[case] currency: &str,
    #[case] amount: &str,
    #[case] minor: i64,
) {
    let server = Server::start().await;
    let sale = [("type", "sale"), ("ccnumber", VISA), ("amount", amount), ("currency", currency)];
    server.transact(&sale).await.approved();
    let entry = server.sandbox.ledger().pop().unwrap();
    assert_eq!((entry.amount_minor, entry.currency), (minor, currency.to_uppercase()));
}

#[tokio::test]
async fn accounts_do_not_see_each_others_transactions() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    let void = server.transact_as(RESCUE_KEY, &[("type", "void"), ("transactionid", sale.id())]).await;
    assert_eq!(void.outcome(), ("3", "300", "Transaction not found"));
    let other = [("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("orderid", "o-2")];
    let other = server.transact_as(RESCUE_KEY, &other).await.approved();
    let report = server.query(&[]).await;
    assert!(report.contains(sale.id()) && !report.contains(other.id()), "{report}");
}

#[tokio::test]
async fn a_voice_approval_is_recorded_with_its_code_and_an_update_adds_the_order() {
    let server = Server::start().await;
    let offline =
        [("type", "offline"), ("ccnumber", VISA), ("amount", "5.00"), ("authorization_code", "VX77")];
    let sale = server.transact(&offline).await.approved();
    assert_eq!(sale.get("authcode"), "VX77");
    let update = [("type", "update"), ("transactionid", sale.id()), ("orderid", "late-order")];
    server.transact(&update).await.approved();
    assert!(server.query(&[("order_id", "late-order")]).await.contains(sale.id()));
}
