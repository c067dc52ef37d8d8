//! Open salvages at FlexFactor: what is submitted, and what its answers become.

use domain::attempt::Initiator;
use domain::{Currency, Money};
use gateways::contract::opened;
use gateways::{ChargeOutcome, ChargeRequest, GatewayError, OpenSalvage, SubscriptionTerms};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::flexfactor_charge::salvage;
use crate::support::{
    CARD_TOKEN, arrived, connect, flexfactor, flexfactor_settings, json, stub, stub_preparation,
};

const EVALUATE: &str = "/v1/evaluate";

fn deadline() -> Timestamp {
    "2026-12-12T10:00:00Z".parse().unwrap()
}

fn terms() -> SubscriptionTerms {
    SubscriptionTerms {
        reference: "sub-7".to_owned(),
        interval_days: 30,
        price: Money::new(2_999, Currency::USD),
        payment_number: 3,
        payments_total: None,
    }
}

fn open(subscription: Option<SubscriptionTerms>) -> ChargeRequest {
    let open_salvage = Some(OpenSalvage { deadline: deadline(), subscription });
    ChargeRequest { initiator: Initiator::Merchant, open_salvage, ..salvage() }
}

async fn server(status: &str) -> MockServer {
    let server = MockServer::start().await;
    stub_preparation(&server).await;
    let body = json!({"orderSessionKey": "ff-1", "orderId": "ff-1", "success": true, "status": status});
    stub(&server, "POST", EVALUATE, ResponseTemplate::new(200).set_body_json(body)).await;
    server
}

async fn sent(request: &ChargeRequest) -> Value {
    let server = server("SUBMITTED").await;
    flexfactor(&server).charge(request).await.unwrap();
    json(&arrived(&server, EVALUATE).await[0])
}

#[tokio::test]
async fn r17_an_open_salvage_is_a_managed_evaluation_with_exactly_this_body() {
    let request = open(Some(terms()));
    let mut expected = sent(&salvage()).await;
    let members = expected.as_object_mut().unwrap();
    members.insert("isMIT".to_owned(), json!(true));
    members.insert("expiryDateUtc".to_owned(), json!("2026-12-12T10:00:00Z"));
    members.insert("isRecurring".to_owned(), json!(true));
    let subscription = json!({
        "subscriptionId": "sub-7", "interval": "monthly", "price": "2999", "currency": "USD",
        "paymentNumber": "3"
    });
    members.insert("subscription".to_owned(), subscription);
    let body = sent(&request).await;
    assert_eq!(body, expected);
    assert_eq!(body["orderId"], json!(request.reference));
    assert_eq!(body["transaction"]["id"], json!("declined-attempt"));
    assert_eq!(body["transaction"]["responseCode"], json!("202"));
    assert_eq!(body["paymentMethod"]["cardNumber"], json!(CARD_TOKEN));
}

#[tokio::test]
async fn m25_without_an_agreement_nothing_recurring_is_sent() {
    let body = sent(&open(None)).await;
    assert_eq!((body.get("isRecurring"), body.get("subscription")), (None, None));
    assert_eq!(body["expiryDateUtc"], json!("2026-12-12T10:00:00Z"));
}

#[tokio::test]
async fn an_agreement_with_an_end_says_how_many_payments_there_are() {
    let body = sent(&open(Some(SubscriptionTerms { payments_total: Some(12), ..terms() }))).await;
    assert_eq!(body["subscription"]["totalPayments"], json!("12"));
}

#[rstest]
#[case(Initiator::Merchant)]
#[case(Initiator::Customer)]
#[tokio::test]
async fn m25_r121_an_open_salvage_is_merchant_initiated_and_needs_no_ip_address(
    #[case] initiator: Initiator,
) {
    let mut request = ChargeRequest { initiator, ..open(None) };
    assert_eq!(sent(&request).await["customerIp"], json!("203.0.113.9"));
    request.contact.ip_address.clear();
    let body = sent(&request).await;
    assert_eq!((&body["isMIT"], body.get("customerIp")), (&json!(true), None));
}

#[tokio::test]
async fn r103_m25_an_open_salvage_sends_no_security_code() {
    let server = server("SUBMITTED").await;
    let request = open(None);
    assert!(request.card.security_code.is_some());
    flexfactor(&server).charge(&request).await.unwrap();
    let tokenize = &arrived(&server, "/v1/tokenize").await[0];
    assert_eq!(json(tokenize)["payment_method"]["credit_card"]["verification_value"], json!(""));
    for request in server.received_requests().await.unwrap() {
        assert!(!String::from_utf8_lossy(&request.body).contains("987"), "{}", request.url.path());
    }
}

#[rstest]
#[case("1")]
#[case("21")]
#[tokio::test]
async fn r18_the_deadline_is_the_submissions_own_whatever_is_set_now(#[case] days: &str) {
    let server = server("SUBMITTED").await;
    let mut settings = flexfactor_settings(&format!("{}/v1", server.uri()));
    settings.plain.insert("expiry_days".to_owned(), days.to_owned());
    connect("flexfactor", &settings).0.charge(&open(None)).await.unwrap();
    let body = json(&arrived(&server, EVALUATE).await[0]);
    assert_eq!(body["expiryDateUtc"], json!("2026-12-12T10:00:00Z"));
}

#[rstest]
#[case("SUBMITTED", "pending")]
#[case("PROCESSING", "pending")]
#[case("CHALLENGE", "pending")]
#[case("APPROVED", "approved")]
#[case("CAPTUREREQUIRED", "held")]
#[case("DECLINED", "declined")]
#[case("EXPIRED", "doubt")]
#[case("SOMETHING", "doubt")]
#[tokio::test]
async fn r84_m22_answers_to_an_open_salvage(#[case] status: &str, #[case] expected: &str) {
    let outcome = flexfactor(&server(status).await).charge(&opened(salvage())).await;
    let word = match &outcome {
        Ok(ChargeOutcome::Pending(reference)) if reference == "ff-1" => "pending",
        Ok(ChargeOutcome::Approved(approval)) if approval.reference == "ff-1" => "approved",
        Ok(ChargeOutcome::Held(approval)) if approval.reference == "ff-1" => "held",
        Ok(ChargeOutcome::Declined(raw)) if raw.reference == "ff-1" => "declined",
        Err(GatewayError::InDoubt(..)) => "doubt",
        other => panic!("{other:?}"),
    };
    assert_eq!(word, expected);
}
