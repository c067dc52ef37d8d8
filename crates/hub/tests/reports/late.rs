//! Approvals that come too late are given back once, or kept by a person; never applied silently (M17).

use domain::attempt::Attempt;
use domain::ids::AttemptId;
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use gateways::ReportKind;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use recoup_hub::{LateDecision, PersonError, Verdict};
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::late_approvals::{self, LateApproval, LateState};
use storage::testing::On;

use crate::Stage;

impl Stage {
    /// A person has given an open salvage up, and the gateway collected it after all; nobody was told yet.
    async fn collected_too_late(&self) -> Attempt {
        let attempt = self.open().await;
        self.give_up(&attempt).await;
        self.salvage.end(&attempt.id.base32(), &Ending::Completed);
        attempt
    }

    async fn late(&self, id: AttemptId) -> LateApproval {
        self.app.hub.store().find_late_approval(self.app.merchant, id).await.unwrap().expect("it is recorded")
    }

    async fn decide(&self, id: AttemptId, decision: LateDecision) -> Result<LateApproval, PersonError> {
        self.app.hub.resolve_late_approval(self.app.merchant, id, decision, "because", "ann").await
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_waits_a_day_with_an_alert_and_is_then_given_back(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    assert_eq!(stage.report(ReportKind::Completed, attempt.id).await.state, ReportState::Applied);
    assert_eq!(
        (stage.status().await, stage.alerts().await),
        (OrderStatus::Declined, vec!["late_approval".to_owned()])
    );
    assert_eq!(stage.report(ReportKind::Completed, attempt.id).await.state, ReportState::Ignored);
    stage.sweep_after(86_399).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::Waiting, 2_999));
    stage.sweep_after(1).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    assert_eq!(stage.alerts().await, Vec::<String>::new(), "closed with what came of it");
    assert_eq!(stage.salvage.operated().len(), 1);
    // The gateway tells of our refund.
    assert_eq!(stage.report(ReportKind::Refunded(None), attempt.id).await.state, ReportState::Ignored);
    assert_eq!(stage.alerts().await, Vec::<String>::new());
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_goes_back_at_once_when_the_customer_has_cancelled(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.app.hub.cancel_order(stage.app.merchant, stage.order.order.id, "called", "ann").await.unwrap();
    stage.report(ReportKind::Completed, attempt.id).await;
    stage.sweep_after(0).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    assert_eq!(stage.status().await, OrderStatus::Cancelled);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_goes_back_at_once_when_the_payment_is_paid_already(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.rerun(stage.order.gateway_id().unwrap()).await;
    assert_eq!(stage.status().await, OrderStatus::Complete);
    stage.report(ReportKind::Completed, attempt.id).await;
    assert!(matches!(stage.decide(attempt.id, LateDecision::Keep).await, Err(PersonError::Conflict(_))));
    stage.sweep_after(0).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    let kept: i64 = stage.main.booked().iter().map(|one| one.minor).sum();
    assert_eq!((stage.status().await, kept), (OrderStatus::Complete, 2_999));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_goes_back_at_once_when_the_buyer_was_told_declined(#[case] on: On) {
    let stage = Stage::new(on).await;
    let cascade = stage.app.cascade(1, &[stage.salvage_id], 1).await;
    let main = stage.order.gateway_id().unwrap();
    stage.app.edit_gateway(main, |gateway| gateway.direct_cascade = Some(cascade)).await;
    stage.main.script([crate::support::SOFT]);
    stage.salvage.script([Act::LosePending]);
    let mut other = crate::support::tea();
    other.contact.email = "bob@example.test".to_owned();
    let view = stage.app.import(other).await;
    let attempt = view.attempts.last().unwrap();
    let (hub, merchant) = (&stage.app.hub, stage.app.merchant);
    hub.resolve_attempt(merchant, attempt.id, Verdict::NotExecuted, "", "not there", "ann").await.unwrap();
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    stage.report(ReportKind::Completed, attempt.id).await;
    stage.sweep_after(0).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_person_keeps_a_late_approval_and_it_pays_the_order(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.report(ReportKind::Completed, attempt.id).await;
    let unexplained = stage
        .app
        .hub
        .resolve_late_approval(stage.app.merchant, attempt.id, LateDecision::Keep, " ", "ann")
        .await;
    assert!(matches!(unexplained, Err(PersonError::Invalid(_))));
    assert_eq!(stage.decide(attempt.id, LateDecision::Keep).await.unwrap().state, LateState::Kept);
    let again = stage.decide(attempt.id, LateDecision::GiveBack).await;
    assert!(matches!(again, Err(PersonError::Conflict(_))));
    stage.sweep_after(200_000).await;
    let view = stage.fresh().await;
    assert_eq!((view.order.status, view.payments[0].state), (OrderStatus::Complete, PaymentState::Paid));
    assert_eq!((stage.taken(), stage.alerts().await.len()), (2_999, 0));
    assert_eq!(stage.events().await.iter().filter(|kind| *kind == "new_sale").count(), 1);
    // What the gateway reports later under the first attempt's reference is about the money that was kept.
    let kept = stage.report(ReportKind::Refunded(Some(view.order.total)), attempt.id).await;
    assert_eq!((kept.state, kept.attempt_id), (ReportState::Applied, view.approved().map(|one| one.id)));
    assert_eq!(stage.status().await, OrderStatus::Refunded);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_person_gives_a_late_approval_back_before_its_day_is_over(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.report(ReportKind::Completed, attempt.id).await;
    stage.decide(attempt.id, LateDecision::GiveBack).await.unwrap();
    stage.sweep_after(0).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    assert!(matches!(stage.decide(attempt.id, LateDecision::Keep).await, Err(PersonError::Conflict(_))));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite, Act::LoseAfter)]
#[case::postgres(On::Postgres, Act::LoseAfter)]
#[case::sqlite_before(On::Sqlite, Act::LoseBefore)]
#[case::postgres_before(On::Postgres, Act::LoseBefore)]
#[case::sqlite_not_sent(On::Sqlite, Act::FailBefore)]
#[case::postgres_not_sent(On::Postgres, Act::FailBefore)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_the_refund_of_a_late_approval_is_asked_about_and_done_once(#[case] on: On, #[case] act: Act) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.report(ReportKind::Completed, attempt.id).await;
    stage.salvage.script_operations([act]);
    stage.sweep_after(86_400).await;
    assert_ne!(stage.late(attempt.id).await.state, LateState::GivenBack);
    stage.sweep_after(30).await;
    assert_ne!(stage.late(attempt.id).await.state, LateState::GivenBack, "not asked again at once");
    stage.sweep_after(30).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    assert_eq!(stage.salvage.operated().len(), 1, "given back once");
    assert_eq!(stage.alerts().await.len(), 0);
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_refund_that_was_being_sent_in_a_crash_is_asked_about_before_it_is_sent(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.report(ReportKind::Completed, attempt.id).await;
    stage.app.clock.advance(SignedDuration::from_hours(24));
    let (store, now, fence) =
        (stage.app.hub.store(), stage.app.hub.minter().now(), stage.app.hub.minter().uuid());
    let until = now + SignedDuration::from_secs(120);
    let merchant = stage.app.merchant;
    assert_eq!(store.acquire_due_late_approvals(merchant, now, until, fence, 5).await.unwrap().len(), 1);
    let begin = late_approvals::begin(merchant, attempt.id, fence, until);
    store.commit(storage::Transaction::new("begin").with(begin)).await.unwrap();
    // Its process has died; the gateway does not answer questions now.
    stage.salvage.set_unreachable(true);
    stage.sweep_after(121).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::InDoubt, 2_999));
    assert!(stage.salvage.operated().is_empty(), "never repeated blindly");
    for _ in 0..5 {
        stage.sweep_after(50_000).await;
    }
    assert!(stage.alerts().await.contains(&"late_approval_stuck".to_owned()));
    stage.salvage.set_unreachable(false);
    stage.sweep_after(50_000).await;
    assert_eq!((stage.late(attempt.id).await.state, stage.taken()), (LateState::GivenBack, 0));
    assert_eq!((stage.salvage.operated().len(), stage.alerts().await.len()), (1, 0));
    stage.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_refused_refund_of_a_late_approval_calls_a_person_and_can_then_be_kept(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.collected_too_late().await;
    stage.report(ReportKind::Completed, attempt.id).await;
    stage.salvage.script_operations([Act::Decline("9", "not now")]);
    stage.sweep_after(86_400).await;
    assert_eq!(stage.late(attempt.id).await.state, LateState::Waiting);
    assert_eq!(stage.alerts().await, ["late_approval", "late_approval_stuck"]);
    stage.decide(attempt.id, LateDecision::Keep).await.unwrap();
    assert_eq!((stage.status().await, stage.alerts().await.len()), (OrderStatus::Complete, 0));
    stage.end().await;
}
