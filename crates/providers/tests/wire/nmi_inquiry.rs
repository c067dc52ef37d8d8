//! Asking NMI what became of an attempt or an operation.

use domain::attempt::Doubt;
use domain::doubt::Finding;
use gateways::{OperationFinding, OperationKind};
use jiff::SignedDuration;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{arrived, connect, form, inquiry, nmi, nmi_settings, operation, stub};

const QUERY: &str = "/api/query.php";

fn transaction(id: &str, order_id: &str, condition: &str, kind: &str, amount: &str) -> String {
    format!(
        "<transaction><transaction_id>{id}</transaction_id><condition>{condition}</condition>\
         <order_id>{order_id}</order_id><cc_number>4xxxxxxxxxxx1111</cc_number><currency>USD</currency>\
         <action><amount>{amount}</amount><action_type>{kind}</action_type><date>20261121095500</date>\
         <success>1</success></action></transaction>"
    )
}

/// Answers to queries that contain a text.
async fn answer(server: &MockServer, containing: &str, transactions: &str) {
    let body = format!(r#"<?xml version="1.0" encoding="UTF-8"?><nm_response>{transactions}</nm_response>"#);
    Mock::given(method("POST"))
        .and(path(QUERY))
        .and(body_string_contains(containing))
        .respond_with(ResponseTemplate::new(200).set_body_string(body))
        .mount(server)
        .await;
}

async fn answers(texts: &[(&str, &str)]) -> MockServer {
    let server = MockServer::start().await;
    for (containing, transactions) in texts {
        answer(&server, containing, transactions).await;
    }
    server
}

#[tokio::test]
async fn an_attempt_is_found_by_our_reference() {
    let request = inquiry(Doubt::LostAnswer);
    let found = transaction("7", &request.reference, "pendingsettlement", "sale", "19.99");
    let server = answers(&[("order_id=", &found)]).await;
    let finding = nmi(&server).inquire(&request).await;
    let Finding::Approved(approval) = finding else { panic!("{finding:?}") };
    assert_eq!((approval.reference.as_str(), approval.amount), ("7", request.amount));
    let fields = form(&arrived(&server, QUERY).await[0]);
    assert!(fields.contains(&("order_id".to_owned(), request.reference)));
}

#[tokio::test]
async fn m12_a_duplicate_is_explained_by_card_window_and_amount() {
    let mut request = inquiry(Doubt::Duplicate);
    request.siblings = vec!["sibling".to_owned()];
    for (order_id, adopted) in [("sibling", true), ("another", false)] {
        let found = transaction("8", order_id, "pendingsettlement", "sale", "19.99");
        let server = answers(&[("order_id=", ""), ("cc_number=1111", &found)]).await;
        match nmi(&server).inquire(&request).await {
            Finding::Approved(approval) if adopted => assert_eq!(approval.reference, "8"),
            Finding::OtherPayment if !adopted => {}
            other => panic!("{other:?}"),
        }
        let fields = form(&arrived(&server, QUERY).await[1]);
        assert!(fields.contains(&("start_date".to_owned(), "20261121093500".to_owned())), "{fields:?}");
    }
    let server = answers(&[("order_id=", ""), ("cc_number=1111", "")]).await;
    assert_eq!(nmi(&server).inquire(&request).await, Finding::NotFound);
}

#[tokio::test]
async fn m12_only_a_duplicate_asks_for_the_card() {
    let server = answers(&[("order_id=", "")]).await;
    assert_eq!(nmi(&server).inquire(&inquiry(Doubt::LostAnswer)).await, Finding::NotFound);
    assert_eq!(arrived(&server, QUERY).await.len(), 1);
}

#[tokio::test]
async fn all_pages_are_read_before_a_duplicate_counts_as_unexplained() {
    let full = transaction("1", "x", "failed", "sale", "1.00").repeat(100);
    let last = transaction("8", "another", "complete", "sale", "19.99");
    let server = answers(&[("order_id=", ""), ("page_number=0", &full), ("page_number=1", &last)]).await;
    assert_eq!(nmi(&server).inquire(&inquiry(Doubt::Duplicate)).await, Finding::OtherPayment);
}

#[tokio::test]
async fn a_query_that_fails_is_never_a_missing_transaction() {
    for (status, body) in [
        (
            200,
            "<nm_response><error_response>Specified API key not found REFID:1</error_response></nm_response>",
        ),
        (200, "busy"),
        (429, ""),
        (500, "<nm_response></nm_response>"),
    ] {
        let server = MockServer::start().await;
        stub(&server, "POST", QUERY, ResponseTemplate::new(status).set_body_string(body)).await;
        let finding = nmi(&server).inquire(&inquiry(Doubt::LostAnswer)).await;
        assert!(matches!(finding, Finding::Unreachable(_)), "{body}: {finding:?}");
        let finding = nmi(&server).inquire_operation(&operation(OperationKind::Refund)).await;
        assert!(matches!(finding, OperationFinding::Unknown(_)), "{body}: {finding:?}");
    }
}

#[tokio::test]
async fn m16_a_refund_is_looked_for_by_the_original_and_by_its_own_reference() {
    let request = operation(OperationKind::Refund);
    let original = transaction("gw-9", &request.attempt_reference, "complete", "sale", "19.99");
    let refund = transaction("10", &request.reference, "pendingsettlement", "refund", "-12.34");
    let server = answers(&[("transaction_id=gw-9", &original), ("order_id=", &refund)]).await;
    let finding = nmi(&server).inquire_operation(&request).await;
    assert_eq!(finding, OperationFinding::Done { reference: "10".to_owned() });

    let server = answers(&[("transaction_id=gw-9", &original), ("order_id=", "")]).await;
    let (gateway, clock) = connect("nmi", &nmi_settings(&server.uri()));
    assert!(matches!(gateway.inquire_operation(&request).await, OperationFinding::Unknown(_)));
    clock.advance(SignedDuration::from_mins(30));
    assert_eq!(gateway.inquire_operation(&request).await, OperationFinding::NotDone);
}
