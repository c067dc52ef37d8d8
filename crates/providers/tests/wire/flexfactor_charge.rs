//! What FlexFactor receives and what its answers become.

use std::error::Error;

use domain::attempt::{Doubt, Initiator, Purpose, RawDecline};
use domain::declines::Reason;
use gateways::contract::sample_charge;
use gateways::{ChargeOutcome, ChargeRequest, GatewayError, Salvaged};
use jiff::SignedDuration;
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{
    APP_KEY, APP_SECRET, BEARER, CARD_TOKEN, ENVIRONMENT_KEY, arrived, connect, flexfactor,
    flexfactor_settings, json, now, stub, stub_preparation, token_answer,
};

const TOKEN: &str = "/v1/oauth2/token";
const TOKENIZE: &str = "/v1/tokenize";
const EVALUATE: &str = "/v1/evaluate";

pub(crate) fn salvage() -> ChargeRequest {
    let raw = RawDecline {
        reference: "9000000072".to_owned(),
        code: "202".to_owned(),
        text: "Insufficient funds".to_owned(),
        avs: "N".to_owned(),
        ..RawDecline::default()
    };
    let salvaged = Salvaged {
        attempt: "declined-attempt".to_owned(),
        source: "nmi".to_owned(),
        raw,
        declined_at: now(),
    };
    ChargeRequest { salvaged: Some(salvaged), ..sample_charge() }
}

fn status(status: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "orderSessionKey": "ff-1", "orderId": "ff-1", "success": true, "result": "Success", "status": status,
        "statusCode": null, "errors": [], "customProperties": {}
    }))
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    stub_preparation(&server).await;
    stub(&server, "POST", EVALUATE, answer).await;
    server
}

async fn charge(answer: ResponseTemplate) -> Result<ChargeOutcome, GatewayError> {
    flexfactor(&server(answer).await).charge(&salvage()).await
}

async fn sent(request: &ChargeRequest) -> Value {
    let server = server(status("APPROVED")).await;
    flexfactor(&server).charge(request).await.unwrap();
    json(&arrived(&server, EVALUATE).await[0])
}

#[tokio::test]
async fn m10_m11_an_evaluation_sends_exactly_this_body() {
    let request = salvage();
    let address = json!({
        "firstName": "Ann", "lastName": "Lee", "country": "US", "countryCode": "US", "addressLine1": "1 Main St",
        "addressLine2": "", "city": "Austin", "state": "TX", "zipCode": "78701", "phone": "5125550100"
    });
    let expected = json!({
        "isDeclined": true, "isMIT": false, "mid": "mid-1", "siteId": "site-1", "orderId": request.reference,
        "idempotencyKey": request.idempotency_key.to_string(), "transactionType": "PURCHASE",
        "customerIp": "203.0.113.9",
        "transaction": {
            "id": "declined-attempt", "amount": 1_999, "currency": "USD", "timestampUtc": "2026-11-21T10:00:00Z",
            "timezoneUtcOffset": 0, "responseCode": "202", "responseCodeSource": "nmi",
            "responseDescription": "Insufficient funds", "responseStatus": "DECLINED", "avsResultCode": "N",
            "cvvResultCode": "NA", "cavvResultCode": "NA", "cardNotPresent": true
        },
        "payer": {"email": "ann@example.test", "phone": "5125550100"},
        "billingInformation": address, "shippingInformation": address,
        "paymentMethod": {
            "cardNumber": CARD_TOKEN, "token": true, "holderName": "Ann Lee", "cardType": "CREDIT",
            "cardBrand": "VISA", "expirationMonth": 9, "expirationYear": 2030, "cardBinNumber": "411111",
            "cardLast4Digits": "1111"
        }
    });
    assert_eq!(sent(&request).await, expected);
}

#[rstest]
#[case("1")]
#[case("21")]
#[tokio::test]
async fn r16_expiry_days_changes_nothing_in_a_cascade(#[case] days: &str) {
    let server = server(status("APPROVED")).await;
    let mut settings = flexfactor_settings(&format!("{}/v1", server.uri()));
    settings.plain.insert("expiry_days".to_owned(), days.to_owned());
    connect("flexfactor", &settings).0.charge(&salvage()).await.unwrap();
    assert_eq!(json(&arrived(&server, EVALUATE).await[0]), sent(&salvage()).await);
    assert_eq!(sent(&salvage()).await.get("expiryDateUtc"), None);
}

