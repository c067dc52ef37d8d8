//! What NMI receives and what its replies become.

use std::error::Error;

use domain::attempt::{Doubt, Initiator, Purpose};
use domain::declines::Reason;
use domain::{Currency, Money};
use gateways::contract::sample_charge;
use gateways::{
    ChargeOutcome, ChargeRequest, GatewayError, OperationKind, OperationOutcome, StoredCredential,
};
use rstest::rstest;
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{NMI_KEY, arrived, connect, form, nmi, nmi_settings, operation, stub};

const APPROVED: &str = "response=1&responsetext=SUCCESS&authcode=123456&transactionid=9000000062&avsresponse=N&cvvresponse=M&orderid=x&type=sale&response_code=100";
const TRANSACT: &str = "/api/transact.php";
const QUERY: &str = "/api/query.php";

async fn server(body: &str) -> MockServer {
    let server = MockServer::start().await;
    stub(&server, "POST", TRANSACT, ResponseTemplate::new(200).set_body_string(body)).await;
    server
}

/// The form that a charge sends, as `name=value` lines.
async fn sent(request: &ChargeRequest) -> Vec<String> {
    let server = server(APPROVED).await;
    nmi(&server).charge(request).await.unwrap();
    let requests = arrived(&server, TRANSACT).await;
    assert_eq!(requests[0].headers["content-type"], "application/x-www-form-urlencoded");
    form(&requests[0]).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn has(fields: &[String], field: &str) -> bool {
    fields.iter().any(|one| one == field)
}

#[tokio::test]
async fn a_sale_sends_exactly_these_fields() {
    let mut request = sample_charge();
    request.contact.billing.line2 = "Flat 2".to_owned();
    let expected = [
        "address1=1 Main St",
        "address2=Flat 2",
        "amount=19.99",
        "ccexp=0930",
        "ccnumber=4111111111111111",
        "city=Austin",
        "country=US",
        "currency=USD",
        "cvv=987",
        "email=ann@example.test",
        "first_name=Ann",
        "ipaddress=203.0.113.9",
        "last_name=Lee",
        "order_description=Order 7",
        "orderid=01jd3f6c5y0000000000000001",
        "phone=5125550100",
        &format!("security_key={NMI_KEY}"),
        "shipping_address1=1 Main St",
        "shipping_city=Austin",
        "shipping_country=US",
        "shipping_firstname=Ann",
        "shipping_lastname=Lee",
        "shipping_state=TX",
        "shipping_zip=78701",
        "state=TX",
        "type=sale",
        "zip=78701",
    ];
    assert_eq!(sent(&request).await, expected);
}

#[tokio::test]
async fn r103_without_a_security_code_no_cvv_field_is_sent() {
    let mut request = sample_charge();
    request.card.security_code = None;
    assert!(!sent(&request).await.iter().any(|field| field.starts_with("cvv")));
}

#[tokio::test]
async fn holds_and_card_checks_have_types_of_their_own() {
    let hold = ChargeRequest { purpose: Purpose::Hold, ..sample_charge() };
    assert!(has(&sent(&hold).await, "type=auth"));
    let check = ChargeRequest { amount: Money::zero(Currency::USD), ..sample_charge() };
    let fields = sent(&check).await;
    assert!(
        has(&fields, "type=validate") && !fields.iter().any(|field| field.starts_with("amount")),
        "{fields:?}"
    );
    let yen = ChargeRequest { amount: Money::parse("500", "JPY").unwrap(), ..sample_charge() };
    assert!(has(&sent(&yen).await, "amount=500"));
}

#[rstest]
#[case(StoredCredential::None, &[])]
#[case(StoredCredential::FirstRecurring, &["initiated_by=customer", "stored_credential_indicator=stored"])]
#[case(
    StoredCredential::Rebill { initial_reference: None },
    &["initiated_by=merchant", "stored_credential_indicator=stored"]
)]
#[case(
    StoredCredential::Rebill { initial_reference: Some("77".to_owned()) },
    &["initial_transaction_id=77", "initiated_by=merchant", "stored_credential_indicator=used"]
)]
#[tokio::test]
async fn m30_agreements_are_sent_as_nmi_wants_them(
    #[case] agreement: StoredCredential,
    #[case] expected: &[&str],
) {
    let request =
        ChargeRequest { stored_credential: agreement, initiator: Initiator::Merchant, ..sample_charge() };
    let fields = sent(&request).await;
    let names = ["initial_transaction_id", "initiated_by", "stored_credential_indicator"];
    let found: Vec<&String> =
        fields.iter().filter(|field| names.iter().any(|name| field.starts_with(name))).collect();
    assert_eq!(found, expected);
    assert_eq!(has(&fields, "billing_method=recurring"), !expected.is_empty());
}

#[rstest]
#[case("false", "false", false)]
#[case("true", "false", true)]
#[case("true", "true", false)]
#[case("false", "true", false)]
#[tokio::test]
async fn the_duplicate_check_is_switched_off_only_where_allowed_and_needed(
    #[case] allowed: &str,
    #[case] compares: &str,
    #[case] expected: bool,
) {
    let server = server(APPROVED).await;
    let mut settings = nmi_settings(&server.uri());
    settings.plain.insert("dup_seconds_allowed".to_owned(), allowed.to_owned());
    settings.plain.insert("duplicate_checks_order_id".to_owned(), compares.to_owned());
    settings.plain.insert("processor_id".to_owned(), "ccb".to_owned());
    connect("nmi", &settings).0.charge(&sample_charge()).await.unwrap();
    let fields = form(&arrived(&server, TRANSACT).await[0]);
    assert_eq!(fields.contains(&("dup_seconds".to_owned(), "0".to_owned())), expected);
    assert!(fields.contains(&("processor_id".to_owned(), "ccb".to_owned())));
}

