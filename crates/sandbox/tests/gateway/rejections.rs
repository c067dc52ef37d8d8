//! Requests that the gateway itself refuses: code 300 with the documented texts.

use rstest::rstest;

use crate::client::{PRIMARY_KEY, Server, VISA};

#[rstest]
#[case::no_card(&[("type", "sale"), ("amount", "5.00")], "Required Field cc_number is Missing or Empty")]
#[case::check_digit(&[("type", "sale"), ("ccnumber", "4111111111111112"), ("amount", "5.00")], "Invalid Credit Card Number")]
#[case::no_amount(&[("type", "sale"), ("ccnumber", VISA)], "Invalid amount")]
#[case::words_for_amount(&[("type", "sale"), ("ccnumber", VISA), ("amount", "five")], "Invalid amount")]
#[case::zero(&[("type", "sale"), ("ccnumber", VISA), ("amount", "0.00")], "Invalid amount")]
#[case::negative(&[("type", "sale"), ("ccnumber", VISA), ("amount", "-5.00")], "Invalid amount")]
#[case::validation_of_an_amount(&[("type", "validate"), ("ccnumber", VISA), ("amount", "5.00")], "Invalid amount")]
#[case::vault_without_data(&[("customer_vault", "add_customer")], "Billing Information missing")]
#[case::unknown_vault(&[("type", "sale"), ("customer_vault_id", "77"), ("amount", "5.00")], "Invalid Customer Vault Id")]
#[case::unknown_token(&[("type", "sale"), ("payment_token", "x"), ("amount", "5.00")], "Payment Token does not exist")]
#[case::empty_id(&[("type", "void"), ("transactionid", "")], "Invalid Transaction ID specified")]
#[case::malformed_id(&[("type", "refund"), ("transactionid", "12ab")], "Invalid Transaction ID specified")]
#[case::unknown_id(&[("type", "void"), ("transactionid", "1234567890")], "Transaction not found")]
#[case::unknown_type(&[("type", "teleport")], "Invalid Transaction Type")]
#[case::no_type(&[("amount", "5.00")], "Invalid Transaction Type")]
#[case::two_logins(&[("type", "sale"), ("username", "demo"), ("password", "password")], "Only one authentication method may be used.")]
#[case::bad_routing(&[("type", "sale"), ("payment", "check"), ("checkaba", "123456789"), ("checkaccount", "1"), ("amount", "5.00")], "Invalid ABA number")]
#[case::bad_currency(&[("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("currency", "ZZZ")], "Invalid currency")]
#[tokio::test]
async fn a_refused_request_has_no_id_a_reference_and_books_nothing(
    #[case] given: &[(&str, &str)],
    #[case] text: &str,
) {
    let server = Server::start().await;
    let reply = server.transact(given).await;
    assert_eq!(reply.outcome(), ("3", "300", text));
    assert_eq!((reply.id(), reply.get("authcode")), ("", ""));
    let (_, refid) = reply.get("responsetext").split_once(" REFID:").unwrap();
    assert!(refid.parse::<u64>().is_ok());
    assert!(server.sandbox.ledger().is_empty());
    assert!(!server.query(&[]).await.contains("<transaction>"));
}

#[tokio::test]
async fn an_unknown_vault_id_is_echoed() {
    let server = Server::start().await;
    let sale = [("type", "sale"), ("customer_vault_id", "77"), ("amount", "5.00")];
    assert_eq!(server.transact(&sale).await.get("customer_vault_id"), "77");
}

#[tokio::test]
async fn a_vault_id_is_added_once_updated_deleted_and_then_unknown() {
    let server = Server::start().await;
    let call = async |action, number| {
        let given = [("customer_vault", action), ("customer_vault_id", "abc"), ("ccnumber", number)];
        server.transact(&given).await.get("responsetext").split(" REFID:").next().unwrap().to_owned()
    };
    assert_eq!(call("add_customer", VISA).await, "Customer Added");
    assert_eq!(call("add_customer", VISA).await, "Duplicate Customer Vault Id");
    assert_eq!(call("update_customer", "5431111111111111").await, "Customer Update Successful");
    assert_eq!(call("update_customer", "").await, "Customer Update Successful");
    let sale = [("type", "sale"), ("customer_vault_id", "abc"), ("amount", "5.00")];
    server.transact(&sale).await.approved();
    assert!(server.query(&[]).await.contains("<cc_type>mastercard</cc_type>"));
    assert_eq!(call("delete_customer", "").await, "Customer Deleted");
    assert_eq!(call("delete_customer", "").await, "Invalid Customer Vault Id");
    assert_eq!(call("update_customer", VISA).await, "Invalid Customer Vault Id");
}

#[tokio::test]
async fn a_card_is_kept_only_if_its_transaction_is_approved_and_can_be_copied_from_one() {
    let server = Server::start().await;
    let sale = |amount| {
        [("type", "sale"), ("ccnumber", VISA), ("amount", amount), ("customer_vault", "add_customer")]
    };
    let declined = server.transact(&sale("0.50")).await;
    assert_eq!((declined.outcome().1, declined.get("customer_vault_id")), ("200", ""));
    let earlier = server.sale(VISA, "5.00", "o-1").await.approved();
    let copy = [("customer_vault", "add_customer"), ("source_transaction_id", earlier.id())];
    let kept = server.transact(&copy).await.approved();
    let charge = [("type", "sale"), ("customer_vault_id", kept.get("customer_vault_id")), ("amount", "6.00")];
    server.transact(&charge).await.approved();
}

#[tokio::test]
async fn dup_seconds_is_refused_with_the_real_texts_where_it_is_not_allowed() {
    let server = Server::start().await;
    let rule = serde_json::json!({"mode": "card_amount_order", "override_allowed": false});
    assert_eq!(server.control("PUT", "duplicates", rule).await.0, 204);
    for (seconds, text) in [
        ("0", "Disabling Duplicate Check is not allowed for this processor"),
        ("30", "Overriding Duplicate Threshold is not allowed for this processor"),
    ] {
        let sale = [("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("dup_seconds", seconds)];
        assert_eq!(server.transact(&sale).await.outcome(), ("3", "300", text));
    }
}

#[tokio::test]
async fn only_post_is_taken() {
    let server = Server::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = server.url(&format!("/api/transact.php?security_key={PRIMARY_KEY}"));
    assert_eq!(client.get(url).send().await.unwrap().status(), 405);
}