#[tokio::test]
async fn merchant_initiated_salvage_says_so_and_needs_no_ip_address() {
    let mut request = ChargeRequest { initiator: Initiator::Merchant, ..salvage() };
    request.contact.ip_address.clear();
    let body = sent(&request).await;
    assert_eq!(body["isMIT"], json!(true));
    assert_eq!(body.get("customerIp"), None);
}

#[tokio::test]
async fn r8_the_environment_key_goes_to_tokenization_and_nowhere_else() {
    let server = server(status("APPROVED")).await;
    flexfactor(&server).charge(&salvage()).await.unwrap();
    for request in server.received_requests().await.unwrap() {
        let everything =
            format!("{} {:?} {}", request.url, request.headers, String::from_utf8_lossy(&request.body));
        let is_tokenize = request.url.path() == TOKENIZE;
        assert_eq!(everything.contains(ENVIRONMENT_KEY), is_tokenize, "{}", request.url.path());
        assert_eq!(everything.contains("4111111111111111"), is_tokenize, "{}", request.url.path());
    }
    let tokenize = &arrived(&server, TOKENIZE).await[0];
    assert_eq!(tokenize.url.query(), Some(format!("mid=mid-1&environment={ENVIRONMENT_KEY}").as_str()));
    let expected = json!({"payment_method": {"email": "ann@example.test", "credit_card": {
        "first_name": "Ann", "last_name": "Lee", "number": "4111111111111111", "verification_value": "987",
        "month": "09", "year": "2030"
    }}});
    assert_eq!(json(tokenize), expected);
    assert_eq!(json(&arrived(&server, TOKEN).await[0]), json!({"AppKey": APP_KEY, "AppSecret": APP_SECRET}));
    let authorization = &arrived(&server, EVALUATE).await[0].headers["authorization"];
    assert_eq!(authorization, &format!("Bearer {BEARER}"));
}

#[tokio::test]
async fn answers_become_outcomes() {
    let outcome = charge(status("APPROVED")).await.unwrap();
    let ChargeOutcome::Approved(approval) = outcome else { panic!("{outcome:?}") };
    assert_eq!((approval.reference.as_str(), approval.amount), ("ff-1", salvage().amount));
    let outcome = charge(status("DECLINED")).await.unwrap();
    let ChargeOutcome::Declined(raw) = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        (raw.code.as_str(), raw.text.as_str(), raw.reference.as_str()),
        ("DECLINED", "DECLINED", "ff-1")
    );
}

#[tokio::test]
async fn m9_held_and_open_answers_are_no_approvals() {
    let outcome = charge(status("CAPTUREREQUIRED")).await.unwrap();
    assert!(matches!(&outcome, ChargeOutcome::Held(approval) if approval.reference == "ff-1"), "{outcome:?}");
    for open in ["CHALLENGE", "SUBMITTED", "PROCESSING"] {
        assert_eq!(charge(status(open)).await.unwrap(), ChargeOutcome::Pending("ff-1".to_owned()), "{open}");
    }
}

#[tokio::test]
async fn the_order_id_stands_in_for_a_missing_session_key() {
    let body = json!({"OrderId": "ff-2", "Status": "APPROVED", "success": true});
    let outcome = charge(ResponseTemplate::new(200).set_body_json(body)).await.unwrap();
    assert!(
        matches!(&outcome, ChargeOutcome::Approved(approval) if approval.reference == "ff-2"),
        "{outcome:?}"
    );
}

#[rstest]
#[case(json!({"status": 400, "title": "x", "traceId": "00-1", "errors": {"OrderId": ["is required"]}}))]
#[case(json!({"TraceId": ["00-1"], "OrderId": ["is required"]}))]
#[case(json!({"status": "400", "errors": {"OrderId": ["is required"], "TraceId": ["00-1"]}}))]
#[tokio::test]
async fn a_malformed_request_is_rejected_with_its_messages(#[case] body: Value) {
    let error = charge(ResponseTemplate::new(400).set_body_json(body)).await.unwrap_err();
    let GatewayError::Rejected(rejection) = error else { panic!("{error:?}") };
    assert_eq!(rejection.reason, Reason::InvalidRequest);
    assert_eq!((rejection.code.as_str(), rejection.text.as_str()), ("400", "OrderId: is required"));
}

#[rstest]
#[case(403, Reason::MerchantConfig)]
#[case(401, Reason::MerchantConfig)]
#[case(429, Reason::RateLimited)]
#[tokio::test]
async fn refusals_are_rejected_with_a_reason(#[case] http: u16, #[case] reason: Reason) {
    let error = charge(ResponseTemplate::new(http)).await.unwrap_err();
    assert!(matches!(&error, GatewayError::Rejected(rejection) if rejection.reason == reason), "{error:?}");
}

