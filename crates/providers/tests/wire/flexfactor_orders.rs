//! Asking, fencing, capturing, cancelling and refunding at FlexFactor.

use domain::attempt::Doubt;
use domain::doubt::{FenceAnswer, Finding};
use domain::salvage::Standing;
use domain::{Currency, Money};
use gateways::{
    GatewayError, InquireRequest, OperationFinding, OperationKind, OperationOutcome, OperationRequest,
};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{arrived, flexfactor, inquiry, json, operation, stub, stub_preparation};

async fn server(stubs: Vec<(&str, String, ResponseTemplate)>) -> MockServer {
    let server = MockServer::start().await;
    stub_preparation(&server).await;
    for (verb, at, answer) in stubs {
        stub(&server, verb, &at, answer).await;
    }
    server
}

fn body(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

async fn listed(answer: ResponseTemplate) -> Finding {
    let server = server(vec![("GET", "/v1/orders".to_owned(), answer)]).await;
    let request = inquiry(Doubt::LostAnswer);
    let finding = flexfactor(&server).inquire(&request).await;
    let asked = &arrived(&server, "/v1/orders").await[0];
    let expected = format!("query={}&mid=mid-1&pageSize=50", request.reference);
    assert_eq!(asked.url.query(), Some(expected.as_str()));
    finding
}

fn known_as(name: &str, reference: &str) -> Value {
    json!({"id": "ff-1", name: reference, "statusName": "APPROVED", "amount": 1_999, "currencyCode": "USD"})
}

#[rstest]
#[tokio::test]
async fn m8_an_order_is_found_by_our_reference_under_any_of_its_names(
    #[values("orders", "data", "items", "Results")] list: &str,
    #[values("externalOrderId", "MerchantOrderId", "orderReference", "referenceNumber")] name: &str,
) {
    let reference = inquiry(Doubt::LostAnswer).reference;
    let orders = json!([known_as(name, "another"), known_as(name, &reference)]);
    let finding = listed(body(json!({list: orders, "hasNextPage": false}))).await;
    assert!(matches!(&finding, Finding::Approved(approval) if approval.reference == "ff-1"), "{finding:?}");
}

#[tokio::test]
async fn an_empty_list_is_not_found_and_a_list_that_cannot_tell_is_unreachable() {
    let other = || known_as("externalOrderId", "another");
    assert_eq!(listed(body(json!({"orders": []}))).await, Finding::NotFound);
    assert_eq!(listed(body(json!({"orders": [other()]}))).await, Finding::NotFound);
    assert_eq!(listed(ResponseTemplate::new(404)).await, Finding::NotFound);
    for answer in [
        body(json!({"orders": [{"id": "ff-1", "statusName": "APPROVED"}]})),
        body(json!({"orders": [other()], "hasNextPage": true})),
        body(json!({"pages": 1})),
        ResponseTemplate::new(200).set_body_string("busy"),
        ResponseTemplate::new(500),
        ResponseTemplate::new(403),
    ] {
        let finding = listed(answer).await;
        assert!(matches!(finding, Finding::Unreachable(_)), "{finding:?}");
    }
}

#[tokio::test]
async fn two_orders_for_one_attempt_are_a_contradiction() {
    let one = known_as("externalOrderId", &inquiry(Doubt::LostAnswer).reference);
    let finding = listed(body(json!({"orders": [one, one]}))).await;
    assert!(matches!(finding, Finding::Contradiction(_)), "{finding:?}");
}

async fn by_id(answer: ResponseTemplate) -> Finding {
    let server = server(vec![("GET", "/v1/orders/ff-1".to_owned(), answer)]).await;
    let request = InquireRequest { gateway_reference: Some("ff-1".to_owned()), ..inquiry(Doubt::LostAnswer) };
    flexfactor(&server).inquire(&request).await
}

#[tokio::test]
async fn a_known_order_is_asked_by_its_id() {
    let finding = by_id(body(json!({"statusName": "CAPTUREREQUIRED"}))).await;
    assert!(matches!(&finding, Finding::Held(approval) if approval.reference == "ff-1"), "{finding:?}");
    assert_eq!(by_id(ResponseTemplate::new(404)).await, Finding::NotFound);
    assert_eq!(by_id(body(json!({"id": "ff-1", "status": 4}))).await, Finding::Processing);
    let finding = by_id(body(known_as("externalOrderId", "another"))).await;
    assert!(matches!(finding, Finding::Contradiction(_)), "{finding:?}");
    let finding = by_id(ResponseTemplate::new(500)).await;
    assert!(matches!(finding, Finding::Unreachable(_)), "{finding:?}");
}

async fn stands(gateway_reference: Option<&str>, at: &str, answer: ResponseTemplate) -> Standing {
    let server = server(vec![("GET", at.to_owned(), answer)]).await;
    let gateway_reference = gateway_reference.map(str::to_owned);
    let request = InquireRequest { gateway_reference, ..inquiry(Doubt::LostAnswer) };
    let standing = flexfactor(&server).look_up(&request).await;
    assert_eq!(arrived(&server, at).await.len(), 1);
    standing
}

#[tokio::test]
async fn m20_a_salvage_whose_answer_was_lost_is_looked_up_by_our_reference() {
    let at = "/v1/orders";
    let reference = inquiry(Doubt::LostAnswer).reference;
    let order = |name: &str| json!({"id": "ff-1", "externalOrderId": reference, "statusName": name});
    let list = |orders: Value| body(json!({"orders": orders}));
    let standing = stands(None, at, list(json!([order("SUBMITTED")]))).await;
    assert_eq!(standing, Standing::Working("ff-1".to_owned()));
    let standing = stands(None, at, list(json!([order("CANCELLED")]))).await;
    assert_eq!(standing, Standing::Cancelled);
    assert_eq!(stands(None, at, list(json!([]))).await, Standing::Unknown);
    assert_eq!(stands(Some(""), at, ResponseTemplate::new(404)).await, Standing::Unknown);
    let twice = list(json!([order("SUBMITTED"), order("APPROVED")]));
    assert!(matches!(stands(None, at, twice).await, Standing::Unreachable(_)));
}

#[tokio::test]
async fn m21_a_known_salvage_is_looked_up_by_its_id_and_never_guessed() {
    let at = "/v1/orders/ff-1";
    let look = async |answer| stands(Some("ff-1"), at, answer).await;
    let standing = look(body(json!({"statusName": "APPROVED"}))).await;
    assert!(
        matches!(&standing, Standing::Approved(approval) if approval.reference == "ff-1"),
        "{standing:?}"
    );
    assert!(matches!(look(body(json!({"status": 5}))).await, Standing::Held(_)));
    let standing = look(body(json!({"statusName": "EXPIRED"}))).await;
    assert!(matches!(&standing, Standing::Failed(raw) if raw.code == "EXPIRED"), "{standing:?}");
    assert_eq!(look(ResponseTemplate::new(404)).await, Standing::Unknown);
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(403),
        ResponseTemplate::new(200).set_body_string("busy"),
        body(json!({"statusName": "Chargeback"})),
        body(known_as("externalOrderId", "another")),
        body(json!({"statusName": "APPROVED", "amount": 5, "currencyCode": "USD"})),
    ] {
        let standing = look(answer).await;
        assert!(matches!(standing, Standing::Unreachable(_)), "{standing:?}");
    }
}

