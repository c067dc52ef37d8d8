//! Captures, voids, refunds and settlement.

use jiff::SignedDuration;

use crate::client::{Reply, Server, VISA};

async fn follow(server: &Server, kind: &str, id: &str, amount: &str) -> Reply {
    server.transact(&[("type", kind), ("transactionid", id), ("amount", amount), ("orderid", "follow")]).await
}

#[tokio::test]
async fn a_capture_keeps_the_id_takes_at_most_the_hold_and_works_once() {
    let server = Server::start().await;
    let auth = server.charge("auth", VISA, "10.00", "o-1").await.approved();
    let over = follow(&server, "capture", auth.id(), "10.01").await;
    assert_eq!(
        over.outcome(),
        ("3", "300", "The specified amount of 10.01 exceeds the authorization amount of 10.00")
    );
    assert_eq!(over.id(), auth.id());
    let capture = follow(&server, "capture", auth.id(), "7.50").await.approved();
    assert_eq!((capture.id(), capture.get("authcode")), (auth.id(), "123456"));
    let again = follow(&server, "capture", auth.id(), "7.50").await;
    assert_eq!(again.outcome().2, "A capture requires that the existing transaction be an AUTH");
    assert_eq!(again.id(), auth.id());
    assert_eq!(server.movements().await, ["auth 1000 o-1", "capture 750 o-1"]);
}

#[tokio::test]
async fn a_sale_cannot_be_captured_nor_a_declined_hold() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "10.00", "o-1").await.approved();
    let declined = server.charge("auth", VISA, "0.50", "o-2").await;
    for id in [sale.id(), declined.id()] {
        let capture = follow(&server, "capture", id, "5.00").await;
        assert_eq!(capture.outcome().2, "A capture requires that the existing transaction be an AUTH");
    }
}

#[tokio::test]
async fn a_void_cancels_sale_hold_and_capture_once_under_their_own_id() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "sale").await.approved();
    let hold = server.charge("auth", VISA, "6.00", "hold").await.approved();
    let auth = server.charge("auth", VISA, "7.00", "capture").await.approved();
    follow(&server, "capture", auth.id(), "4.00").await.approved();
    for id in [sale.id(), hold.id(), auth.id()] {
        let void = follow(&server, "void", id, "").await;
        assert_eq!(void.outcome(), ("1", "100", "Transaction Void Successful"));
        assert_eq!(void.id(), id);
        let again = follow(&server, "void", id, "").await;
        assert_eq!(again.outcome(), ("3", "300", "Only transactions pending settlement can be voided"));
        assert_eq!(again.id(), id);
    }
    let voids: Vec<_> =
        server.movements().await.into_iter().filter(|line| line.starts_with("void")).collect();
    assert_eq!(voids, ["void 500 sale", "void 600 hold", "void 400 capture"]);
}

#[tokio::test]
async fn what_settled_by_the_clock_can_be_refunded_but_not_voided() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    server.clock.advance(SignedDuration::from_hours(24));
    let void = follow(&server, "void", sale.id(), "").await;
    assert_eq!(void.outcome().2, "Only transactions pending settlement can be voided");
    let refund = follow(&server, "refund", sale.id(), "").await.approved();
    assert_ne!(refund.id(), sale.id());
    assert_eq!(server.movements().await, ["sale 500 o-1", "refund 500 follow"]);
}

#[tokio::test]
async fn a_sale_just_before_its_settlement_can_still_be_voided() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    server.clock.advance(SignedDuration::from_secs(24 * 3600 - 1));
    follow(&server, "void", sale.id(), "").await.approved();
}

#[tokio::test]
async fn refunds_never_exceed_the_balance_and_zero_means_all() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "10.00", "o-1").await.approved();
    let first = follow(&server, "refund", sale.id(), "4.00").await.approved();
    let over = follow(&server, "refund", sale.id(), "6.01").await;
    assert_eq!(over.outcome(), ("3", "300", "Refund amount may not exceed the transaction balance"));
    let rest = follow(&server, "refund", sale.id(), "0.00").await.approved();
    assert_ne!(first.id(), rest.id());
    assert!(!follow(&server, "refund", sale.id(), "").await.is_approved());
    assert_eq!(server.movements().await, ["sale 1000 o-1", "refund 400 follow", "refund 600 follow"]);
}

#[tokio::test]
async fn holds_voided_sales_and_declines_have_nothing_to_refund() {
    let server = Server::start().await;
    let hold = server.charge("auth", VISA, "6.00", "hold").await.approved();
    let sale = server.sale(VISA, "5.00", "sale").await.approved();
    follow(&server, "void", sale.id(), "").await.approved();
    let declined = server.sale(VISA, "0.50", "declined").await;
    for id in [hold.id(), sale.id(), declined.id()] {
        let refund = follow(&server, "refund", id, "1.00").await;
        assert_eq!(refund.outcome().2, "Refund amount may not exceed the transaction balance");
    }
}

#[tokio::test]
async fn a_voided_refund_gives_the_balance_back_and_a_refunded_sale_is_not_voided() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "o-1").await.approved();
    let refund = follow(&server, "refund", sale.id(), "5.00").await.approved();
    let void = follow(&server, "void", sale.id(), "").await;
    assert_eq!(void.outcome().2, "Only transactions pending settlement can be voided");
    follow(&server, "void", refund.id(), "").await.approved();
    follow(&server, "refund", sale.id(), "5.00").await.approved();
}

#[tokio::test]
async fn a_code_on_a_capture_void_or_refund_refuses_it_and_leaves_the_transaction_as_it_was() {
    let server = Server::start().await;
    let auth = server.charge("auth", VISA, "5.00", "o-1").await.approved();
    let fails = async |kind, id: &str| {
        let given = [
            ("type", kind),
            ("transactionid", id),
            ("amount", "5.00"),
            ("merchant_defined_field_20", "code:400"),
        ];
        assert_eq!(server.transact(&given).await.outcome().1, "400");
    };
    fails("capture", auth.id()).await;
    fails("void", auth.id()).await;
    follow(&server, "capture", auth.id(), "5.00").await.approved();
    fails("refund", auth.id()).await;
    follow(&server, "refund", auth.id(), "5.00").await.approved();
    assert_eq!(server.movements().await, ["auth 500 o-1", "capture 500 o-1", "refund 500 follow"]);
}
