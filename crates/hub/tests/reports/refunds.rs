//! Refunds that are reported: ours are recognised, others are booked, and never more than was taken.

use domain::attempt::AttemptState;
use domain::money::{Currency, Money};
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use gateways::ReportKind;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use recoup_hub::{PersonError, Received};
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::operations::Operation;
use storage::testing::On;

use crate::Stage;

fn refunded(minor: i64) -> ReportKind {
    ReportKind::Refunded(Some(Money::new(minor, Currency::USD)))
}

impl Stage {
    async fn refunds(&self) -> Vec<Operation> {
        let (store, order) = (self.app.hub.store(), self.order.order.id);
        store.list_operations_of_order(self.app.merchant, order).await.unwrap()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_reported_refund_is_matched_to_our_own_first_and_only_an_unmatched_one_is_external(
    #[case] on: On,
) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let amount = Some(Money::new(500, Currency::USD));
    let own = stage
        .app
        .hub
        .refund_order(stage.app.merchant, stage.order.order.id, amount, "", "ann")
        .await
        .unwrap();
    let kept = stage.report(refunded(500), attempt.id).await;
    assert_eq!((kept.state, kept.operation_id), (ReportState::Ignored, Some(own.id)));
    assert_eq!(stage.refunds().await.len(), 1);

    let kept = stage.report(refunded(500), attempt.id).await;
    assert_eq!(kept.state, ReportState::Applied, "{}", kept.effect);
    let all = stage.refunds().await;
    assert_eq!(all.iter().map(|one| one.amount.minor()).collect::<Vec<_>>(), [500, 500]);
    assert_eq!((all[1].state.as_str(), Some(all[1].id)), ("done", kept.operation_id));
    assert_eq!(stage.salvage.operated().len(), 1, "an external refund is never sent");
    assert_eq!(stage.status().await, OrderStatus::Complete);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_an_external_refund_of_the_whole_makes_the_order_refunded(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    stage.report(refunded(999), attempt.id).await;
    assert_eq!(stage.status().await, OrderStatus::Complete);
    stage.report(refunded(2_000), attempt.id).await;
    let view = stage.fresh().await;
    assert_eq!(view.order.status, OrderStatus::Refunded);
    assert_eq!(view.payments[0].state, PaymentState::Reversed);
    assert!(view.approved().is_none());
    assert!(stage.salvage.operated().is_empty());
    assert_eq!(stage.report(refunded(1), attempt.id).await.state, ReportState::Ignored);
    assert_eq!(stage.alerts().await, ["contradicting_report"]);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_an_unknown_or_too_large_amount_is_an_alert_and_books_nothing(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let euros = ReportKind::Refunded(Some(Money::new(1, Currency::parse("EUR").unwrap())));
    for kind in [ReportKind::Refunded(None), refunded(3_000), euros] {
        assert_eq!(stage.report(kind, attempt.id).await.state, ReportState::Ignored);
    }
    assert_eq!(stage.alerts().await, ["unknown_refund"]);
    assert_eq!((stage.refunds().await.len(), stage.status().await), (0, OrderStatus::Complete));
    // A person books it.
    let book = |minor| {
        let amount = Some(Money::new(minor, Currency::USD));
        stage.app.hub.book_refund(stage.app.merchant, attempt.id, amount, "ff-r", "seen there", "ann")
    };
    assert!(matches!(book(3_000).await, Err(PersonError::Invalid(_))));
    assert_eq!(book(1_000).await.unwrap().state, "done");
    let kept = stage.report(refunded(1_000), attempt.id).await;
    assert_eq!(kept.state, ReportState::Ignored, "the report about what the person booked");
    let rest = stage.app.hub.book_refund(stage.app.merchant, attempt.id, None, "", "", "ann").await.unwrap();
    assert_eq!((rest.amount.minor(), stage.status().await), (1_999, OrderStatus::Refunded));
    assert!(stage.salvage.operated().is_empty());
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_report_about_a_refund_of_ours_in_doubt_waits_for_it(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    stage.salvage.script_operations([Act::LoseAfter]);
    let own =
        stage.app.hub.refund_order(stage.app.merchant, stage.order.order.id, None, "", "ann").await.unwrap();
    assert_eq!(own.state, "in_doubt");
    assert_eq!(stage.report(refunded(2_999), attempt.id).await.state, ReportState::Received);
    stage.app.pass(80).await;
    stage.sweep_after(0).await;
    let kept = stage.last().await;
    assert_eq!((kept.state, kept.operation_id), (ReportState::Ignored, Some(own.id)));
    assert_eq!((stage.refunds().await.len(), stage.status().await), (1, OrderStatus::Refunded));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_a_refund_of_an_open_salvage_settles_it_first(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    assert_eq!(stage.report(refunded(500), attempt.id).await.state, ReportState::Applied);
    assert_eq!(stage.status().await, OrderStatus::Complete);
    assert_eq!(stage.refunds().await.iter().map(|one| one.amount.minor()).collect::<Vec<_>>(), [500]);

    let other = Stage::new(on).await;
    let attempt = other.open().await;
    other.salvage.end(&attempt.id.base32(), &Ending::Returned);
    assert_eq!(other.report(refunded(2_999), attempt.id).await.state, ReportState::Ignored);
    assert_eq!(other.status().await, OrderStatus::Declined);
    assert_eq!(other.fresh().await.payments[0].state, PaymentState::Reversed);
    other.end().await;
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m32_an_old_report_of_a_refund_is_booked_only_when_the_gateway_confirms_it(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let now = stage.app.hub.minter().now();
    let (reference, signed_at) = (attempt.id.base32(), now - SignedDuration::from_hours(30));
    let raw = stage.salvage.report_signed(refunded(2_999), &reference, signed_at, signed_at, now);
    assert_eq!(stage.send(&raw).await, Received::Accepted);
    assert_eq!(
        (stage.status().await, stage.alerts().await),
        (OrderStatus::Complete, vec!["unknown_refund".to_owned()])
    );
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_an_external_refund_of_what_our_own_one_in_doubt_leaves_undoes_nothing_yet(
    #[case] on: On,
    #[values(false, true)] by_person: bool,
) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected().await;
    let (hub, merchant, order) = (&stage.app.hub, stage.app.merchant, stage.order.order.id);
    stage.salvage.script_operations([Act::FailBefore]);
    let usd = |minor| Some(Money::new(minor, Currency::USD));
    let own = hub.refund_order(merchant, order, usd(1_999), "", "ann").await.unwrap();
    assert_eq!(own.state, "in_doubt");
    if by_person {
        hub.book_refund(merchant, attempt.id, usd(1_000), "", "", "ann").await.unwrap();
    } else {
        assert_eq!(stage.report(refunded(1_000), attempt.id).await.state, ReportState::Applied);
    }
    let reversed = async || {
        let AttemptState::Approved { reversed_at, .. } = stage.attempt(attempt.id).await.state else {
            panic!("it stays approved")
        };
        reversed_at.is_some()
    };
    assert!(!reversed().await, "most of the money is still taken");
    assert_eq!((stage.status().await, stage.taken()), (OrderStatus::Complete, 2_999));

    stage.app.pass(80).await;
    let done: Vec<_> = stage.refunds().await.iter().map(|one| one.state.clone()).collect();
    assert_eq!((done, reversed().await), (vec!["done".to_owned(), "done".to_owned()], true));
    assert_eq!((stage.status().await, stage.taken()), (OrderStatus::Refunded, 1_000), "ours was sent");
    assert_eq!(stage.fresh().await.payments[0].state, PaymentState::Reversed);
    stage.end().await;
}
