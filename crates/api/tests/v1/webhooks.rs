//! Reports from gateways over HTTP, and what people see and do about them.

use std::sync::Arc;

use domain::ids::{AttemptId, GatewayId};
use gateways::fake::{Act, Ending, FakeGateway};
use gateways::{RawReport, ReportKind};
use hub::{Rerun, RerunAnswer};
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, order};

/// A declined order that the salvage gateway works on.
struct Shop {
    app: App,
    salvage: Arc<FakeGateway>,
    gateway: GatewayId,
    order: String,
    attempt: AttemptId,
}

impl Shop {
    async fn new(on: On) -> Self {
        let app = App::new(on).await;
        let (main, salvage) = app.shop().await;
        main.script([Act::Decline("", "Do not honor")]);
        let mut body = order();
        body["ip_address"] = Value::Null;
        body.as_object_mut().unwrap().remove("ip_address");
        let made = app.order("k", body).await.expect(201);
        assert_eq!(made["status"], "declined", "{made}");
        let gateways = app.get("/v1/gateways").await.expect(200)["items"].clone();
        let found = gateways.as_array().unwrap().iter().find(|one| one["number"] == 17).unwrap();
        let gateway: GatewayId = found["id"].as_str().unwrap().parse().unwrap();
        let switch = json!({"settings": {"include_chargebacks": true}});
        app.patch(&format!("/v1/gateways/{gateway}"), switch).await.expect(200);
        salvage.script([Act::Pend]);
        let rerun = Rerun { gateway: Some(gateway), ..Rerun::default() };
        let id = made["id"].as_str().unwrap().to_owned();
        let answer = app.hub.rerun_order(app.merchant_id, id.parse().unwrap(), &rerun, "ann").await.unwrap();
        let RerunAnswer::Attempted { attempt, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(attempt.state.name(), "pending");
        Self { app, salvage, gateway, order: id, attempt: attempt.id }
    }

    fn report(&self, kind: ReportKind) -> RawReport {
        self.salvage.report(kind, &self.attempt.base32(), self.app.hub.minter().now())
    }

    fn path(&self) -> String {
        format!("/webhooks/{}", self.gateway)
    }

    /// Sends bytes as they are; the status and the body's `code`.
    #[expect(clippy::disallowed_methods, reason = "the caller of an API, not of a gateway")]
    async fn send(&self, path: &str, headers: &[(String, String)], body: Vec<u8>) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.post(format!("{}{path}", self.app.address)).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn deliver(&self, raw: &RawReport) -> u16 {
        self.send(&self.path(), &raw.headers, raw.body.clone()).await.0
    }

    async fn status(&self) -> Value {
        self.app.get(&format!("/v1/orders/{}", self.order)).await.expect(200)["status"].clone()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r124_a_signed_report_of_any_content_type_completes_the_order(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.salvage.end(&shop.attempt.base32(), &Ending::Completed);
    let mut raw = shop.report(ReportKind::Completed);
    raw.headers.push(("content-type".to_owned(), "text/plain; charset=latin1".to_owned()));
    assert_eq!(shop.deliver(&raw).await, 200);
    assert_eq!(shop.status().await, "complete");
    let (status, body) = shop.send(&format!("{}/", shop.path()), &raw.headers, raw.body.clone()).await;
    assert_eq!((status, body), (200, json!({"received": true, "repeated": true})));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r134_forged_truncated_oversized_and_misdirected_reports_get_a_clear_answer(#[case] on: On) {
    let shop = Shop::new(on).await;
    let raw = shop.report(ReportKind::Completed);
    let path = shop.path();
    let code = async |path: &str, headers: &[(String, String)], body: Vec<u8>| {
        let (status, body) = shop.send(path, headers, body).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let refused = (401, "bad_signature".to_owned());
    assert_eq!(code(&path, &[], raw.body.clone()).await, refused);
    assert_eq!(code(&path, &raw.headers, raw.body[..20].to_vec()).await, refused);
    assert_eq!(code(&path, &raw.headers, Vec::new()).await, refused);
    let large = (413, "too_large".to_owned());
    assert_eq!(code(&path, &raw.headers, vec![b'x'; 256 * 1024 + 1]).await, large);
    assert_eq!(code(&path, &raw.headers, vec![b'x'; 2 * 1024 * 1024]).await, large);
    assert_eq!(code(&path, &raw.headers, vec![b'x'; 256 * 1024]).await, refused);
    let none = (404, "not_found".to_owned());
    let unknown: GatewayId = shop.app.hub.minter().mint();
    let ordinary = shop.app.hub.reload(shop.app.merchant_id).await.unwrap().gateway_numbered(1).unwrap().id;
    for path in [format!("/webhooks/{unknown}"), format!("/webhooks/{ordinary}"), "/webhooks/x".to_owned()] {
        assert_eq!(code(&path, &raw.headers, raw.body.clone()).await, none);
    }
    assert_eq!(shop.status().await, "declined");
    let kept = shop.app.get("/v1/inbound-reports?state=refused").await.expect(200);
    assert_eq!(kept["items"].as_array().unwrap().len(), 4, "what was too large is not kept");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r157_reports_are_listed_by_state_and_page_and_shown_without_their_signature(#[case] on: On) {
    let shop = Shop::new(on).await;
    let now = shop.app.hub.minter().now();
    for number in 0..3_u128 {
        let other = domain::ids::AttemptId::from_uuid(uuid::Uuid::from_u128(number));
        let raw = shop.salvage.report(ReportKind::Completed, &other.base32(), now);
        assert_eq!(shop.deliver(&raw).await, 200);
    }
    shop.salvage.end(&shop.attempt.base32(), &Ending::Completed);
    let raw = shop.report(ReportKind::Completed);
    assert_eq!(shop.deliver(&raw).await, 200);
    let list = async |query: &str| shop.app.get(&format!("/v1/inbound-reports{query}")).await.expect(200);
    let ids = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (all, first) = (list("").await, list("?limit=3").await);
    let second = list(&format!("?limit=3&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&all));
    assert_eq!((ids(&all).len(), second["next_cursor"].clone()), (4, Value::Null));
    assert_eq!(ids(&list("?state=unmatched").await).len(), 3);
    let applied = list("?state=applied").await["items"][0].clone();
    assert_eq!(
        (applied["kind"].as_str(), applied["attempt_id"].as_str()),
        (Some("completed"), Some(shop.attempt.to_string().as_str()))
    );
    let shown =
        shop.app.get(&format!("/v1/inbound-reports/{}", applied["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown["body"].as_str().unwrap().as_bytes(), raw.body);
    assert_eq!(shown["host"], gateways::fake::REPORT_HOST);
    let signature = raw.header("x-fake-signature").unwrap();
    assert!(!shown.to_string().contains(signature), "{shown}");
    shop.app.get("/v1/inbound-reports?state=odd").await.expect(422);
    shop.app.get("/v1/inbound-reports/inb_0").await.expect(404);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r153_people_mark_list_and_revert_chargebacks(#[case] on: On) {
    let shop = Shop::new(on).await;
    let path = format!("/v1/attempts/{}/chargeback", shop.attempt);
    shop.app.post(&path, json!({})).await.expect(409);
    shop.salvage.end(&shop.attempt.base32(), &Ending::Completed);
    assert_eq!(shop.deliver(&shop.report(ReportKind::Completed)).await, 200);
    let wrong = json!({"amount": {"amount_minor": 3000, "currency": "USD"}, "reason": "12345678901"});
    assert_eq!(shop.app.post(&path, wrong).await.wrong(), ["amount", "reason"]);
    let mark = json!({"amount": {"amount_minor": 1000, "currency": "USD"}, "date": "2026-11-20T00:00:00Z", "reason": "10.4"});
    let marked = shop.app.post(&path, mark).await.expect(200);
    assert_eq!(
        (marked["source"].as_str(), marked["amount"]["amount_minor"].as_i64()),
        (Some("person"), Some(1_000))
    );
    shop.app.post(&path, json!({})).await.expect(409);
    assert_eq!(shop.app.get("/v1/chargebacks").await.expect(200)["items"], json!([marked]));
    let reverted = shop.app.delete(&path).await.expect(200);
    assert!(reverted["reverted_at"].is_string());
    shop.app.delete(&path).await.expect(409);
    let told = ReportKind::ChargedBack { amount: None, reason: String::new(), at: None };
    assert_eq!(shop.deliver(&shop.report(told)).await, 200);
    assert_eq!(shop.app.get("/v1/chargebacks").await.expect(200)["items"], json!([reverted]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m17_people_keep_late_approvals_and_m16_book_external_refunds(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant_id);
    // As after a mistake: taken as ended without money, and nobody asked the gateway.
    let attempt = hub.store().find_attempt(merchant, shop.attempt).await.unwrap().unwrap();
    let lapse = domain::attempt::Lapse {
        cause: domain::attempt::LapseCause::NotReceived,
        reason: None,
        code: String::new(),
        text: "given up".to_owned(),
    };
    let outcome = domain::attempt::Outcome::NotExecuted(lapse);
    let aftermath = hub.aftermath();
    let charging = hub.charging();
    charging.resolve_by_person(&attempt, outcome, Vec::new(), aftermath.as_ref()).await.unwrap();
    shop.salvage.end(&shop.attempt.base32(), &Ending::Completed);
    assert_eq!(shop.deliver(&shop.report(ReportKind::Completed)).await, 200);
    let waiting = shop.app.get("/v1/late-approvals?state=waiting").await.expect(200);
    assert_eq!(waiting["items"][0]["id"], shop.attempt.to_string());
    let path = format!("/v1/late-approvals/{}/resolve", shop.attempt);
    assert_eq!(shop.app.post(&path, json!({"decision": "keep", "note": ""})).await.wrong(), ["note"]);
    let kept = shop.app.post(&path, json!({"decision": "keep", "note": "wanted"})).await.expect(200);
    assert_eq!((kept["state"].as_str(), shop.status().await), (Some("kept"), json!("complete")));
    shop.app.post(&path, json!({"decision": "give_back", "note": "no"})).await.expect(409);

    let view = hub.find_order_view(merchant, shop.order.parse().unwrap()).await.unwrap().unwrap();
    let path = format!("/v1/attempts/{}/external-refund", view.approved().unwrap().id);
    let body = json!({"amount": {"amount_minor": 1000, "currency": "USD"}, "gateway_reference": "r-1"});
    for _ in 0..2 {
        let booked = shop.app.keyed(&path, "refund-1", body.clone()).await.expect(200);
        assert_eq!((booked["state"].as_str(), booked["kind"].as_str()), (Some("done"), Some("refund")));
    }
    shop.app
        .keyed(&path, "refund-2", json!({"amount": {"amount_minor": 2000, "currency": "USD"}}))
        .await
        .expect(422);
    shop.app.keyed(&path, "refund-3", json!({})).await.expect(200);
    assert_eq!(shop.status().await, "refunded");
    assert!(shop.salvage.operated().is_empty());
}
