//! Less was taken than was asked for: it is given back once, whatever refuses, gets lost or dies in between (M14, M16).

use std::sync::Arc;

use charging::Driver;
use domain::attempt::{Attempt, AttemptState};
use domain::order::OrderStatus;
use gateways::fake::{Act, FakeGateway, SALVAGE};
use gateways::{Gateway, OperationKind, OperationRequest};
use jiff::SignedDuration;
use recoup_hub::{OrderView, PersonError, Verdict};
use rstest::rstest;
use storage::testing::On;
use tokio::sync::Semaphore;

use crate::faulty::{Fault, Faults};
use crate::hooks::{Hooks, hooked, plain};
use crate::support::{TestHub, tea};
use crate::{kept, one_gateway};

const PART: Act = Act::ApproveOnly(1_000);
const SETTLED: Act = Act::Decline("300", "Only transactions pending settlement can be voided");
const NO_REFUND: Act = Act::Decline("300", "Refunds are not enabled");

fn lacks_funds(attempt: &Attempt) -> bool {
    matches!(
        &attempt.state,
        AttemptState::Declined { decline, .. } if decline.reason.as_str() == "insufficient_funds"
    )
}

fn done(gateway: &FakeGateway) -> Vec<OperationKind> {
    gateway.operated().into_iter().map(|(kind, ..)| kind).collect()
}

/// The sale ended as a lack of funds, and nothing is kept.
async fn ended(app: &TestHub, view: &OrderView, gateway: &FakeGateway) {
    let fresh = app.fresh(view).await;
    assert!(lacks_funds(&fresh.attempts[0]), "{:?}", fresh.attempts[0]);
    assert_eq!((fresh.order.status, fresh.payment_status()), (OrderStatus::Declined, "declined"));
    assert_eq!(kept(gateway), 0);
}

