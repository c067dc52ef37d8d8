//! A restored backup: what the database says of the past is not believed where money moves (M31).

use std::sync::Arc;

use charging::{Answer, CHARGING_HELD, Driver};
use domain::Money;
use domain::attempt::{Lapse, LapseCause, Outcome};
use domain::order::OrderStatus;
use gateways::fake::{Act, Ending, FakeGateway};
use gateways::{Gateway, OperationKind, OperationRequest, ReportKind};
use jiff::SignedDuration;
use recoup_hub::{Rerun, RerunAnswer, RunOrders};
use rstest::rstest;
use storage::testing::On;
use storage::{Transaction, marks};

use crate::faulty::{Fault, Faults};
use crate::support::{SOFT, TestHub, tea};
use crate::{kept, one_gateway};

impl TestHub {
    async fn mark(&self, step: storage::Step) {
        self.hub.store().commit(Transaction::new("mark").with(step)).await.unwrap();
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_a_stored_not_sent_is_no_proof_after_a_restart_the_gateway_is_asked(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::FailBefore]);
    let refund = app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    assert_eq!(refund.code.as_deref(), Some("not_sent"));
    // After the backup was made the refund was sent and done; the restored database does not know it.
    let later = OperationRequest {
        kind: OperationKind::Refund,
        reference: refund.id.base32(),
        idempotency_key: refund.id.uuid(),
        gateway_reference: "fake-1".to_owned(),
        attempt_reference: refund.attempt_id.base32(),
        amount: refund.amount,
        at: refund.created_at,
    };
    let real: Arc<dyn Gateway> = Arc::<gateways::fake::FakeGateway>::clone(&gateway);
    real.operate(&later).await.unwrap();

    let restarted = app.another_process(99).await;
    app.clock.advance(SignedDuration::from_secs(70));
    Driver::new(restarted.charging().clone(), restarted.aftermath()).sweep().await.unwrap();
    assert_eq!((gateway.operated().len(), kept(&gateway)), (1, 0), "found, not repeated");
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Refunded);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_what_was_not_sent_and_was_not_done_is_sent_once_by_the_next_process(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::FailBefore]);
    app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    // Unable to tell, it sends nothing.
    gateway.set_unreachable(true);
    let restarted = app.another_process(99).await;
    let driver = Driver::new(restarted.charging().clone(), restarted.aftermath());
    app.clock.advance(SignedDuration::from_secs(70));
    driver.sweep().await.unwrap();
    assert_eq!(gateway.operated().len(), 0);
    gateway.set_unreachable(false);
    app.clock.advance(SignedDuration::from_secs(400));
    driver.sweep().await.unwrap();
    assert_eq!((gateway.operated().len(), kept(&gateway)), (1, 0));
    app.end().await;
}

