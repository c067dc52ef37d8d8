//! Drivers of several processes: slow ones, ones that panic, and ones whose database does not answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use charging::Driver;
use domain::Money;
use domain::attempt::AttemptState;
use domain::order::OrderStatus;
use gateways::fake::Act;
use jiff::SignedDuration;
use recoup_hub::{Hub, ImportAnswer};
use rstest::rstest;
use storage::testing::On;
use tokio::sync::Semaphore;

use crate::hooks::{Hooks, Watch, hooked, plain, watched};
use crate::support::tea;
use crate::{kept, one_gateway};

fn driver(hub: &Hub) -> Driver {
    Driver::new(hub.charging().clone(), hub.aftermath())
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m18_a_database_that_does_not_answer_is_no_reason_to_call_a_person(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let refunded = app.import(tea()).await;
    gateway.script_operations([Act::LoseBefore]);
    let refund = app.hub.refund_order(app.merchant, refunded.order.id, None, "", "ann").await.unwrap();
    let mut other = tea();
    other.contact.email = "bob@example.test".to_owned();
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let view = app.import(other).await;
    gateway.set_unreachable(false);

    let watch = Watch::new();
    watch.refuses.store(true, Ordering::Relaxed);
    let hub = app.process_over(7, |fakes| fakes, watched("find_sealed", &watch)).await;
    app.clock.advance(SignedDuration::from_secs(80));
    let swept = driver(&hub).sweep().await.unwrap();
    assert_eq!((swept.attempts, swept.operations), (1, 1));
    assert!(!app.fresh(&view).await.attempts[0].needs_person);
    let stored = hub.store().find_operation(app.merchant, refund.id).await.unwrap().unwrap();
    assert!(!stored.needs_person);
    assert_eq!(app.hub.store().list_open_alerts(app.merchant, 10).await.unwrap(), []);

    watch.refuses.store(false, Ordering::Relaxed);
    app.clock.advance(SignedDuration::from_secs(120));
    driver(&hub).sweep().await.unwrap();
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    assert_eq!(app.fresh(&refunded).await.order.status, OrderStatus::Refunded);
    assert_eq!(kept(&gateway), 2_999);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_driver_that_lost_its_lease_does_not_send_the_refund_again(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::LoseBefore]);
    let some = Some(Money::new(1_000, domain::Currency::USD));
    app.hub.refund_order(app.merchant, view.order.id, some, "", "ann").await.unwrap();
    let slow = Some((Semaphore::new(0), Semaphore::new(0)));
    let hooks = Arc::new(Hooks { slow_finding: slow, ..Hooks::default() });
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    app.clock.advance(SignedDuration::from_secs(70));
    let slow_driver = driver(&hub);
    let sweeping = tokio::spawn(async move { slow_driver.sweep().await.unwrap() });
    let (found_it, say_it) = hooks.slow_finding.as_ref().unwrap();
    found_it.acquire().await.unwrap().forget();

    // It has learned that the refund was not done, and stands still for longer than its lease.
    app.clock.advance(SignedDuration::from_secs(200));
    assert_eq!(app.sweep().await.operations, 1);
    assert_eq!(kept(&gateway), 1_999);
    say_it.add_permits(1);
    assert_eq!(sweeping.await.unwrap().operations, 1);
    assert_eq!((gateway.operated().len(), kept(&gateway)), (1, 1_999), "refunded once");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_whose_step_panics_goes_on_with_the_others(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter, Act::LoseAfter]);
    gateway.set_unreachable(true);
    let first = app.import(tea()).await;
    let mut other = tea();
    other.contact.email = "bob@example.test".to_owned();
    let second = app.import(other).await;
    gateway.set_unreachable(false);
    let hooks = Arc::new(Hooks::default());
    *hooks.panic_about.lock().unwrap() = Some(first.attempts[0].id.base32());
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    app.clock.advance(SignedDuration::from_secs(80));
    assert_eq!(driver(&hub).sweep().await.unwrap().attempts, 2);
    assert_eq!(app.fresh(&second).await.order.status, OrderStatus::Complete);
    assert_eq!(app.fresh(&first).await.order.status, OrderStatus::Pending);
    app.pass(200).await;
    assert_eq!(app.fresh(&first).await.order.status, OrderStatus::Complete, "its work came again");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_an_attempt_is_not_taken_up_while_its_call_may_still_be_under_way(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let hooks = Arc::new(Hooks::default());
    hooks.call_secs.store(135, Ordering::Relaxed);
    let hub = app.process_over(7, hooked(&hooks), plain).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    app.clock.advance(SignedDuration::from_secs(50 + 135));
    assert!(app.sweep().await.is_idle(), "the gateway may still be answering");
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert!(matches!(view.attempts[0].state, AttemptState::Approved { .. }));
    let refund = hub.charging().operation_take_up_at().duration_since(hub.minter().now());
    assert!(refund.as_secs() > 135, "{refund}");
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 2_999));
    app.end().await;
}
