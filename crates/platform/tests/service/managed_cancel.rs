//! A cancel of a managed recovery is exact: once it is answered 200, nothing is taken any more.

use std::sync::Arc;

use gateways::fake::Act;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::{App, managed, with};

const SOFT: Act = Act::Decline("202", "Insufficient funds");

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_cancel_between_two_steps_ends_it_at_once(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    app.acquirer(1).script([SOFT, SOFT]);
    for (order, external) in [("a", true), ("b", false)] {
        let id = app.post("evaluate", &managed(order, 21)).await.text("orderId");
        app.sweep().await;
        let path =
            if external { format!("orders/{order}/external-cancel") } else { format!("orders/{id}/cancel") };
        for _ in 0..2 {
            let cancel = app.post(&path, &json!({})).await;
            assert_eq!((cancel.status, cancel.body.as_str()), (200, ""));
        }
        assert_eq!(app.status_name(&id).await, "CANCELLED");
        // The tombstone holds: the order is not taken again.
        let again = with(managed(order, 21), &[("/idempotencyKey", json!(format!("again {order}")))]);
        assert_eq!(app.post("evaluate", &again).await.text("status"), "DECLINED");
    }
    app.live_days(22).await;
    assert_eq!((app.acquirer(1).requests().len(), app.charged(1)), (2, 0));
    assert_eq!(receiver.kinds(), ["order.cancelled", "order.cancelled"]);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_cancel_before_the_first_step_keeps_it_from_being_charged(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    assert_eq!(app.post("orders/a/external-cancel", &json!({})).await.status, 200);
    app.live_days(1).await;
    assert_eq!((app.status_name(&id).await, app.acquirer(1).requests().len()), ("CANCELLED".into(), 0));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_cancel_during_a_step_is_not_final_until_the_step_has_ended(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    for (order, act) in [("a", Act::Approve), ("b", SOFT), ("c", Act::LoseAfter)] {
        app.acquirer(1).script([act]);
        let id = app.post("evaluate", &managed(order, 21)).await.text("orderId");
        app.gate().shut();
        let platform = Arc::clone(&app.platform);
        let step = tokio::spawn(async move { platform.sweep().await.unwrap() });
        app.gate().arrival().await;
        let path = format!("orders/{order}/external-cancel");
        let early = app.post(&path, &json!({})).await;
        assert_eq!(early.status, 409, "{early:?}");
        assert_eq!(app.post(&format!("orders/{id}/cancel"), &json!({})).await.status, 409);
        app.gate().let_pass(1_000);
        step.await.unwrap();
        app.live_days(1).await;
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
        assert_eq!(app.status_name(&id).await, "CANCELLED", "{order}");
        assert_eq!(app.charged(1), 0, "{order}");
    }
    app.live_days(22).await;
    assert_eq!(receiver.kinds(), ["order.cancelled"; 3]);
    assert_eq!(app.acquirer(1).requests().len(), 3);
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_cancel_after_the_approval_is_refused(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let id = app.post("evaluate", &managed("a", 21)).await.text("orderId");
    app.sweep().await;
    for path in [format!("orders/{id}/cancel"), "orders/a/external-cancel".to_owned()] {
        assert_eq!(app.post(&path, &json!({})).await.status, 400);
    }
    assert_eq!((app.status_name(&id).await, app.charged(1)), ("APPROVED".into(), 1999));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_cancels_and_steps_leave_either_a_sale_or_nothing(#[case] on: On) {
    let app = App::with_routes(on, 1).await;
    let receiver = app.receiver().await;
    for round in 0..12 {
        let order = format!("race-{round}");
        let id = app.post("evaluate", &managed(&order, 21)).await.text("orderId");
        let platform = Arc::clone(&app.platform);
        let step = tokio::spawn(async move { platform.sweep().await.unwrap() });
        let cancel = app.post(&format!("orders/{order}/external-cancel"), &json!({})).await;
        step.await.unwrap();
        app.live_days(1).await;
        let name = app.status_name(&id).await;
        match cancel.status {
            200 | 409 => assert_eq!(name, "CANCELLED"),
            400 => assert_eq!(name, "APPROVED"),
            other => panic!("{other}"),
        }
        let told = receiver.received();
        let ours: Vec<_> = told.iter().filter(|one| one.json()["OrderId"] == json!(id)).collect();
        assert_eq!(ours.len(), 1, "each end is told once");
    }
    let sold = receiver.kinds().iter().filter(|kind| *kind == "order.completed").count();
    assert_eq!(app.charged(1), i64::try_from(sold).unwrap() * 1999);
    app.finish().await;
}