fn external() -> String {
    format!("/v1/orders/{}/external-cancel", inquiry(Doubt::LostAnswer).reference)
}

#[rstest]
#[case(ResponseTemplate::new(200), FenceAnswer::Confirmed)]
#[case(ResponseTemplate::new(204), FenceAnswer::Confirmed)]
#[case(ResponseTemplate::new(200).set_body_json(json!({})), FenceAnswer::Confirmed)]
#[case(ResponseTemplate::new(200).set_body_json(json!({"success": false})), FenceAnswer::Failed)]
#[case(ResponseTemplate::new(404), FenceAnswer::Unknown)]
#[case(ResponseTemplate::new(400), FenceAnswer::Failed)]
#[case(ResponseTemplate::new(409), FenceAnswer::Failed)]
#[case(ResponseTemplate::new(500), FenceAnswer::Failed)]
#[tokio::test]
async fn m8_a_fence_cancels_by_our_reference(
    #[case] answer: ResponseTemplate,
    #[case] expected: FenceAnswer,
) {
    let server = server(vec![("POST", external(), answer)]).await;
    assert_eq!(flexfactor(&server).fence(&inquiry(Doubt::LostAnswer)).await, expected);
}

#[rstest]
#[case(200, 404, FenceAnswer::Confirmed, 0)]
#[case(404, 404, FenceAnswer::Unknown, 1)]
#[case(400, 404, FenceAnswer::Failed, 1)]
#[case(400, 200, FenceAnswer::Confirmed, 1)]
#[tokio::test]
async fn m8_a_known_order_is_cancelled_by_its_id_first(
    #[case] id: u16,
    #[case] reference: u16,
    #[case] expected: FenceAnswer,
    #[case] external_calls: usize,
) {
    let by_id = ("POST", "/v1/orders/ff-1/cancel".to_owned(), ResponseTemplate::new(id));
    let server = server(vec![by_id, ("POST", external(), ResponseTemplate::new(reference))]).await;
    let request = InquireRequest { gateway_reference: Some("ff-1".to_owned()), ..inquiry(Doubt::LostAnswer) };
    assert_eq!(flexfactor(&server).fence(&request).await, expected);
    assert_eq!(arrived(&server, &external()).await.len(), external_calls);
}

