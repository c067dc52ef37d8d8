//! Money that is held: captured by whoever has the attempt in hand, and by nobody when the sale has ended (M9, M16).

use charging::Driver;
use domain::attempt::{Attempt, AttemptState, Lapse, LapseCause, Outcome};
use domain::order::OrderStatus;
use gateways::OperationKind;
use gateways::fake::{Act, Ending, FakeGateway};
use jiff::SignedDuration;
use recoup_hub::{Rerun, RerunAnswer};
use rstest::rstest;
use storage::orders::OrderFilter;
use storage::testing::On;
use uuid::Uuid;

use crate::support::{SOFT, TestHub, tea};
use crate::{kept, with_salvage};

/// The attempt whose answer the salvage gateway holds back.
async fn being_sent(app: &TestHub) -> Attempt {
    let store = app.hub.store();
    let orders = store.list_orders(app.merchant, &OrderFilter::default(), 9, 0).await.unwrap();
    let attempts = store.list_attempts_of_order(app.merchant, orders[0].id).await.unwrap();
    let last = attempts.last().unwrap().clone();
    assert_eq!(last.state, AttemptState::Sending);
    last
}

fn done(gateway: &FakeGateway) -> Vec<OperationKind> {
    gateway.operated().into_iter().map(|(kind, ..)| kind).collect()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_hold_that_another_worker_has_in_hand_is_not_captured_here(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::Hold]);
    let gate = salvage.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    // The answer takes so long that another worker believes this process dead and leases the attempt.
    app.clock.advance(SignedDuration::from_secs(500));
    let (now, fence) = (app.hub.minter().now(), Uuid::from_u128(7));
    let until = now + SignedDuration::from_secs(100);
    let leased = app.hub.store().acquire_due_attempts(app.merchant, now, until, fence, 9).await.unwrap();
    assert_eq!(leased, [being_sent(&app).await]);
    gate.open();
    importing.await.unwrap();
    assert_eq!(done(&salvage), [], "neither captured nor cancelled by the one who has lost it");

    // The other one dies too; the next finds the hold and cancels it: the buyer was told no.
    app.pass(101).await;
    assert_eq!((done(&salvage), kept(&salvage)), (vec![OperationKind::Void], 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m9_a_hold_of_an_attempt_that_has_ended_meanwhile_is_cancelled(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::Hold]);
    let gate = salvage.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    let attempt = being_sent(&app).await;
    let lapse = Lapse {
        cause: LapseCause::NotReceived,
        reason: None,
        code: String::new(),
        text: "not there".to_owned(),
    };
    let (charging, aftermath) = (app.hub.charging(), app.hub.aftermath());
    let ended = Outcome::NotExecuted(lapse);
    charging.resolve_by_person(&attempt, ended, Vec::new(), aftermath.as_ref()).await.unwrap();
    gate.open();
    importing.await.unwrap();
    assert_eq!((done(&salvage), kept(&salvage)), (vec![OperationKind::Void], 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_hold_after_the_customer_cancelled_is_not_captured(#[case] on: On) {
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
    // It asks to be captured, and before anybody hears of it the customer cancels.
    salvage.end(&attempt.id.base32(), &Ending::CaptureRequired);
    app.hub.cancel_order(app.merchant, view.order.id, "customer called", "ann").await.unwrap();
    Driver::new(app.hub.charging().clone(), app.hub.aftermath()).sweep().await.unwrap();
    app.pass(700).await;
    assert_eq!((done(&salvage), kept(&salvage)), (vec![OperationKind::Void], 0));
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Cancelled);
    app.end().await;
}
