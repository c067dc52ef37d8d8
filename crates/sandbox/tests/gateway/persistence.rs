//! What survives a restart, and what must never reach the disk.

use jiff::SignedDuration;
use recoup_sandbox::{JOURNAL_FILE, Settings};
use serde_json::{Value, json};

use crate::client::{Server, VISA};

fn settings(folder: &std::path::Path) -> Settings {
    Settings { data_dir: Some(folder.to_owned()), ..Settings::default() }
}

#[tokio::test]
async fn transactions_ledger_and_ids_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(settings(folder.path())).await;
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    let auth = server.charge("auth", VISA, "6.00", "o-2").await.approved();
    server.sale(VISA, "0.50", "o-3").await;
    let before = (server.sandbox.ledger(), server.query(&[]).await);
    let ids = (sale.id().to_owned(), auth.id().to_owned());
    server.stop().await;

    let server = Server::with(settings(folder.path())).await;
    assert_eq!((server.sandbox.ledger(), server.query(&[]).await), before);
    let capture = [("type", "capture"), ("transactionid", ids.1.as_str()), ("amount", "6.00")];
    server.transact(&capture).await.approved();
    server.transact(&[("type", "refund"), ("transactionid", ids.0.as_str())]).await.approved();
    let next = server.sale(VISA, "7.00", "o-4").await.approved();
    assert!(next.id() > ids.1.as_str());
    server.clock.advance(SignedDuration::from_hours(25));
    assert!(!server.query(&[("condition", "pendingsettlement")]).await.contains("<transaction>"));
    server.stop().await;
}

#[tokio::test]
async fn a_reset_survives_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(settings(folder.path())).await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    assert_eq!(server.control("POST", "reset", Value::Null).await.0, 204);
    server.stop().await;
    let server = Server::with(settings(folder.path())).await;
    assert!(server.sandbox.ledger().is_empty());
}

#[tokio::test]
async fn no_card_number_cvv_or_bank_account_is_ever_written() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(settings(folder.path())).await;
    let (mastercard, vaulted, account) = ("5431111111111111", "6011000991300009", "998877665544");
    server.put_card(json!({"number": mastercard, "balance_minor": 100_000})).await;
    server.sale(mastercard, "5.00", "o-1").await.approved();
    let secret = [
        ("type", "sale"),
        ("ccnumber", VISA),
        ("cvv", "7391"),
        ("cavv", "EHuWW9PiBkWvqE5juRwDzAUFBAk="),
        ("amount", "5.00"),
        ("order_description", "card 4111111111111111"),
        ("merchant_defined_field_1", "5431111111111111"),
        ("first_name", "4111111111111111"),
        ("zip", "77777"),
    ];
    let sale = server.transact(&secret).await.approved();
    let kept = [("type", "validate"), ("ccnumber", vaulted), ("customer_vault", "add_customer")];
    let kept = server.transact(&kept).await.approved();
    let charge = [("type", "sale"), ("customer_vault_id", kept.get("customer_vault_id")), ("amount", "6.00")];
    server.transact(&charge).await.approved();
    let check = [
        ("type", "sale"),
        ("payment", "check"),
        ("checkaba", "123123123"),
        ("checkaccount", account),
        ("amount", "5.00"),
    ];
    server.transact(&check).await.approved();
    server.transact(&[("type", "refund"), ("transactionid", sale.id())]).await.approved();
    server.stop().await;

    let mut scanned = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(text.contains("411111") && text.contains("1111"), "first six and last four are there");
        for hidden in [VISA, mastercard, vaulted, account, "7391", "EHuWW9", "6457Thfj"] {
            assert!(!text.contains(hidden), "{hidden} was written");
        }
        for run in text.split(|c: char| !c.is_ascii_digit()).filter(|run| (13..=19).contains(&run.len())) {
            let instant = run.len() == 16 && run.starts_with("17");
            assert!(instant, "{run} may be a card number");
        }
        scanned += 1;
    }
    assert_eq!(scanned, 1, "only {JOURNAL_FILE} is written");
}