fn pair(kind: &str, state: &str) -> (String, String) {
    (kind.to_owned(), state.to_owned())
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_partial_approval_whose_void_is_refused_is_refunded_and_declined(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    gateway.script_operations([SETTLED]);
    let view = app.import(tea()).await;
    ended(&app, &view, &gateway).await;
    assert_eq!(gateway.operated(), [(OperationKind::Refund, "fake-1".to_owned(), 1_000)]);
    assert_eq!(app.operations(&view).await, [pair("void", "refused"), pair("refund", "done")]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_what_was_refunded_at_once_is_cascaded_like_any_lack_of_funds(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let (_, salvage) =
        app.gateway_of(2, "salvage", "fake_salvage", SALVAGE, |one| one.cascade_all = true).await;
    gateway.script([PART]);
    gateway.script_operations([SETTLED]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Complete, "{}", view.order.cascade_note);
    assert!(lacks_funds(&view.attempts[0]));
    assert_eq!((kept(&gateway), kept(&salvage)), (0, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_lost_refund_of_a_partial_approval_is_asked_about_and_never_sent_twice(
    #[case] on: On,
    #[values(Act::LoseAfter, Act::LoseBefore, Act::FailBefore)] lost: Act,
) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    gateway.script_operations([SETTLED, lost]);
    let view = app.import(tea()).await;
    assert_eq!((view.order.status, view.payment_status()), (OrderStatus::Pending, "in_doubt"));
    app.pass(80).await;
    app.pass(400).await;
    ended(&app, &view, &gateway).await;
    assert_eq!(done(&gateway), [OperationKind::Refund], "once");
    assert_eq!(app.operations(&view).await, [pair("void", "refused"), pair("refund", "done")]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_lost_void_is_never_followed_by_a_refund_when_it_was_done(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    gateway.script_operations([Act::LoseAfter, SETTLED, Act::Approve]);
    let view = app.import(tea()).await;
    assert_eq!(view.payment_status(), "in_doubt");
    app.pass(80).await;
    app.pass(2_000).await;
    ended(&app, &view, &gateway).await;
    assert_eq!(done(&gateway), [OperationKind::Void]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_when_the_refund_is_refused_too_a_person_is_called_and_nothing_is_sent_again(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    gateway.script_operations([SETTLED, NO_REFUND]);
    let view = app.import(tea()).await;
    assert_eq!(view.payment_status(), "in_doubt");
    app.pass(80).await;
    let fresh = app.fresh(&view).await;
    assert!(fresh.attempts[0].needs_person);
    assert_eq!(app.alert_kinds().await, ["operation_refused", "operation_refused", "attempt_needs_person"]);
    for _ in 0..5 {
        app.pass(50_000).await;
    }
    assert_eq!((app.alert_kinds().await.len(), done(&gateway).len(), kept(&gateway)), (3, 0, 1_000));
    let attempt = view.attempts[0].id;
    let resolved =
        app.hub.resolve_attempt(app.merchant, attempt, Verdict::Declined, "fake-1", "paid back", "ann");
    resolved.await.unwrap();
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Declined);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_after_a_day_of_doubt_a_person_is_called_and_it_is_still_given_back(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    gateway.script_operations([Act::LoseBefore]);
    gateway.set_unreachable(true);
    let view = app.import(tea()).await;
    for _ in 0..23 {
        app.pass(3_600).await;
    }
    assert!(!app.fresh(&view).await.attempts[0].needs_person, "within a day nobody is called about it");
    for _ in 0..3 {
        app.pass(3_600).await;
    }
    assert!(app.fresh(&view).await.attempts[0].needs_person);
    let alerts = app.alert_kinds().await;
    assert_eq!(alerts.iter().filter(|kind| *kind == "attempt_needs_person").count(), 1, "{alerts:?}");
    gateway.set_unreachable(false);
    app.pass(22_000).await;
    app.pass(22_000).await;
    ended(&app, &view, &gateway).await;
    assert_eq!(done(&gateway), [OperationKind::Void]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_whatever_dies_between_void_and_refund_the_money_goes_back_once(
    #[case] on: On,
    #[values("undo_partial", "operation_refused", "operation_done", "record_outcome")] name: &'static str,
    #[values(false, true)] is_kept: bool,
) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    // The void is refused however often it is sent: the money has settled.
    gateway.script_operations([SETTLED]);
    let faults = Faults::of([if is_kept { Fault::After(name) } else { Fault::Before(name) }]);
    let dying = app.process_over(7, |fakes| fakes, faults.over()).await;
    let _ = dying.import(app.merchant, tea()).await;
    assert!(faults.struck() > 0, "it has died at {name}");
    let store = app.hub.store();
    let orders =
        store.list_orders(app.merchant, &storage::orders::OrderFilter::default(), 9, 0).await.unwrap();
    let view = app.hub.find_order_view(app.merchant, orders[0].id).await.unwrap().unwrap();
    if name == "operation_refused" && !is_kept {
        // Nobody knows that it was refused: it is sent, and refused, once more.
        gateway.script_operations([SETTLED]);
    }
    for secs in [200, 400, 2_000, 8_000] {
        app.pass(secs).await;
    }
    let fresh = app.fresh(&view).await;
    assert!(lacks_funds(&fresh.attempts[0]), "{:?}", fresh.attempts[0]);
    assert_eq!((fresh.order.status, kept(&gateway)), (OrderStatus::Declined, 0));
    assert_eq!(done(&gateway), [OperationKind::Refund], "once");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_an_attempt_that_ended_meanwhile_is_not_refunded_on_our_own(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    gateway.script_operations([SETTLED, Act::LoseBefore]);
    let view = app.import(tea()).await;
    let attempt = view.attempts[0].id;
    let kept =
        app.hub.resolve_attempt(app.merchant, attempt, Verdict::Approved, "fake-1", "it is there", "ann");
    assert!(matches!(kept.await, Err(PersonError::Conflict(_))), "its refund may be under way");
    // A person has given it back at the gateway's own pages, and says so.
    let resolved =
        app.hub.resolve_attempt(app.merchant, attempt, Verdict::Declined, "fake-1", "paid back", "ann");
    resolved.await.unwrap();
    app.pass(80).await;
    app.pass(400).await;
    assert_eq!(done(&gateway).len(), 0);
    assert!(app.alert_kinds().await.contains(&"operation_needs_person".to_owned()));
    assert_eq!(app.operations(&view).await[1], pair("refund", "in_doubt"));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_void_that_is_refused_because_an_earlier_one_was_done_is_not_followed_by_a_refund(
    #[case] on: On,
) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([PART]);
    // The first void is on its way for long; the next one is refused because that one arrived first.
    gateway.script_operations([Act::LoseBefore, Act::Approve, SETTLED]);
    let view = app.import(tea()).await;
    assert_eq!(app.operations(&view).await, [pair("void", "in_doubt")]);
    let slow = Some((Semaphore::new(0), Semaphore::new(0)));
    let hooks = Arc::new(Hooks { slow_finding: slow, ..Hooks::default() });
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    app.clock.advance(SignedDuration::from_secs(70));
    let sweeping = {
        let driver = Driver::new(hub.charging().clone(), hub.aftermath());
        tokio::spawn(async move { driver.sweep().await.unwrap() })
    };
    let (found_it, say_it) = hooks.slow_finding.as_ref().unwrap();
    found_it.acquire().await.unwrap().forget();
    let stored = app.hub.store().list_operations_of_order(app.merchant, view.order.id).await.unwrap();
    let first = OperationRequest {
        kind: OperationKind::Void,
        reference: stored[0].id.base32(),
        idempotency_key: stored[0].id.uuid(),
        gateway_reference: "fake-1".to_owned(),
        attempt_reference: stored[0].attempt_id.base32(),
        amount: stored[0].amount,
        at: stored[0].created_at,
    };
    let real: Arc<dyn Gateway> = Arc::<FakeGateway>::clone(&gateway);
    real.operate(&first).await.unwrap();
    say_it.add_permits(9);
    sweeping.await.unwrap();
    app.pass(80).await;
    ended(&app, &view, &gateway).await;
    assert_eq!(done(&gateway), [OperationKind::Void]);
    assert_eq!(app.operations(&view).await, [pair("void", "done")]);
    app.end().await;
}
