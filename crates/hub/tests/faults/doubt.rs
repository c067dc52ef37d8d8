//! Answers that were lost, partial approvals, and processes that died.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::attempt::{AttemptState, LapseCause};
use domain::order::OrderStatus;
use gateways::fake::Act;
use recoup_hub::ImportAnswer;
use rstest::rstest;
use storage::orders::OrderFilter;
use storage::testing::On;

use crate::hooks::{Hooks, hooked, plain};
use crate::support::SOFT;
use crate::support::tea;
use crate::{kept, one_gateway, with_salvage};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m2_an_answer_lost_after_the_charge_is_found_by_asking_and_charged_once(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m2_an_import_in_doubt_is_pending_and_completes_when_the_gateway_says_so(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Pending);
    assert_eq!(view.payment_status(), "in_doubt");
    let events = app.hub.store().list_events_of_order(app.merchant, view.order.id).await.unwrap();
    assert_eq!(events.len(), 0, "nobody is told before it is known");
    app.pass(80).await;
    gateway.set_unreachable(false);
    app.pass(400).await;
    let fresh = app.fresh(&view).await;
    assert_eq!(fresh.order.status, OrderStatus::Complete);
    let events = app.hub.store().list_events_of_order(app.merchant, view.order.id).await.unwrap();
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["new_sale"]);
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m13_a_request_that_was_never_received_is_declined_after_half_an_hour_and_not_sent_again(
    #[case] on: On,
) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([Act::LoseBefore]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Pending);
    app.pass(1_700).await;
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Pending);
    app.pass(200).await;
    let fresh = app.fresh(&view).await;
    assert_eq!(fresh.order.status, OrderStatus::Declined);
    assert!(matches!(
        &fresh.attempts[0].state,
        AttemptState::NotExecuted { lapse, .. } if lapse.cause == LapseCause::NotReceived
    ));
    assert_eq!((gateway.requests().len(), salvage.requests().len()), (1, 0), "no cascade, no repetition");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_less_than_asked_is_voided_and_declined_for_lack_of_funds(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::ApproveOnly(1_000)]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(kept(&gateway), 0);
    assert!(matches!(
        &view.attempts[0].state,
        AttemptState::Declined { decline, .. } if decline.reason.as_str() == "insufficient_funds"
    ));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_in_doubt_until_the_void_is_confirmed(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::ApproveOnly(1_000)]);
    gateway.script_operations([Act::LoseBefore]);
    let view = app.import(tea()).await;
    assert_eq!(view.payment_status(), "in_doubt");
    app.pass(80).await;
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Declined);
    assert_eq!(kept(&gateway), 0);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_after_the_charge_leaves_an_attempt_that_another_one_settles(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let view = app.import(tea()).await;
    gateway.set_unreachable(false);
    let other = app.another_process(99).await;
    app.clock.advance(jiff::SignedDuration::from_secs(200));
    let driver = charging::Driver::new(other.charging().clone(), other.aftermath());
    assert_eq!(driver.sweep().await.unwrap().attempts, 1);
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    assert_eq!(kept(&gateway), 2_999);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_another_process_added_is_found_when_its_attempts_are_resolved(#[case] on: On) {
    let (app, _) = one_gateway(on).await;
    let other = app.another_process(7).await;
    other.configuration(app.merchant).await.unwrap();
    let (_, late) = app.gateway(5, "late").await;
    late.script([Act::LoseAfter]);
    late.set_unreachable(true);
    let mut import = tea();
    import.force_gateway = Some(5);
    let view = app.import(import).await;
    late.set_unreachable(false);
    app.clock.advance(jiff::SignedDuration::from_secs(100));
    charging::Driver::new(other.charging().clone(), other.aftermath()).sweep().await.unwrap();
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_a_partial_approval_whose_void_was_done_unseen_is_a_lack_of_funds(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::ApproveOnly(1_000)]);
    gateway.script_operations([Act::LoseAfter]);
    let view = app.import(tea()).await;
    assert_eq!(view.payment_status(), "in_doubt");
    app.pass(80).await;
    let fresh = app.fresh(&view).await;
    assert_eq!((fresh.order.status, kept(&gateway)), (OrderStatus::Declined, 0));
    assert!(matches!(
        &fresh.attempts[0].state,
        AttemptState::Declined { decline, .. } if decline.reason.as_str() == "insufficient_funds"
    ));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_crash_between_a_hold_and_its_capture_is_taken_up(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    let hooks = Arc::new(Hooks::default());
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    gateway.script([SOFT]);
    salvage.script([Act::Hold]);
    hooks.operations_panic.store(true, Ordering::Relaxed);
    assert!(hub.import(app.merchant, tea()).await.is_err(), "its process died before the capture left");
    let orders = app.hub.store().list_orders(app.merchant, &OrderFilter::default(), 9, 0).await.unwrap();
    let held = app.hub.store().list_attempts_of_order(app.merchant, orders[0].id).await.unwrap().remove(1);
    assert!(matches!(held.state, AttemptState::InDoubt { .. }), "{held:?}");
    let (_, reference) = app.hub.store().find_fence_facts(app.merchant, held.id).await.unwrap();
    assert_eq!(reference.as_deref(), Some("fake-1"), "kept before anything was sent");
    app.pass(100).await;
    let view = app.hub.find_order_view(app.merchant, orders[0].id).await.unwrap().unwrap();
    assert_eq!((view.order.status, kept(&salvage)), (OrderStatus::Declined, 0));
    assert_eq!(salvage.operated().len(), 1, "the hold was cancelled");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_capture_never_has_the_key_of_the_charge(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    let hooks = Arc::new(Hooks::default());
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    gateway.script([SOFT]);
    salvage.script([Act::Hold]);
    let ImportAnswer::Order(view) = hub.import(app.merchant, tea()).await.unwrap() else { panic!("refused") };
    assert_eq!(view.order.status, OrderStatus::Complete);
    let charged = salvage.requests()[0].idempotency_key;
    let keys = hooks.keys.lock().unwrap().clone();
    assert!(keys.len() == 1 && keys[0] != charged, "{keys:?} {charged}");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m2_the_gateway_is_asked_only_as_long_as_the_checkout_has_time(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let hooks = Arc::new(Hooks::default());
    hooks.inquiries_hang.store(true, Ordering::Relaxed);
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    gateway.script([Act::LoseAfter]);
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    // One second of the fifty is left when the answer is lost.
    app.clock.advance(jiff::SignedDuration::from_secs(49));
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert_eq!((view.order.status, view.payment_status()), (OrderStatus::Pending, "in_doubt"));
    assert_eq!(hooks.inquiries.load(Ordering::Relaxed), 1);
    app.pass(80).await;
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m2_without_time_left_the_gateway_is_not_asked_within_the_checkout(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let hooks = Arc::new(Hooks::default());
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    gateway.script([Act::LoseAfter]);
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    app.clock.advance(jiff::SignedDuration::from_secs(50));
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert_eq!((view.order.status, hooks.inquiries.load(Ordering::Relaxed)), (OrderStatus::Pending, 0));
    app.pass(80).await;
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    app.end().await;
}