fn path_of(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Capture => "/v1/capture",
        OperationKind::Void => "/v1/orders/gw-9/cancel",
        OperationKind::Refund => "/v1/orders/gw-9/refund",
    }
}

async fn operate(kind: OperationKind, answer: ResponseTemplate) -> Result<OperationOutcome, GatewayError> {
    let server = server(vec![("POST", path_of(kind).to_owned(), answer)]).await;
    flexfactor(&server).operate(&operation(kind)).await
}

#[tokio::test]
async fn operations_send_exactly_these_bodies() {
    let success = || body(json!({"status": "SUCCESS", "success": true}));
    for (kind, expected) in [
        (
            OperationKind::Capture,
            json!({"idempotencyKey": operation(OperationKind::Capture).idempotency_key.to_string(),
                "orderId": "gw-9", "amount": 1_234, "currency": "USD"}),
        ),
        (OperationKind::Void, json!({})),
    ] {
        let server = server(vec![("POST", path_of(kind).to_owned(), success())]).await;
        flexfactor(&server).operate(&operation(kind)).await.unwrap();
        assert_eq!(json(&arrived(&server, path_of(kind)).await[0]), expected);
    }
}

#[rstest]
#[case(1_234, "USD", "12.34")]
#[case(5, "USD", "0.05")]
#[case(9_007_199_254_740_993, "USD", "90071992547409.93")]
#[case(500, "JPY", "500")]
#[tokio::test]
async fn m16_a_refund_is_a_decimal_number_of_major_units_without_rounding(
    #[case] minor: i64,
    #[case] currency: &str,
    #[case] expected: &str,
) {
    let kind = OperationKind::Refund;
    let server = server(vec![("POST", path_of(kind).to_owned(), body(json!({"status": "SUCCESS"})))]).await;
    let mut request = operation(kind);
    request.amount = Money::new(minor, Currency::parse(currency).unwrap());
    flexfactor(&server).operate(&request).await.unwrap();
    let sent = String::from_utf8(arrived(&server, path_of(kind)).await[0].body.clone()).unwrap();
    let key = request.idempotency_key;
    assert_eq!(sent, format!("{{\"amountToRefund\":{expected},\"idempotencyKey\":\"{key}\"}}"));
}

#[tokio::test]
async fn m16_two_parts_of_a_refund_carry_the_keys_of_their_operations_and_a_repetition_the_same() {
    let kind = OperationKind::Refund;
    let server = server(vec![("POST", path_of(kind).to_owned(), body(json!({"status": "SUCCESS"})))]).await;
    let gateway = flexfactor(&server);
    let part = |key: u128| OperationRequest { idempotency_key: Uuid::from_u128(key), ..operation(kind) };
    for request in [part(1), part(2), part(2)] {
        gateway.operate(&request).await.unwrap();
    }
    let sent: Vec<Value> = arrived(&server, path_of(kind)).await.iter().map(json).collect();
    assert_ne!(sent[0], sent[1]);
    assert_eq!(sent[1], sent[2]);
}

