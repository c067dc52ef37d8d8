//! The ledger holds exactly what was approved.

use serde_json::{Value, json};

use crate::client::{RESCUE_KEY, Server, VISA};

#[tokio::test]
async fn one_entry_per_approved_movement_and_none_for_anything_else() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "sale").await.approved();
    let auth = server.charge("auth", VISA, "6.00", "auth").await.approved();
    server.charge("validate", VISA, "", "validate").await.approved();
    server.charge("credit", VISA, "7.00", "credit").await.approved();
    assert!(!server.sale(VISA, "0.50", "declined").await.is_approved());
    assert!(!server.sale("2010", "5.00", "invalid").await.is_approved());
    assert!(!server.sale(VISA, "5.00", "sale").await.is_approved(), "duplicate");
    server
        .transact(&[("type", "capture"), ("transactionid", auth.id()), ("amount", "6.00")])
        .await
        .approved();
    server
        .transact(&[
            ("type", "refund"),
            ("transactionid", sale.id()),
            ("amount", "2.00"),
            ("orderid", "refund"),
        ])
        .await
        .approved();
    server.transact(&[("type", "void"), ("transactionid", auth.id())]).await.approved();
    assert_eq!(
        server.movements().await,
        [
            "sale 500 sale",
            "auth 600 auth",
            "credit 700 credit",
            "capture 600 auth",
            "refund 200 refund",
            "void 600 auth"
        ]
    );
}

#[tokio::test]
async fn an_entry_says_who_what_how_much_and_when() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    let (_, ledger) = server.control("GET", "ledger", Value::Null).await;
    let at = "2026-11-21T10:15:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(
        ledger,
        json!([{
            "transaction_id": sale.id(), "account": "primary", "orderid": "o-1", "kind": "sale",
            "amount_minor": 500, "currency": "USD", "card_last4": "1111", "at": at
        }])
    );
}

#[tokio::test]
async fn the_ledger_can_be_narrowed_and_reset() {
    let server = Server::start().await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    let other = [("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("orderid", "o-2")];
    let last = server.transact_as(RESCUE_KEY, &other).await.approved();
    let count = async |path| server.control("GET", path, Value::Null).await.1.as_array().unwrap().len();
    assert_eq!(count("ledger?account=rescue").await, 1);
    assert_eq!(count("ledger?orderid=o-1").await, 1);
    assert_eq!(count("ledger").await, 2);
    assert_eq!(server.control("POST", "reset", Value::Null).await.0, 204);
    assert_eq!(count("ledger").await, 0);
    let next = server.sale(VISA, "5.00", "o-1").await.approved();
    assert!(next.id() > last.id(), "ids go on after a reset");
}
