//! Chargebacks: marked once, on the approval, and only when the gateway's option is on.

use domain::money::{Currency, Money};
use domain::order::OrderStatus;
use gateways::ReportKind;
use gateways::fake::Ending;
use recoup_hub::{ChargebackMark, PersonError};
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::testing::On;

use crate::Stage;

fn unspecified() -> ReportKind {
    ReportKind::ChargedBack { amount: None, reason: String::new(), at: None }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r151_r152_r155_a_reported_chargeback_marks_the_approval_and_not_the_decline(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let attempt = stage.collected().await;
    assert_eq!(stage.report(unspecified(), attempt.id).await.state, ReportState::Applied);
    let (store, order) = (stage.app.hub.store(), stage.order.order.id);
    let marked = store.list_chargebacks_of_order(stage.app.merchant, order).await.unwrap();
    assert_eq!(marked.iter().map(|one| one.attempt_id).collect::<Vec<_>>(), [attempt.id]);
    assert_eq!(stage.status().await, OrderStatus::Complete, "marked only (Q31)");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r153_m32_what_was_not_told_is_the_approvals_amount_the_reports_time_and_no_reason(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let attempt = stage.collected().await;
    let now = stage.app.hub.minter().now();
    stage.report(unspecified(), attempt.id).await;
    let find = async || stage.app.hub.store().find_chargeback(stage.app.merchant, attempt.id).await.unwrap();
    let marked = find().await.unwrap();
    assert_eq!((marked.amount.minor(), marked.charged_back_at), (2_999, now));
    assert_eq!((marked.reason.as_str(), marked.note.as_str(), marked.source.as_str()), ("", "", "report"));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r153_what_was_told_is_kept(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let attempt = stage.collected().await;
    let at = "2026-11-20T10:00:00Z".parse().unwrap();
    let told = ReportKind::ChargedBack {
        amount: Some(Money::new(1_000, Currency::USD)),
        reason: "10.4".to_owned(),
        at: Some(at),
    };
    stage.report(told, attempt.id).await;
    let marked =
        stage.app.hub.store().find_chargeback(stage.app.merchant, attempt.id).await.unwrap().unwrap();
    assert_eq!((marked.amount.minor(), marked.charged_back_at, marked.reason.as_str()), (1_000, at, "10.4"));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r156_r158_a_repeated_chargeback_marks_and_tells_once(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let attempt = stage.collected().await;
    stage.report(unspecified(), attempt.id).await;
    let before = stage.app.hub.store().find_chargeback(stage.app.merchant, attempt.id).await.unwrap();
    stage.app.clock.advance(jiff::SignedDuration::from_secs(60));
    assert_eq!(stage.report(unspecified(), attempt.id).await.state, ReportState::Ignored);
    assert_eq!(stage.app.hub.store().find_chargeback(stage.app.merchant, attempt.id).await.unwrap(), before);
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "chargeback").count(), 1);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r154_r159_with_the_option_off_nothing_changes_also_when_it_is_switched_on_later(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let before = stage.fresh().await;
    assert_eq!(stage.report(unspecified(), attempt.id).await.state, ReportState::Ignored);
    let switch = |gateway: &mut domain::configuration::Gateway| {
        gateway.settings.insert("include_chargebacks".to_owned(), "true".to_owned());
    };
    stage.app.edit_gateway(stage.salvage_id, switch).await;
    stage.sweep_after(86_400).await;
    let find = async || stage.app.hub.store().find_chargeback(stage.app.merchant, attempt.id).await.unwrap();
    assert_eq!((find().await, stage.fresh().await), (None, before));
    assert_eq!(stage.report(unspecified(), attempt.id).await.state, ReportState::Applied);
    assert!(find().await.is_some(), "those that come from now on count");
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r157_a_chargeback_that_matches_nothing_is_kept_and_reported(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let kept = stage.report(unspecified(), stage.app.hub.minter().mint()).await;
    assert_eq!((kept.state, kept.kind.as_str()), (ReportState::Unmatched, "charged_back"));
    assert_eq!(stage.alerts().await, ["unmatched_report"]);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_chargeback_of_an_open_salvage_settles_it_first(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let attempt = stage.open().await;
    assert_eq!(
        stage.report(unspecified(), attempt.id).await.state,
        ReportState::Received,
        "nothing was taken yet"
    );
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    stage.sweep_after(5).await;
    assert_eq!(stage.last().await.state, ReportState::Applied);
    assert_eq!(stage.status().await, OrderStatus::Complete);
    assert!(stage.app.hub.store().find_chargeback(stage.app.merchant, attempt.id).await.unwrap().is_some());
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r158_people_mark_and_revert_a_chargeback_and_it_is_told_once(#[case] on: On) {
    let stage = Stage::with_chargebacks(on).await;
    let attempt = stage.collected().await;
    let (hub, merchant) = (&stage.app.hub, stage.app.merchant);
    let mark = |mark: ChargebackMark| hub.mark_chargeback(merchant, attempt.id, mark, "ann");
    let odd = ChargebackMark {
        amount: Some(Money::new(3_000, Currency::USD)),
        at: Some("2026-12-24T00:00:00Z".parse().unwrap()),
        reason: "12345678901".to_owned(),
        note: "x".repeat(501),
    };
    let Err(PersonError::Invalid(problems)) = mark(odd).await else { panic!("it is refused") };
    assert_eq!(problems.len(), 4);
    mark(ChargebackMark { note: "4111111111111111 called".to_owned(), ..ChargebackMark::default() })
        .await
        .unwrap();
    assert!(matches!(mark(ChargebackMark::default()).await, Err(PersonError::Conflict(_))));
    let marked = hub.store().find_chargeback(merchant, attempt.id).await.unwrap().unwrap();
    assert!(!marked.note.contains("4111111111111111"), "m33: {}", marked.note);
    hub.revert_chargeback(merchant, attempt.id, "won", "ann").await.unwrap();
    assert!(matches!(
        hub.revert_chargeback(merchant, attempt.id, "", "ann").await,
        Err(PersonError::Conflict(_))
    ));
    // An old message must not mark it again behind the person's back.
    assert_eq!(stage.report(unspecified(), attempt.id).await.state, ReportState::Ignored);
    assert_eq!(stage.alerts().await, ["contradicting_report"]);
    mark(ChargebackMark::default()).await.unwrap();
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "chargeback").count(), 1);
    let declined = stage.order.attempts[0].id;
    let refused = hub.mark_chargeback(merchant, declined, ChargebackMark::default(), "ann").await;
    assert!(matches!(refused, Err(PersonError::Conflict(_))));
    stage.end().await;
}