/// It remembers that its own request never left; another process has sent one since, and died before it could say so.
#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_what_another_process_sent_since_is_asked_about_by_the_one_that_remembers(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::FailBefore]);
    let half = Money::new(view.order.total.minor() / 2, view.order.total.currency());
    app.hub.refund_order(app.merchant, view.order.id, Some(half), "", "ann").await.unwrap();
    let faults = Faults::of([Fault::Before("operation_done")]);
    let dying = app.process_over(7, |fakes| fakes, faults.over()).await;
    app.clock.advance(SignedDuration::from_secs(70));
    Driver::new(dying.charging().clone(), dying.aftermath()).sweep().await.unwrap();
    assert_eq!((faults.struck(), gateway.operated().len()), (1, 1), "sent, and nobody was told");
    let store = app.hub.store();
    let sent = store.list_operations_of_order(app.merchant, view.order.id).await.unwrap().pop().unwrap();
    assert!(sent.sent_at > sent.created_at, "the gateway has had no longer than since then to show it");

    let remembers = Driver::new(app.hub.charging().clone(), app.hub.aftermath());
    for secs in [400, 2_000, 8_000] {
        app.clock.advance(SignedDuration::from_secs(secs));
        remembers.sweep().await.unwrap();
    }
    assert_eq!(gateway.operated().len(), 1, "found, not repeated");
    assert_eq!(app.operations(&view).await, [("refund".to_owned(), "done".to_owned())]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_runs_stand_still_while_charging_is_held(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([SOFT]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    let these = RunOrders::These(vec![view.order.id]);
    let begun = app.hub.begin_reruns(app.merchant, these, &Rerun::default(), "ann").await.unwrap();
    app.mark(marks::set(CHARGING_HELD, "a restored backup")).await;
    app.clock.advance(SignedDuration::from_secs(600));
    let sweep = async || app.hub.sweep_runs(app.hub.minter().now()).await.unwrap();
    assert!(sweep().await.is_idle());
    assert_eq!(gateway.requests().len(), 1, "nothing is tried again");
    app.mark(marks::clear(CHARGING_HELD)).await;
    while !sweep().await.is_idle() {}
    let run = app.hub.find_run(app.merchant, begun.run.id).await.unwrap().unwrap();
    assert_eq!((run.run.done_count, gateway.requests().len()), (1, 2));
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_late_approvals_stand_still_while_charging_is_held(#[case] on: On) {
    let app = TestHub::new(on).await;
    let (id, gateway) = app.gateway(1, "first").await;
    let (salvage_id, salvage) = app.salvage(2, "salvage").await;
    app.campaign(domain::configuration::Target::Gateway(id)).await;
    gateway.script([SOFT]);
    let view = app.import(tea()).await;
    salvage.script([Act::Pend]);
    let rerun = Rerun { gateway: Some(salvage_id), ..Rerun::default() };
    let answer = app.hub.rerun_order(app.merchant, view.order.id, &rerun, "ann").await.unwrap();
    let RerunAnswer::Attempted { attempt, .. } = answer else { panic!("{answer:?}") };
    let lapse = Lapse {
        cause: LapseCause::NotReceived,
        reason: None,
        code: String::new(),
        text: "given up".to_owned(),
    };
    let (charging, aftermath) = (app.hub.charging(), app.hub.aftermath());
    let ended = Outcome::NotExecuted(lapse);
    charging.resolve_by_person(&attempt, ended, Vec::new(), aftermath.as_ref()).await.unwrap();
    app.hub.cancel_order(app.merchant, view.order.id, "called", "ann").await.unwrap();
    salvage.end(&attempt.id.base32(), &Ending::Completed);
    let raw = salvage.report(ReportKind::Completed, &attempt.id.base32(), app.hub.minter().now());
    app.hub.receive_report(salvage_id, raw.headers, raw.host, raw.body).await.unwrap();

    let sweep = async || app.hub.sweep_late_approvals(app.hub.minter().now()).await.unwrap();
    app.mark(marks::set(CHARGING_HELD, "a restored backup")).await;
    app.clock.advance(SignedDuration::from_secs(600));
    assert_eq!((sweep().await, kept(&salvage)), (0, 2_999));
    app.mark(marks::clear(CHARGING_HELD)).await;
    assert_eq!((sweep().await, kept(&salvage)), (1, 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_request_that_was_held_up_until_others_take_it_up_is_not_sent(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    app.import(tea()).await;
    let request = gateway.requests().pop().unwrap();
    let id = request.reference.parse().unwrap();
    let attempt = app.hub.store().find_attempt(app.merchant, id).await.unwrap().unwrap();
    let to: Arc<dyn Gateway> = Arc::<FakeGateway>::clone(&gateway);
    let charging = app.hub.charging();
    // The machine slept between the intent and the request.
    app.clock.advance(SignedDuration::from_secs(69));
    assert!(matches!(charging.send(&to, &attempt, &request).await, Answer::Approved(_)));
    app.clock.advance(SignedDuration::from_secs(1));
    let late = charging.send(&to, &attempt, &request).await;
    assert!(matches!(&late, Answer::Lapsed(lapse) if lapse.cause == LapseCause::NotSent), "{late:?}");
    assert_eq!(gateway.requests().len(), 2, "the last one never left");
    app.hub.store().close().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_refund_that_was_held_up_until_others_take_it_up_is_left_to_the_driver(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    let attempt = &view.attempts[0];
    let charging = app.hub.charging();
    let refund = charging.new_operation(OperationKind::Refund, attempt, attempt.amount, "sorry");
    // The machine slept between the decision and the request.
    app.clock.advance(SignedDuration::from_secs(70));
    let left = charging.operate(&refund, attempt, app.hub.aftermath().as_ref()).await.unwrap();
    assert_eq!((left.state.as_str(), gateway.operated().len()), ("sending", 0), "it never left");
    app.pass(80).await;
    assert_eq!((kept(&gateway), gateway.operated().len()), (0, 1));
    app.end().await;
}