#[tokio::test]
async fn replies_become_outcomes() {
    let outcome = nmi(&server(APPROVED).await).charge(&sample_charge()).await.unwrap();
    let ChargeOutcome::Approved(approval) = outcome else { panic!("{outcome:?}") };
    assert_eq!((approval.reference.as_str(), approval.auth_code.as_str()), ("9000000062", "123456"));
    let declined = "response=2&responsetext=DECLINE&transactionid=9000000072&response_code=202";
    let outcome = nmi(&server(declined).await).charge(&sample_charge()).await.unwrap();
    let ChargeOutcome::Declined(raw) = outcome else { panic!("{outcome:?}") };
    assert_eq!((raw.code.as_str(), raw.text.as_str()), ("202", "DECLINE"));
}

#[rstest]
#[case(200, "")]
#[case(200, "<html>proxy</html>")]
#[case(200, "response=9&response_code=100")]
#[case(302, "")]
#[case(404, "")]
#[case(500, APPROVED)]
#[case(502, "")]
#[tokio::test]
async fn m2_anything_but_a_reply_leaves_doubt(#[case] status: u16, #[case] body: &str) {
    let server = MockServer::start().await;
    stub(&server, "POST", TRANSACT, ResponseTemplate::new(status).set_body_string(body)).await;
    let error = nmi(&server).charge(&sample_charge()).await.unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::LostAnswer, _)), "{error:?}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn too_many_requests_were_not_worked_on() {
    let server = MockServer::start().await;
    stub(&server, "POST", TRANSACT, ResponseTemplate::new(429)).await;
    let error = nmi(&server).charge(&sample_charge()).await.unwrap_err();
    let GatewayError::Rejected(rejection) = error else { panic!("{error:?}") };
    assert_eq!((rejection.reason, rejection.code.as_str()), (Reason::RateLimited, "429"));
}

#[rstest]
#[case("<condition>failed</condition>", "0", true)]
#[case("<condition>pendingsettlement</condition>", "1", false)]
#[case("<condition>unknown</condition>", "0", false)]
#[tokio::test]
async fn m13_a_processor_error_is_a_decline_only_when_the_query_shows_it_failed(
    #[case] condition: &str,
    #[case] success: &str,
    #[case] declined: bool,
    #[values("400", "421")] code: &str,
) {
    let reply = format!("response=3&responsetext=Processor error&transactionid=7&response_code={code}");
    let server = server(&reply).await;
    let found = format!(
        "<nm_response><transaction><transaction_id>7</transaction_id>{condition}<order_id>{}</order_id>\
         <action><amount>19.99</amount><action_type>sale</action_type><success>{success}</success>\
         <processor_response_code>91</processor_response_code></action></transaction></nm_response>",
        sample_charge().reference
    );
    stub(&server, "POST", QUERY, ResponseTemplate::new(200).set_body_string(found)).await;
    match nmi(&server).charge(&sample_charge()).await {
        Ok(ChargeOutcome::Declined(raw)) if declined => {
            assert_eq!((raw.code.as_str(), raw.network_code.as_deref()), (code, Some("91")));
        }
        Err(GatewayError::InDoubt(Doubt::Unclear, _)) if !declined => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn m13_a_processor_error_that_the_query_does_not_show_leaves_doubt() {
    let server = server("response=3&responsetext=x&transactionid=7&response_code=400").await;
    stub(&server, "POST", QUERY, ResponseTemplate::new(200).set_body_string("<nm_response/>")).await;
    let error = nmi(&server).charge(&sample_charge()).await.unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::Unclear, _)), "{error:?}");
}

#[rstest]
#[case(OperationKind::Capture, &["amount=12.34", "transactionid=gw-9", "type=capture"])]
#[case(OperationKind::Void, &["transactionid=gw-9", "type=void"])]
#[case(
    OperationKind::Refund,
    &["amount=12.34", "orderid=01jd3f6c5y0000000000000op1", "transactionid=gw-9", "type=refund"]
)]
#[tokio::test]
async fn operations_send_exactly_these_fields(#[case] kind: OperationKind, #[case] expected: &[&str]) {
    let server = server(APPROVED).await;
    let outcome = nmi(&server).operate(&operation(kind)).await.unwrap();
    let done = OperationOutcome::Done { reference: "9000000062".to_owned(), text: "SUCCESS".to_owned() };
    assert_eq!(outcome, done);
    let fields = form(&arrived(&server, TRANSACT).await[0]);
    let mut lines: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.retain(|line| !line.starts_with("security_key="));
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn m16_a_refund_of_nothing_would_refund_everything_and_is_not_sent() {
    let server = server(APPROVED).await;
    let mut request = operation(OperationKind::Refund);
    request.amount = Money::zero(Currency::USD);
    let error = nmi(&server).operate(&request).await.unwrap_err();
    assert!(matches!(error, GatewayError::Rejected(_)), "{error:?}");
    assert!(arrived(&server, TRANSACT).await.is_empty());
}

#[tokio::test]
async fn an_operation_without_a_usable_reply_is_in_doubt() {
    let server = server("oops").await;
    let error = nmi(&server).operate(&operation(OperationKind::Refund)).await.unwrap_err();
    assert!(matches!(error, GatewayError::InDoubt(Doubt::LostAnswer, _)), "{error:?}");
}
