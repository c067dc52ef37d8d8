//! Forged, truncated, old, foreign and unknown reports change nothing, and none is lost.

use domain::attempt::AttemptState;
use domain::ids::{GatewayId, MerchantId};
use domain::order::OrderStatus;
use gateways::fake::{Ending, SIGNING_KEY};
use gateways::{RawReport, ReportKind};
use jiff::SignedDuration;
use recoup_hub::Received;
use rstest::rstest;
use storage::inbound_reports::{self, InboundReport, ReportState};
use storage::testing::On;

use crate::{Stage, send};

/// Signs as the fake does: FNV-1a over key, host and body.
fn signed(mut raw: RawReport, body: &[u8]) -> RawReport {
    let bytes = SIGNING_KEY.bytes().chain(raw.host.bytes()).chain(body.iter().copied());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    raw.headers[0].1 = format!("{sum:016x}");
    raw.body = body.to_vec();
    raw
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r134_a_report_whose_signature_does_not_verify_changes_nothing(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let before = stage.fresh().await;
    let good = stage.raw(ReportKind::Completed, attempt.id);
    let forged: [fn(&mut RawReport); 5] = [
        |raw| raw.headers[0].1 = "0000000000000000".to_owned(),
        |raw| raw.headers.clear(),
        |raw| raw.headers.push(raw.headers[0].clone()),
        |raw| raw.body.truncate(raw.body.len() / 2),
        |raw| raw.body.push(b' '),
    ];
    for forge in forged {
        let mut raw = good.clone();
        forge(&mut raw);
        assert_eq!(stage.send(&raw).await, Received::Refused);
        let kept = stage.last().await;
        assert_eq!((kept.state, kept.body, kept.kind.as_str()), (ReportState::Refused, raw.body, ""));
    }
    let mut elsewhere = good.clone();
    elsewhere.host = "other.example.test".to_owned();
    assert_eq!(stage.send(&elsewhere).await, Received::Refused, "m32: the signed host is ours");
    assert_eq!(stage.fresh().await, before);
    assert_eq!(stage.send(&good).await, Received::Accepted, "a forgery takes no good signature");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_signed_body_that_cannot_be_read_is_kept_and_refused(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let raw = signed(stage.raw(ReportKind::Completed, attempt.id), &[0xff, 0x00, b'{']);
    assert_eq!(stage.send(&raw).await, Received::Unreadable);
    assert_eq!((stage.last().await.state, stage.last().await.body), (ReportState::Refused, raw.body));
    assert_eq!(stage.attempt(attempt.id).await.state.name(), "pending");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_report_with_an_old_or_future_date_is_confirmed_before_it_is_applied(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let now = stage.app.hub.minter().now();
    let reference = attempt.id.base32();
    for off in [-301, 301] {
        let signed_at = now + SignedDuration::from_secs(off);
        let raw = stage.salvage.report_signed(ReportKind::Completed, &reference, now, signed_at, now);
        assert_eq!(stage.send(&raw).await, Received::Accepted);
        assert_eq!(stage.attempt(attempt.id).await.state.name(), "pending", "the gateway still works on it");
    }
    stage.salvage.end(&reference, &Ending::Completed);
    let signed_at = now - SignedDuration::from_hours(24);
    let raw = stage.salvage.report_signed(ReportKind::Expired, &reference, signed_at, signed_at, now);
    assert_eq!(stage.send(&raw).await, Received::Accepted);
    assert_eq!(stage.status().await, OrderStatus::Complete, "asked, the gateway says that it has the money");
    assert_eq!(stage.alerts().await, ["contradicting_report"]);
    assert_eq!(stage.states().await, [ReportState::Applied, ReportState::Applied, ReportState::Ignored]);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_report_that_names_another_id_of_the_gateways_is_confirmed(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let raw = stage.raw(ReportKind::Completed, attempt.id);
    let body = String::from_utf8(raw.body.clone()).unwrap().replace("fake-1", "fake-9");
    assert_eq!(stage.send(&signed(raw, body.as_bytes())).await, Received::Accepted);
    assert!(matches!(stage.attempt(attempt.id).await.state, AttemptState::Pending { .. }));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r157_reports_about_what_is_not_ours_are_kept_and_alerted_once(#[case] on: On) {
    let stage = Stage::new(on).await;
    let foreign = stage.app.hub.minter().mint();
    // Known, but at another gateway.
    let elsewhere = stage.order.attempts[0].id;
    for attempt in [foreign, elsewhere, foreign] {
        let kept = stage.report(ReportKind::Completed, attempt).await;
        assert_eq!((kept.state, kept.attempt_id), (ReportState::Unmatched, None));
    }
    let raw = signed(
        stage.raw(ReportKind::Completed, foreign),
        br#"{"event":"completed","reference":"ORDER-1","at":"2026-11-21T12:00:00Z","signed_at":"2026-11-21T12:00:00Z"}"#,
    );
    assert_eq!(stage.send(&raw).await, Received::Accepted);
    assert_eq!(stage.states().await, [ReportState::Unmatched; 4]);
    assert_eq!(stage.alerts().await, ["unmatched_report"]);
    assert_eq!(stage.fresh().await, stage.order);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r157_a_report_about_another_merchants_order_changes_nothing_there(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let stranger: MerchantId = stage.app.hub.minter().mint();
    stage.app.hub.create_merchant(stranger, "Stranger").await.unwrap();
    let theirs: GatewayId = stage.app.hub.minter().mint();
    let mut gateway =
        stage.app.hub.reload(stage.app.merchant).await.unwrap().gateway(stage.salvage_id).unwrap().clone();
    gateway.id = theirs;
    let change = recoup_hub::Change::Gateway(Box::new(gateway), std::collections::BTreeMap::new());
    stage.app.hub.configure(stranger, vec![change], "test", "").await.unwrap();
    let raw = stage.raw(ReportKind::Completed, attempt.id);
    assert_eq!(send(&stage.app.hub, theirs, &raw).await, Received::Accepted);
    let kept = stage.app.hub.store().list_inbound_reports(stranger, None, None, 9).await.unwrap();
    assert_eq!(kept[0].state, ReportState::Unmatched);
    assert!(stage.kept().await.is_empty());
    assert_eq!(stage.attempt(attempt.id).await.state.name(), "pending");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r134_events_that_mean_nothing_here_are_kept_and_ignored(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    for name in ["challenge.presented", "payout.created", "order.invented"] {
        let kept = stage.report(ReportKind::Other(name.to_owned()), attempt.id).await;
        assert_eq!((kept.state, kept.kind.as_str()), (ReportState::Ignored, name));
    }
    assert!(stage.alerts().await.is_empty());
    assert_eq!(stage.attempt(attempt.id).await.state.name(), "pending");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r134_only_gateways_that_send_reports_have_an_address(#[case] on: On) {
    let stage = Stage::new(on).await;
    let raw = stage.raw(ReportKind::Completed, stage.order.attempts[0].id);
    let main = stage.order.gateway_id().unwrap();
    for gateway in [main, stage.app.hub.minter().mint()] {
        assert_eq!(send(&stage.app.hub, gateway, &raw).await, Received::UnknownGateway);
    }
    assert!(stage.kept().await.is_empty());
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_report_that_was_kept_before_a_crash_is_applied_by_another_process(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    let raw = stage.raw(ReportKind::Completed, attempt.id);
    let now = stage.app.hub.minter().now();
    let report = InboundReport {
        merchant_id: stage.app.merchant,
        id: stage.app.hub.minter().mint(),
        gateway_id: stage.salvage_id,
        received_at: now,
        headers: raw.headers.clone(),
        host: raw.host.clone(),
        body: raw.body.clone(),
        kind: String::new(),
        reference: String::new(),
        gateway_reference: String::new(),
        state: ReportState::Received,
        effect: String::new(),
        attempt_id: None,
        operation_id: None,
        tries: 0,
        next_try_at: None,
    };
    let keep =
        inbound_reports::insert(&report, now + SignedDuration::from_secs(120), stage.app.hub.minter().uuid());
    stage.app.hub.store().commit(storage::Transaction::new("keep").with(keep)).await.unwrap();
    stage.sweep_after(60).await;
    assert_eq!(stage.last().await.state, ReportState::Received, "its process may still live");
    // The sender had no answer, and sends it again.
    assert_eq!(stage.send(&raw).await, Received::Accepted);
    stage.sweep_after(61).await;
    assert_eq!(stage.states().await, [ReportState::Applied], "one of the two is forgotten");
    assert_eq!(stage.status().await, OrderStatus::Complete);
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "new_sale").count(), 1);
    stage.end().await;
}
