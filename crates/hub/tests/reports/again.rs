//! The same report delivered again, signed anew, as FlexFactor does when nobody answered: it has no second effect.

use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::attempt::{Attempt, AttemptState};
use domain::configuration::Provider;
use domain::order::OrderStatus;
use domain::{Clock, ManualClock};
use gateways::fake::{Act, Ending, FakeConnect};
use gateways::http::{HttpTransport, TimeLimits};
use gateways::{Connect, Gateway, RawReport, Settings, SettingsError};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use providers::Catalogue;
use recoup_hub::{Hub, Received};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};
use storage::inbound_reports::ReportState;
use storage::testing::On;

use crate::{Stage, send};

const HOST: &str = "hooks.example.test";
/// What the reports are signed with, base64.
const KEY: &str = "YSBzdWJzY3JpYmVyIGtleSBvZiB0ZXN0cw==";

/// Reads the salvage gateway's reports as FlexFactor's; whoever calls it reaches nobody.
#[derive(Debug)]
struct AsFlexFactor {
    fakes: Arc<FakeConnect>,
    catalogue: Catalogue,
}

impl Connect for AsFlexFactor {
    fn providers(&self) -> Vec<Provider> {
        self.fakes.providers()
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        if kind != "fake_salvage" {
            return self.fakes.connect(kind, settings);
        }
        let mut settings = Settings::default();
        for (name, value) in [("base_url", "http://127.0.0.1:1/v1/"), ("mid", "m"), ("site_id", "s")] {
            settings.plain.insert(name.to_owned(), value.to_owned());
        }
        for (name, value) in
            [("app_key", "a"), ("app_secret", "b"), ("environment_key", "c"), ("hmac_signing_key", KEY)]
        {
            settings.secret.insert(name.to_owned(), SecretString::from(value));
        }
        self.catalogue.connect("flexfactor", &settings)
    }
}

/// A process that believes FlexFactor's signatures, on the stage's database.
async fn process(stage: &Stage) -> Hub {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&stage.app.clock);
    let transport = HttpTransport::new(TimeLimits { connect_secs: 1, total_secs: 2 }).unwrap();
    let catalogue = Catalogue::new(Arc::new(transport), clock, stage.app.hub.minter().clone());
    stage.app.process_over(77, |fakes| Arc::new(AsFlexFactor { fakes, catalogue }), |backend| backend).await
}

/// A report's body.
fn told(event: &str, attempt: &Attempt, at: Timestamp, data: &Value) -> Value {
    let theirs = match &attempt.state {
        AttemptState::Pending { reference, .. } => reference,
        AttemptState::Approved { approval, .. } => &approval.reference,
        other => panic!("{other:?}"),
    };
    json!({
        "Event": event, "TimeStamp": at.to_string(), "EventData": data,
        "ExternalOrderId": attempt.id.base32(), "OrderId": theirs, "ConfirmationId": "A1B2C3D4",
        "IsTestMode": true, "IsResent": false,
    })
}

/// The same body as it is sent when nobody answered.
fn resent(body: &Value) -> Value {
    let mut again = body.clone();
    again["IsResent"] = true.into();
    again
}

