//! The duplicate check in its three modes.

use jiff::SignedDuration;
use serde_json::json;

use crate::client::{RESCUE_KEY, Server, VISA};

const DUPLICATE: (&str, &str, &str) = ("3", "300", "Duplicate transaction");

async fn mode(server: &Server, mode: &str) {
    assert_eq!(server.control("PUT", "duplicates", json!({ "mode": mode })).await.0, 204);
}

#[tokio::test]
async fn by_card_and_amount_the_order_does_not_matter_and_the_window_ends() {
    let server = Server::start().await;
    mode(&server, "card_amount").await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    let refused = server.sale(VISA, "5.00", "o-2").await;
    assert_eq!((refused.outcome(), refused.id()), (DUPLICATE, ""));
    assert_eq!(server.charge("auth", VISA, "5.00", "o-2").await.outcome(), DUPLICATE);
    server.sale(VISA, "5.01", "o-2").await.approved();
    server.sale("5431111111111111", "5.00", "o-2").await.approved();
    server.clock.advance(SignedDuration::from_secs(1199));
    assert_eq!(server.sale(VISA, "5.00", "o-2").await.outcome(), DUPLICATE);
    server.clock.advance(SignedDuration::from_secs(1));
    server.sale(VISA, "5.00", "o-2").await.approved();
}

#[tokio::test]
async fn by_order_too_another_order_passes() {
    let server = Server::start().await;
    mode(&server, "card_amount_order").await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    server.sale(VISA, "5.00", "o-2").await.approved();
    assert_eq!(server.sale(VISA, "5.00", "o-1").await.outcome(), DUPLICATE);
}

#[tokio::test]
async fn switched_off_everything_passes() {
    let server = Server::start().await;
    mode(&server, "off").await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    server.sale(VISA, "5.00", "o-1").await.approved();
}

#[tokio::test]
async fn declines_voids_validations_and_other_accounts_do_not_count() {
    let server = Server::start().await;
    mode(&server, "card_amount").await;
    assert_eq!(server.sale(VISA, "0.50", "o-1").await.outcome().1, "200");
    assert_eq!(server.sale(VISA, "0.50", "o-1").await.outcome().1, "200");
    server.charge("validate", VISA, "", "o-1").await.approved();
    server.charge("validate", VISA, "", "o-1").await.approved();
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    server.transact(&[("type", "void"), ("transactionid", sale.id())]).await.approved();
    server.sale(VISA, "5.00", "o-1").await.approved();
    let other = [("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("orderid", "o-1")];
    server.transact_as(RESCUE_KEY, &other).await.approved();
}

#[tokio::test]
async fn a_vault_charge_is_compared_with_the_raw_card() {
    let server = Server::start().await;
    mode(&server, "card_amount").await;
    let kept = server.transact(&[("customer_vault", "add_customer"), ("ccnumber", VISA)]).await.approved();
    server.sale(VISA, "5.00", "o-1").await.approved();
    let again = [("type", "sale"), ("customer_vault_id", kept.get("customer_vault_id")), ("amount", "5.00")];
    assert_eq!(server.transact(&again).await.outcome(), DUPLICATE);
}

#[tokio::test]
async fn dup_seconds_shortens_or_switches_off_the_window_where_allowed() {
    let server = Server::start().await;
    mode(&server, "card_amount").await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    server.clock.advance(SignedDuration::from_secs(60));
    let sale = |seconds| [("type", "sale"), ("ccnumber", VISA), ("amount", "5.00"), ("dup_seconds", seconds)];
    assert_eq!(server.transact(&sale("61")).await.outcome(), DUPLICATE);
    server.transact(&sale("60")).await.approved();
    server.transact(&sale("0")).await.approved();
    assert_eq!(server.transact(&sale("7862401")).await.outcome().2, "Invalid dup_seconds");
}
