//! Reports that name the gateway's own id and nothing else are matched by the one that is kept on the attempt.

use domain::attempt::{Approval, AttemptState};
use domain::money::{Currency, Money};
use domain::order::OrderStatus;
use gateways::fake::{Act, Ending, SALVAGE, SIGNING_KEY};
use gateways::{RawReport, ReportKind, Standing};
use recoup_hub::{LateDecision, Received};
use rstest::rstest;
use storage::inbound_reports::{InboundReport, ReportState};
use storage::testing::On;

use crate::{Stage, send};

/// The same report, with other references, signed as the fake signs: FNV-1a over key, host and body.
fn naming(mut raw: RawReport, reference: &str, gateway_reference: &str) -> RawReport {
    let mut body: serde_json::Value = serde_json::from_slice(&raw.body).unwrap();
    body["reference"] = reference.into();
    body["gateway_reference"] = gateway_reference.into();
    raw.body = body.to_string().into_bytes();
    let bytes = SIGNING_KEY.bytes().chain(raw.host.bytes()).chain(raw.body.iter().copied());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    raw.headers[0].1 = format!("{sum:016x}");
    raw
}

impl Stage {
    fn anonymous(&self, kind: ReportKind, gateway_reference: &str) -> RawReport {
        naming(self.salvage.report(kind, "", self.app.hub.minter().now()), "", gateway_reference)
    }

    async fn reported(&self, kind: ReportKind, gateway_reference: &str) -> InboundReport {
        assert_eq!(self.send(&self.anonymous(kind, gateway_reference)).await, Received::Accepted);
        self.last().await
    }
}

fn gateways_id(attempt: &domain::attempt::Attempt) -> String {
    match &attempt.state {
        AttemptState::Pending { reference, .. } => reference.clone(),
        AttemptState::Approved { approval, .. } => approval.reference.clone(),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r124_a_result_that_names_only_the_gateways_id_completes_the_sale(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let theirs = gateways_id(&attempt);
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    let kept = stage.reported(ReportKind::Completed, &theirs).await;
    assert_eq!((kept.state, kept.attempt_id), (ReportState::Applied, Some(attempt.id)), "{}", kept.effect);
    assert_eq!(stage.status().await, OrderStatus::Complete);
    // What follows later, too.
    let refund = ReportKind::Refunded(Some(Money::new(2_999, Currency::USD)));
    assert_eq!(stage.reported(refund, &theirs).await.state, ReportState::Applied);
    assert_eq!(stage.status().await, OrderStatus::Refunded);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r157_an_id_that_this_gateway_never_gave_us_matches_nothing(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    let theirs = gateways_id(&attempt);
    let (other_id, other) = stage.app.gateway_of(3, "other", "fake_salvage", SALVAGE, |_| {}).await;
    let elsewhere = naming(other.report(ReportKind::Expired, "", stage.app.hub.minter().now()), "", &theirs);
    assert_eq!(send(&stage.app.hub, other_id, &elsewhere).await, Received::Accepted);
    assert_eq!(stage.last().await.state, ReportState::Unmatched, "another gateway's id");
    assert_eq!(stage.reported(ReportKind::Expired, "unknown").await.state, ReportState::Unmatched);
    // A reference that is not ours is not overruled by the gateway's id.
    let foreign = naming(stage.raw(ReportKind::Expired, attempt.id), "ORDER-1", &theirs);
    assert_eq!(stage.send(&foreign).await, Received::Accepted);
    assert_eq!(stage.last().await.state, ReportState::Unmatched);
    assert_eq!(stage.attempt(attempt.id).await.state.name(), "pending");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_what_is_told_of_a_kept_late_approval_by_the_gateways_id_is_about_the_money_that_was_kept(
    #[case] on: On,
) {
    let stage = Stage::new(on).await;
    stage.salvage.script([Act::Pend]);
    let attempt = stage.rerun(stage.salvage_id).await;
    let theirs = gateways_id(&attempt);
    stage.give_up(&attempt).await;
    stage.salvage.script_standings([Standing::Approved(Approval {
        reference: theirs.clone(),
        auth_code: String::new(),
        avs: String::new(),
        cvv: String::new(),
        text: String::new(),
        amount: attempt.amount,
    })]);
    assert_eq!(stage.reported(ReportKind::Completed, &theirs).await.state, ReportState::Applied);
    let (hub, merchant) = (&stage.app.hub, stage.app.merchant);
    hub.resolve_late_approval(merchant, attempt.id, LateDecision::Keep, "because", "ann").await.unwrap();
    assert_eq!(stage.status().await, OrderStatus::Complete);
    let kept = stage.reported(ReportKind::Refunded(Some(attempt.amount)), &theirs).await;
    assert_eq!(
        (kept.state, kept.attempt_id.is_some_and(|id| id != attempt.id)),
        (ReportState::Applied, true)
    );
    assert_eq!(stage.status().await, OrderStatus::Refunded);
    stage.end().await;
}
