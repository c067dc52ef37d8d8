//! Work that fails each time: it holds up nobody, is looked at less and less often, and is shown to a person.

use std::sync::Arc;

use charging::Driver;
use domain::order::OrderStatus;
use gateways::ReportKind;
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use recoup_hub::{Hub, Import, OrderView, Rerun, RerunAnswer};
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::testing::On;

use crate::faulty::{Fault, Faults};
use crate::one_gateway;
use crate::subscriptions::{Shop, settle};
use crate::support::{SOFT, TestHub, tea};

fn of(who: &str) -> Import {
    let mut import = tea();
    import.contact.email = format!("{who}@example.test");
    import
}

async fn sweep(hub: &Hub) {
    Driver::new(hub.charging().clone(), hub.aftermath()).sweep().await.unwrap();
}

/// Lets an hour pass, a sweep every minute.
async fn an_hour(app: &TestHub, hub: &Hub) {
    for _ in 0..60 {
        app.clock.advance(SignedDuration::from_secs(60));
        sweep(hub).await;
    }
}

async fn two_in_doubt(on: On) -> (TestHub, OrderView, OrderView) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter, Act::LoseAfter]);
    gateway.set_unreachable(true);
    let (first, second) = (app.import(of("ann")).await, app.import(of("bob")).await);
    gateway.set_unreachable(false);
    (app, first, second)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m18_an_attempt_that_fails_each_time_is_left_alone_for_longer_and_shown_to_a_person(#[case] on: On) {
    let (app, first, second) = two_in_doubt(on).await;
    let faults = Faults::of([Fault::Question("find_order", first.order.id.uuid())]);
    let hub = app.process_over(7, |fakes| fakes, faults.over()).await;
    app.clock.advance(SignedDuration::from_secs(80));
    sweep(&hub).await;
    assert_eq!(app.fresh(&second).await.order.status, OrderStatus::Complete, "the other is not held up");
    assert_eq!((faults.struck(), app.alert_kinds().await.len()), (1, 0), "once is no reason to call anybody");
    for _ in 0..5 {
        an_hour(&app, &hub).await;
    }
    let stuck = app.fresh(&first).await;
    assert!(stuck.attempts[0].needs_person);
    assert_eq!(app.alert_kinds().await, ["work_stuck"]);
    assert!((5..=6).contains(&faults.struck()), "{} times in five hours", faults.struck());
    for _ in 0..24 {
        an_hour(&app, &hub).await;
    }
    assert_eq!(app.alert_kinds().await, ["work_stuck"], "one alert");
    assert!(faults.struck() <= 11, "{} times in a day", faults.struck());

    // What stood in the way has passed.
    faults.heal();
    for _ in 0..7 {
        an_hour(&app, &hub).await;
    }
    assert_eq!(app.fresh(&first).await.order.status, OrderStatus::Complete);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m18_an_attempt_that_cannot_be_read_starves_none_that_were_leased_with_it(#[case] on: On) {
    let (app, first, second) = two_in_doubt(on).await;
    let fault = Fault::Claim("acquire_due_attempts", "attempts", first.attempts[0].id.uuid());
    let faults = Faults::of([fault]);
    let hub = app.process_over(7, |fakes| fakes, faults.over()).await;
    app.clock.advance(SignedDuration::from_secs(80));
    sweep(&hub).await;
    assert_eq!(app.alert_kinds().await, ["work_stuck"]);
    an_hour(&app, &hub).await;
    assert_eq!(app.fresh(&second).await.order.status, OrderStatus::Complete);
    assert_eq!((faults.struck(), app.alert_kinds().await.len()), (1, 1));
    faults.heal();
    for _ in 0..7 {
        an_hour(&app, &hub).await;
    }
    assert_eq!(app.fresh(&first).await.order.status, OrderStatus::Complete);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_refund_that_fails_each_time_is_shown_to_a_person(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::LoseBefore]);
    let refund = app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    let faults = Faults::of([Fault::Question("find_attempt", view.attempts[0].id.uuid())]);
    let hub = app.process_over(7, |fakes| fakes, faults.over()).await;
    for _ in 0..24 {
        an_hour(&app, &hub).await;
    }
    let stored = app.hub.store().find_operation(app.merchant, refund.id).await.unwrap().unwrap();
    assert!(stored.needs_person);
    assert_eq!(app.alert_kinds().await, ["operation_needs_person"]);
    assert!((5..=9).contains(&faults.struck()), "{} times in a day", faults.struck());
    faults.heal();
    for _ in 0..7 {
        an_hour(&app, &hub).await;
    }
    assert_eq!(gateway.operated().len(), 1);
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Refunded);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r131_a_bill_that_fails_each_time_is_shown_to_a_person_and_holds_up_no_other(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (first, second) = (shop.sell_to("ann@example.test").await, shop.sell_to("bob@example.test").await);
    let faults = Faults::of([Fault::AnyQuestion(first.order_id.uuid())]);
    let hub = shop.app.process_over(7, |fakes| fakes, faults.over()).await;
    shop.app.clock.set(shop.again(&second).await.next_action_at.unwrap());
    let pass = async || {
        hub.sweep_subscriptions().await.unwrap();
    };
    pass().await;
    assert_eq!((shop.again(&first).await.cycle, shop.again(&second).await.cycle), (1, 2));
    for _ in 0..24 * 60 {
        shop.app.clock.advance(SignedDuration::from_secs(60));
        if shop.alerts().await.is_empty() {
            pass().await;
        }
    }
    assert_eq!(shop.alerts().await, ["work_stuck"]);
    assert_eq!(faults.struck(), 5, "with growing waits between them");
    faults.heal();
    // A person changes something: it need not wait any longer.
    let stored = shop.again(&first).await;
    let touched = storage::Transaction::new("touch").with(storage::subscriptions::update(&stored, None));
    hub.store().commit(touched).await.unwrap();
    settle(&hub).await;
    assert_eq!(shop.again(&first).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r137_a_report_that_fails_each_time_starves_none_that_come_after_it(#[case] on: On) {
    let app = TestHub::new(on).await;
    let (id, gateway) = app.gateway(1, "first").await;
    let (salvage_id, salvage) = app.salvage(2, "salvage").await;
    app.campaign(domain::configuration::Target::Gateway(id)).await;
    let mut open = Vec::new();
    for who in ["ann", "bob"] {
        gateway.script([SOFT]);
        salvage.script([Act::Pend]);
        let view = app.import(of(who)).await;
        let rerun = Rerun { gateway: Some(salvage_id), ..Rerun::default() };
        let answer = app.hub.rerun_order(app.merchant, view.order.id, &rerun, "ann").await.unwrap();
        let RerunAnswer::Attempted { attempt, .. } = answer else { panic!("{answer:?}") };
        open.push((view, attempt));
    }
    let faults = Faults::of([Fault::Question("find_attempt", open[0].1.id.uuid())]);
    let hub = Arc::new(app.process_over(7, |fakes| fakes, faults.over()).await);
    for (at, (_, attempt)) in open.iter().enumerate() {
        salvage.end(&attempt.id.base32(), &Ending::Completed);
        let raw = salvage.report(ReportKind::Completed, &attempt.id.base32(), app.hub.minter().now());
        let received = hub.receive_report(salvage_id, raw.headers, raw.host, raw.body).await;
        assert_eq!(received.is_err(), at == 0);
    }
    let status = async |at: usize| app.fresh(&open[at].0).await.order.status;
    assert_eq!((status(0).await, status(1).await), (OrderStatus::Declined, OrderStatus::Complete));
    // The first was kept before it failed: it comes again, and again, and then somebody is told.
    for _ in 0..24 * 12 {
        app.clock.advance(SignedDuration::from_secs(300));
        hub.sweep_reports(app.hub.minter().now()).await.unwrap();
    }
    assert_eq!(app.alert_kinds().await, ["report_waits"]);
    assert!((7..=13).contains(&faults.struck()), "{} times in a day", faults.struck());
    faults.heal();
    app.clock.advance(SignedDuration::from_secs(22_000));
    hub.sweep_reports(app.hub.minter().now()).await.unwrap();
    let kept = app.hub.store().list_inbound_reports(app.merchant, None, None, 9).await.unwrap();
    assert!(kept.iter().all(|report| report.state == ReportState::Applied), "{kept:?}");
    assert_eq!(status(0).await, OrderStatus::Complete);
    app.pass(0).await;
    app.end().await;
}