#[tokio::test]
async fn a_refund_is_decided_by_its_status_never_by_its_message() {
    let done =
        json!({"status": "SUCCESS", "success": true, "responseMessage": "DECLINED", "transactionId": "r-1"});
    let outcome = operate(OperationKind::Refund, body(done)).await.unwrap();
    assert!(
        matches!(&outcome, OperationOutcome::Done { reference, .. } if reference == "r-1"),
        "{outcome:?}"
    );
    let failed = json!({"status": "FAILED", "success": false, "responseCode": "2001", "responseMessage": "APPROVED too much"});
    let outcome = operate(OperationKind::Refund, body(failed)).await.unwrap();
    let text = "APPROVED too much".to_owned();
    assert_eq!(outcome, OperationOutcome::Refused { code: "2001".to_owned(), text });
}

#[rstest]
#[case(OperationKind::Capture, ResponseTemplate::new(200).set_body_json(json!({"captureStatus": "SUCCESS"})), "done")]
#[case(OperationKind::Capture, ResponseTemplate::new(200).set_body_json(json!({"status": "FAILED"})), "refused")]
#[case(OperationKind::Capture, ResponseTemplate::new(200), "doubt")]
#[case(OperationKind::Capture, ResponseTemplate::new(404), "refused")]
#[case(OperationKind::Capture, ResponseTemplate::new(400), "rejected")]
#[case(OperationKind::Capture, ResponseTemplate::new(500), "doubt")]
#[case(OperationKind::Capture, ResponseTemplate::new(409), "doubt")]
#[case(OperationKind::Void, ResponseTemplate::new(200), "done")]
#[case(OperationKind::Void, ResponseTemplate::new(204), "done")]
#[case(OperationKind::Void, ResponseTemplate::new(200).set_body_json(json!({"success": false})), "refused")]
#[case(OperationKind::Void, ResponseTemplate::new(502), "doubt")]
#[case(OperationKind::Refund, ResponseTemplate::new(200).set_body_json(json!({"status": "PROCESSING"})), "doubt")]
#[case(OperationKind::Refund, ResponseTemplate::new(200).set_body_json(json!({"status": "SUCCESS", "success": false})), "doubt")]
#[case(OperationKind::Refund, ResponseTemplate::new(403), "rejected")]
#[case(OperationKind::Refund, ResponseTemplate::new(503), "doubt")]
#[tokio::test]
async fn operations_end_as_their_answers_say(
    #[case] kind: OperationKind,
    #[case] answer: ResponseTemplate,
    #[case] expected: &str,
) {
    let outcome = operate(kind, answer).await;
    let word = match &outcome {
        Ok(OperationOutcome::Done { .. }) => "done",
        Ok(OperationOutcome::Refused { .. }) => "refused",
        Err(GatewayError::InDoubt(..)) => "doubt",
        Err(GatewayError::Rejected(_)) => "rejected",
        Err(GatewayError::NotSent(_)) => "not sent",
    };
    assert_eq!(word, expected, "{outcome:?}");
}

#[rstest]
#[case(OperationKind::Capture, "CAPTUREREQUIRED", "not done")]
#[case(OperationKind::Capture, "APPROVED", "done")]
#[case(OperationKind::Capture, "COMPLETED", "done")]
#[case(OperationKind::Capture, "CANCELLED", "not done")]
#[case(OperationKind::Capture, "PROCESSING", "unknown")]
#[case(OperationKind::Void, "CANCELLED", "done")]
#[case(OperationKind::Void, "CAPTUREREQUIRED", "not done")]
#[case(OperationKind::Void, "PROCESSING", "unknown")]
#[case(OperationKind::Refund, "REFUNDED", "done")]
#[case(OperationKind::Refund, "RETURNED", "done")]
#[case(OperationKind::Refund, "APPROVED", "unknown")]
#[tokio::test]
async fn m16_operations_in_doubt_are_read_from_the_order_and_refunds_are_never_guessed(
    #[case] kind: OperationKind,
    #[case] status: &str,
    #[case] expected: &str,
) {
    let order = ("GET", "/v1/orders/gw-9".to_owned(), body(json!({"id": "gw-9", "statusName": status})));
    let server = server(vec![order]).await;
    let finding = flexfactor(&server).inquire_operation(&operation(kind)).await;
    let word = match &finding {
        OperationFinding::Done { .. } => "done",
        OperationFinding::NotDone => "not done",
        OperationFinding::Unknown(_) => "unknown",
    };
    assert_eq!(word, expected, "{finding:?}");
}