#[rstest]
#[case(ResponseTemplate::new(409), Doubt::Unclear)]
#[case(ResponseTemplate::new(500), Doubt::LostAnswer)]
#[case(ResponseTemplate::new(302), Doubt::LostAnswer)]
#[case(ResponseTemplate::new(404), Doubt::LostAnswer)]
#[case(ResponseTemplate::new(200), Doubt::LostAnswer)]
#[case(ResponseTemplate::new(200).set_body_string("<html>"), Doubt::LostAnswer)]
#[case(ResponseTemplate::new(200).set_body_json(json!({"status": "APPROVED"})), Doubt::LostAnswer)]
#[case(ResponseTemplate::new(200).set_body_json(json!({"orderId": "1", "status": "NEW"})), Doubt::LostAnswer)]
#[tokio::test]
async fn m8_everything_else_leaves_doubt(#[case] answer: ResponseTemplate, #[case] doubt: Doubt) {
    let error = charge(answer).await.unwrap_err();
    assert!(matches!(&error, GatewayError::InDoubt(why, _) if *why == doubt), "{error:?}");
}

#[rstest]
#[case(TOKEN, ResponseTemplate::new(400), 1)]
#[case(TOKEN, ResponseTemplate::new(500), 2)]
#[case(TOKEN, ResponseTemplate::new(200).set_body_json(json!({"success": false})), 1)]
#[case(TOKENIZE, ResponseTemplate::new(401), 1)]
#[case(TOKENIZE, ResponseTemplate::new(503), 2)]
#[case(TOKENIZE, ResponseTemplate::new(200).set_body_string("no"), 1)]
#[tokio::test]
async fn m11_a_failed_preparation_is_not_sent(
    #[case] at: &str,
    #[case] answer: ResponseTemplate,
    #[case] tries: usize,
) {
    let server = MockServer::start().await;
    stub(&server, "POST", at, answer).await;
    stub_preparation(&server).await;
    stub(&server, "POST", EVALUATE, status("APPROVED")).await;
    let error = flexfactor(&server).charge(&salvage()).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
    let words = error.source().unwrap().to_string();
    assert!(words.contains("FlexFactor"), "{words}");
    assert_eq!(arrived(&server, at).await.len(), tries);
    assert!(arrived(&server, EVALUATE).await.is_empty());
}

#[tokio::test]
async fn a_token_is_used_for_all_calls_until_shortly_before_its_end() {
    let server = server(status("DECLINED")).await;
    let (gateway, clock) = connect("flexfactor", &flexfactor_settings(&format!("{}/v1/", server.uri())));
    for (advance, tokens) in [(0, 1), (569, 1), (1, 2)] {
        clock.advance(SignedDuration::from_secs(advance));
        gateway.charge(&salvage()).await.unwrap();
        assert_eq!(arrived(&server, TOKEN).await.len(), tokens, "{advance}");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_same_request_goes_again() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .respond_with(token_answer())
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let fresh = json!({"accessToken": "second", "expires": now().as_millisecond() + 600_000});
    stub(&server, "POST", TOKEN, ResponseTemplate::new(200).set_body_json(fresh)).await;
    stub_preparation(&server).await;
    let bearer = |token: &str| header("authorization", format!("Bearer {token}").as_str());
    for (token, answer) in [(BEARER, ResponseTemplate::new(401)), ("second", status("APPROVED"))] {
        Mock::given(method("POST"))
            .and(path(EVALUATE))
            .and(bearer(token))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let outcome = flexfactor(&server).charge(&salvage()).await.unwrap();
    assert!(matches!(outcome, ChargeOutcome::Approved(_)), "{outcome:?}");
    let evaluations = arrived(&server, EVALUATE).await;
    assert_eq!(evaluations.len(), 2);
    assert_eq!(evaluations[0].body, evaluations[1].body);
}

#[tokio::test]
async fn r53_a_checkout_without_an_ip_address_is_not_submitted() {
    let server = server(status("APPROVED")).await;
    let mut request = salvage();
    request.contact.ip_address.clear();
    let error = flexfactor(&server).charge(&request).await.unwrap_err();
    assert!(matches!(error, GatewayError::Rejected(_)), "{error:?}");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn r25_only_declined_collections_are_taken() {
    let server = server(status("APPROVED")).await;
    for request in [sample_charge(), ChargeRequest { purpose: Purpose::Hold, ..salvage() }] {
        let error = flexfactor(&server).charge(&request).await.unwrap_err();
        assert!(matches!(error, GatewayError::Rejected(_)), "{error:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}