/// Signed now, with a nonce of its own.
fn signed(body: &Value, nonce: u128, at: Timestamp) -> RawReport {
    let body = body.to_string().into_bytes();
    let key = hmac::Key::new(hmac::HMAC_SHA512, &STANDARD.decode(KEY).unwrap());
    let sign = |text: &[u8]| STANDARD.encode(hmac::sign(&key, text));
    let (nonce, date) =
        (format!("{nonce:032x}"), DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap());
    let hash = STANDARD.encode(digest::digest(&digest::SHA512, &body));
    let signature = sign(format!("POST\n{nonce};{date};{HOST};{hash}").as_bytes());
    let names = "x-fc-nonce;x-fc-date;host;x-fc-content-sha512";
    let headers = [
        ("x-fc-nonce", nonce),
        ("x-fc-date", date),
        ("x-fc-content-sha512", hash),
        ("x-fc-authorization", format!("HMAC-SHA512 SignedHeaders={names}&Signature={signature}")),
        ("x-fc-signature", sign(&body)),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    RawReport { headers, host: HOST.to_owned(), body, received_at: at }
}

impl Stage {
    /// Two minutes later this body comes in, signed at that moment.
    async fn delivered(&self, hub: &Hub, body: &Value, nonce: u128) -> Received {
        self.app.clock.advance(SignedDuration::from_mins(2));
        send(hub, self.salvage_id, &signed(body, nonce, hub.minter().now())).await
    }

    /// Minor units of every refund, booked or done.
    async fn given_back(&self) -> Vec<i64> {
        let (store, order) = (self.app.hub.store(), self.order.order.id);
        let all = store.list_operations_of_order(self.app.merchant, order).await.unwrap();
        all.iter().map(|one| one.amount.minor()).collect()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_r135_a_refund_that_is_reported_again_is_booked_once_and_another_one_too(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let (hub, now) = (process(&stage).await, stage.app.hub.minter().now());
    let data = json!({"amount": 500, "currency": "USD"});
    let first = told("order.refunded", &attempt, now, &data);
    assert_eq!(stage.delivered(&hub, &first, 1).await, Received::Accepted);
    assert_eq!(stage.given_back().await, [500]);

    assert_eq!(stage.delivered(&hub, &resent(&first), 2).await, Received::Again);
    assert_eq!(stage.delivered(&hub, &first, 3).await, Received::Again, "also when it does not say so");
    assert_eq!(stage.given_back().await, [500], "what was told again was not given back again");
    let reports = stage.kept().await.len();

    let later = told("order.refunded", &attempt, now + SignedDuration::from_millis(1), &data);
    assert_eq!(stage.delivered(&hub, &later, 4).await, Received::Accepted);
    assert_eq!(stage.given_back().await, [500, 500], "a second refund of the same amount");
    assert_eq!(stage.delivered(&hub, &resent(&later), 5).await, Received::Again);
    assert_eq!((stage.given_back().await, stage.kept().await.len()), (vec![500, 500], reports + 1));
    assert_eq!((stage.status().await, stage.alerts().await), (OrderStatus::Complete, Vec::new()));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r135_a_report_that_waits_is_applied_once_though_it_came_again_meanwhile(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let hub = process(&stage).await;
    stage.salvage.script_operations([Act::LoseAfter]);
    let (merchant, order) = (stage.app.merchant, stage.order.order.id);
    let own = stage.app.hub.refund_order(merchant, order, None, "", "ann").await.unwrap();
    let data = json!({"amount": 2_999, "currency": "USD"});
    let body = told("order.refunded", &attempt, stage.app.hub.minter().now(), &data);
    assert_eq!(stage.delivered(&hub, &body, 1).await, Received::Accepted);
    assert_eq!(stage.last().await.state, ReportState::Received, "our own refund is in doubt");
    assert_eq!(stage.delivered(&hub, &resent(&body), 2).await, Received::Again);

    stage.app.pass(80).await;
    hub.sweep_reports(hub.minter().now()).await.unwrap();
    let kept = stage.last().await;
    assert_eq!((kept.state, kept.operation_id), (ReportState::Ignored, Some(own.id)), "{}", kept.effect);
    assert_eq!((stage.given_back().await, stage.status().await), (vec![2_999], OrderStatus::Refunded));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite, "order.completed", OrderStatus::Complete)]
#[case::postgres(On::Postgres, "order.completed", OrderStatus::Complete)]
#[case::sqlite(On::Sqlite, "order.expired", OrderStatus::Declined)]
#[case::postgres(On::Postgres, "order.expired", OrderStatus::Declined)]
#[case::sqlite(On::Sqlite, "order.cancelled", OrderStatus::Declined)]
#[case::postgres(On::Postgres, "order.cancelled", OrderStatus::Declined)]
#[tokio::test(flavor = "multi_thread")]
async fn r135_a_result_that_is_reported_again_is_applied_once(
    #[case] on: On,
    #[case] event: &str,
    #[case] becomes: OrderStatus,
) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let ending = if becomes == OrderStatus::Complete { Ending::Completed } else { Ending::Cancelled };
    stage.salvage.end(&attempt.id.base32(), &ending);
    let hub = process(&stage).await;
    let body = told(event, &attempt, stage.app.hub.minter().now(), &Value::Null);
    assert_eq!(stage.delivered(&hub, &body, 1).await, Received::Accepted);
    assert_eq!((stage.last().await.state, stage.status().await), (ReportState::Applied, becomes));
    let events = stage.events().await;
    assert_eq!(stage.delivered(&hub, &resent(&body), 2).await, Received::Again);
    assert_eq!((stage.events().await, stage.status().await, stage.kept().await.len()), (events, becomes, 1));
    assert!(!stage.attempt(attempt.id).await.state.is_open());
    stage.end().await;
}
