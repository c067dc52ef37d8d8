//! Lost answers, dead processes and two drivers: a managed recovery is charged once and never left alone.

use std::sync::Arc;

use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;
use uuid::Uuid;

use crate::app::{App, managed, with};

const SOFT: Act = Act::Decline("202", "Insufficient funds");

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_a_lost_answer_keeps_it_open_until_the_acquirer_is_asked(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    for (order, act, end) in [("a", Act::LoseAfter, "APPROVED"), ("b", Act::LoseBefore, "PROCESSING")] {
        app.acquirer(1).script([act]);
        let id = app.post("evaluate", &managed(order, 21)).await.text("orderId");
        app.sweep().await;
        assert_eq!(app.status_name(&id).await, "PROCESSING");
        for _ in 0..20 {
            app.pass(120);
            app.sweep().await;
        }
        assert_eq!(app.status_name(&id).await, end, "{order}");
    }
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (2, 1999));
    assert_eq!(receiver.kinds(), ["order.completed"]);
    // What had not been received is tried with the next step.
    app.live_days(1).await;
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (3, 2 * 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_an_approval_that_turns_up_after_the_end_is_voided(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    app.acquirer(1).script([Act::LoseAfter]);
    app.acquirer(1).set_unreachable(true);
    let soon = [("/expiryDateUtc", json!("2030-01-02T03:14:05Z"))];
    let id = app.post("evaluate", &with(managed("a", 1), &soon)).await.text("orderId");
    app.sweep().await;
    // The end is told a day late at most while nobody knows what the acquirer did; after that an approval is voided.
    app.pass(600);
    app.sweep().await;
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("PROCESSING".into(), 1999));
    app.live_days(2).await;
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("EXPIRED".into(), 1999));
    app.acquirer(1).set_unreachable(false);
    app.live_days(1).await;
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("EXPIRED".into(), 0));
    assert_eq!(receiver.kinds(), ["order.expired"]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m29_an_approval_that_is_cleared_up_soon_after_the_end_is_kept(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    app.acquirer(1).script([Act::LoseAfter]);
    app.acquirer(1).set_unreachable(true);
    let soon = [("/expiryDateUtc", json!("2030-01-02T03:14:05Z"))];
    let id = app.post("evaluate", &with(managed("a", 1), &soon)).await.text("orderId");
    app.sweep().await;
    app.pass(600);
    app.sweep().await;
    app.acquirer(1).set_unreachable(false);
    app.pass(7_200);
    app.sweep().await;
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("APPROVED".into(), 1999));
    app.live_days(2).await;
    assert_eq!(receiver.kinds(), ["order.completed"]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_process_that_dies_between_intent_and_outcome_is_taken_up_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.gate().shut_behind();
    let platform = Arc::clone(&app.platform);
    let dying = tokio::spawn(async move { platform.sweep().await });
    // The acquirer has charged; the process that asked never reads its answer.
    app.gate().arrival().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    assert_eq!(app.charged(1), 1999);
    app.sweep().await;
    assert_eq!(app.status_name(&id).await, "PROCESSING");
    app.pass(120);
    app.sweep().await;
    assert_eq!(app.status_name(&id).await, "APPROVED");
    app.gate().let_pass(1_000);
    app.live_days(22).await;
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (1, 1999));
    assert_eq!(receiver.kinds(), ["order.completed"]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_process_that_dies_before_its_intent_loses_its_lease_and_nothing_else(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.post("evaluate", &managed("a", 21)).await;
    let now = "2030-01-02T03:04:05Z".parse().unwrap();
    let until = "2030-01-02T03:14:05Z".parse().unwrap();
    let leased = app.store.acquire_due_recoveries(app.mid, now, until, Uuid::from_u128(1), 10).await.unwrap();
    assert_eq!(leased.len(), 1);
    app.sweep().await;
    assert_eq!(app.charged(1), 0, "somebody holds it");
    app.pass(600);
    app.sweep().await;
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (1, 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_drivers_make_each_step_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script(vec![SOFT; 10]);
    for number in 0..10 {
        let card = if number % 2 == 0 { "4111111111111111" } else { "4000002760003184" };
        let body = with(managed(&number.to_string(), 21), &[("/paymentMethod/cardNumber", json!(card))]);
        app.post("evaluate", &body).await;
    }
    for _ in 0..2 {
        let sweeps: Vec<_> = (0..4)
            .map(|_| {
                let platform = Arc::clone(&app.platform);
                tokio::spawn(async move { while !platform.sweep().await.unwrap().is_idle() {} })
            })
            .collect();
        for sweep in sweeps {
            sweep.await.unwrap();
        }
        app.pass(24 * 3_600);
    }
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (20, 10 * 1999));
    app.sweep().await;
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn attempts_may_be_cleared_up_by_a_process_that_never_steps(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    app.acquirer(1).script([Act::LoseAfter]);
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.platform.sweep().await.unwrap();
    app.pass(120);
    app.sweep_attempts().await;
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("APPROVED".into(), 1999));
    app.sweep().await;
    app.finish().await;
}
