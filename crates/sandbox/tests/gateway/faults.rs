//! Faults of each kind: what the caller sees, and what was charged all the same.

use rstest::rstest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::client::{PRIMARY_KEY, Reply, Server, VISA, pairs};

fn sale(orderid: &str) -> Vec<(String, String)> {
    pairs(&[
        ("security_key", PRIMARY_KEY),
        ("type", "sale"),
        ("ccnumber", VISA),
        ("amount", "5.00"),
        ("orderid", orderid),
    ])
}

/// Sends a sale over a bare connection.
async fn raw_sale(server: &Server, orderid: &str) -> TcpStream {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(sale(orderid)).finish();
    let request = format!(
        "POST /api/transact.php HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Every byte that comes before the connection ends.
async fn read_all(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // A reset instead of an orderly end is a closed connection too.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[rstest]
#[case::before("drop_before", &[])]
#[case::after("act_then_drop", &["sale 500 o-1"])]
#[tokio::test]
async fn a_dropped_request_ends_the_connection_without_a_byte(#[case] kind: &str, #[case] booked: &[&str]) {
    let server = Server::start().await;
    server.add_fault(json!({"kind": kind})).await;
    assert_eq!(read_all(raw_sale(&server, "o-1").await).await, b"");
    assert_eq!(server.movements().await, booked);
    server.sale(VISA, "5.00", "o-2").await.approved();
}

#[tokio::test]
async fn connection_close_is_honoured() {
    let server = Server::start().await;
    let answer = String::from_utf8(read_all(raw_sale(&server, "o-1").await).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("responsetext=SUCCESS"), "{answer}");
}

#[rstest]
#[case::before("drop_before")]
#[case::after("act_then_drop")]
#[tokio::test]
async fn a_pooling_client_sees_a_dropped_request_as_a_failure_and_does_not_repeat_it(#[case] kind: &str) {
    let server = Server::start().await;
    server.sale(VISA, "1.00", "warm-up").await.approved();
    server.add_fault(json!({"kind": kind, "orderid": "o-1"})).await;
    assert!(server.send(&sale("o-1")).await.is_err());
    let (_, waiting) = server.control("GET", "faults", Value::Null).await;
    assert_eq!(waiting.as_array().unwrap().len(), 1, "a fault of an order stays");
    assert!(server.movements().await.len() <= 2);
}

#[rstest]
#[case::not_acting(json!({"status_5xx": {}}), 503, 0)]
#[case::acting(json!({"status_5xx": {"status": 502, "acts": true}}), 502, 1)]
#[case::too_many(json!("too_many_requests"), 429, 0)]
#[tokio::test]
async fn http_errors_have_their_status_and_act_only_if_asked(
    #[case] kind: Value,
    #[case] status: u16,
    #[case] booked: usize,
) {
    let server = Server::start().await;
    server.add_fault(json!({"kind": kind, "requests": 2})).await;
    for orderid in ["o-1", "o-2"] {
        assert_eq!(server.send(&sale(orderid)).await.unwrap().status().as_u16(), status);
    }
    assert_eq!(server.send(&sale("o-3")).await.unwrap().status(), 200);
    assert_eq!(server.movements().await.len(), 2 * booked + 1);
}

#[tokio::test]
async fn the_rate_limit_answers_301_without_a_reference_and_does_nothing() {
    let server = Server::start().await;
    server.add_fault(json!({"kind": "rate_limited"})).await;
    let reply = Reply::of(server.send(&sale("o-1")).await.unwrap()).await;
    assert_eq!(reply.outcome(), ("3", "301", "Rate limit exceeded"));
    assert_eq!((reply.get("orderid"), reply.get("type"), reply.id()), ("", "", ""));
    assert!(!reply.get("responsetext").contains("REFID"));
    assert!(server.movements().await.is_empty());
    server.add_fault(json!({"kind": "rate_limited", "target": "query"})).await;
    assert!(server.query(&[]).await.contains("<error_response>Rate limit exceeded</error_response>"));
}

#[rstest]
#[case::lost("code_420", "420", "Communication error", true, "pendingsettlement")]
#[case::not_made("code_420", "420", "Communication error", false, "failed")]
#[case::duplicate("code_430", "430", "Duplicate transaction at processor", true, "pendingsettlement")]
#[case::refused("code_430", "430", "Duplicate transaction at processor", false, "failed")]
#[tokio::test]
async fn a_lost_processor_answer_is_found_out_by_a_query(
    #[case] kind: &str,
    #[case] code: &str,
    #[case] text: &str,
    #[case] acts: bool,
    #[case] condition: &str,
) {
    let server = Server::start().await;
    server.add_fault(json!({"kind": {kind: {"acts": acts}}})).await;
    let reply = Reply::of(server.send(&sale("o-1")).await.unwrap()).await;
    assert_eq!(reply.outcome(), ("3", code, text));
    let report = server.query(&[("order_id", "o-1")]).await;
    assert!(report.contains(&format!("<condition>{condition}</condition>")), "{report}");
    assert_eq!(server.movements().await.len(), usize::from(acts));
}

#[tokio::test]
async fn a_slow_request_is_charged_though_its_caller_hung_up_and_not_listed_before() {
    let server = Server::start().await;
    server.add_fault(json!({"kind": {"slow": {"latency_ms": 300}}})).await;
    let stream = raw_sale(&server, "o-1").await;
    while !server.sandbox.list_faults().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!server.query(&[("order_id", "o-1")]).await.contains("<transaction>"));
    drop(stream);
    let hung_up_at = std::time::Instant::now();
    while server.sandbox.ledger().is_empty() {
        assert!(hung_up_at.elapsed().as_secs() < 30, "never charged");
        tokio::task::yield_now().await;
    }
    assert_eq!(server.movements().await, ["sale 500 o-1"]);
}

#[tokio::test]
async fn a_slow_request_is_answered_in_the_end() {
    let server = Server::start().await;
    server
        .add_fault(json!({"kind": {"slow": {"latency_ms": 20}}, "type": "sale", "account": "primary"}))
        .await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    assert!(server.sandbox.list_faults().is_empty());
}

#[tokio::test]
async fn a_fault_hits_only_its_order_type_account_and_endpoint_until_it_is_taken_away() {
    let server = Server::start().await;
    server.add_fault(json!({"kind": "rate_limited", "orderid": "o-1"})).await;
    server.add_fault(json!({"kind": "rate_limited", "type": "void"})).await;
    server.add_fault(json!({"kind": "rate_limited", "account": "rescue"})).await;
    server.add_fault(json!({"kind": "too_many_requests", "target": "query", "orderid": "o-9"})).await;
    assert_eq!(server.sale(VISA, "5.00", "o-1").await.outcome().1, "301");
    assert_eq!(server.sale(VISA, "5.00", "o-1").await.outcome().1, "301");
    let sale = server.sale(VISA, "5.00", "o-2").await.approved();
    let void = [("type", "void"), ("transactionid", sale.id())];
    assert_eq!(server.transact(&void).await.outcome().1, "301");
    server.query(&[("order_id", "o-2")]).await;
    assert_eq!(server.control("DELETE", "faults", Value::Null).await.0, 204);
    server.sale(VISA, "5.00", "o-1").await.approved();
}
