//! Answers that are lost.

use domain::doubt::FenceAnswer;
use gateways::fake::Act;
use rstest::rstest;
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::cascades::{SOFT, app as cascading};
use crate::form::{Form, sale};

async fn app(on: On) -> TestApp {
    TestApp::new(on).await.with_gateways(&[1]).await.with_cascade_all(9).await.with_campaign().await
}

/// An import whose answer is lost, at a gateway that cannot be asked: the order's id.
async fn in_doubt(app: &TestApp, act: Act, form: &Form) -> String {
    app.fake(1).set_unreachable(true);
    app.script(1, [act]);
    let order = success(&app.import(form).await);
    assert_eq!(
        (order["orderStatus"].as_str(), order["paymentStatus"].as_str()),
        (Some("PENDING"), Some("IN_DOUBT"))
    );
    let id = order["orderId"].as_str().unwrap().to_owned();
    let stored = app.order(&id).await;
    assert_eq!(stored["fulfillments"].as_array().unwrap().len(), 0);
    assert_eq!(app.transactions(&id).await, [(1, "PENDING".to_owned())]);
    assert!(app.events(&id).await.is_empty());
    // Sent again, with its id or without, it is the same order and nothing is charged (M3).
    for again in [form.clone(), form.clone().with("orderId", &id)] {
        let order = success(&app.import(&again).await);
        assert_eq!(
            (order["orderId"].as_str(), order["orderStatus"].as_str()),
            (Some(id.as_str()), Some("PENDING"))
        );
    }
    assert_eq!((app.asked(1), app.asked(9)), (1, 0));
    id
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m2_what_the_gateway_can_confirm_within_the_call_is_settled_in_it(#[case] on: On) {
    let app = app(on).await;
    app.script(1, [Act::LoseAfter]);
    let order = app.approved(&sale()).await;
    assert_eq!(order["paymentStatus"], "PAID");
    assert_eq!((app.asked(1), app.taken(1), app.asked(9)), (1, 3_499, 0));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m2_m3_an_import_in_doubt_is_pending_and_completes_once_when_it_proves_approved(#[case] on: On) {
    let app = app(on).await;
    let id = in_doubt(&app, Act::LoseAfter, &sale()).await;
    app.fake(1).set_unreachable(false);
    app.work_after(120).await;
    app.work_after(3_600).await;
    let order = app.order(&id).await;
    assert_eq!(
        (order["orderStatus"].as_str(), order["paymentStatus"].as_str()),
        (Some("COMPLETE"), Some("PAID"))
    );
    assert_eq!(order["fulfillments"].as_array().unwrap().len(), 1);
    assert_eq!(app.events(&id).await, ["new_sale"]);
    assert_eq!(app.asked(1), 1);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m2_what_was_never_received_is_declined_without_a_cascade_and_can_come_again(#[case] on: On) {
    let app = app(on).await;
    let id = in_doubt(&app, Act::LoseBefore, &sale()).await;
    app.fake(1).set_unreachable(false);
    app.work_after(1_700).await;
    assert_eq!(app.order(&id).await["orderStatus"], "PENDING");
    app.work_after(2_000).await;
    assert_eq!(app.order(&id).await["orderStatus"], "DECLINED");
    assert_eq!((app.events(&id).await, app.asked(9)), (vec!["decline".to_owned()], 0));
    let order = app.approved(&sale().with("orderId", &id)).await;
    assert_eq!((order["orderId"].as_str(), app.taken(1)), (Some(id.as_str()), 3_499));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m2_an_order_cancelled_in_doubt_is_voided_when_it_proves_approved(#[case] on: On) {
    let app = app(on).await;
    let id = in_doubt(&app, Act::LoseAfter, &sale()).await;
    app.hub.cancel_order(app.merchant_id, id.parse().unwrap(), "by phone", "a test").await.unwrap();
    app.fake(1).set_unreachable(false);
    app.work_after(120).await;
    app.work_after(3_600).await;
    assert_eq!(app.order(&id).await["orderStatus"], "CANCELLED");
    assert_eq!(app.taken(1), 0);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m8_a_lost_answer_of_the_salvage_gateway_declines_now_and_bars_another_attempt(#[case] on: On) {
    let app = cascading(on, &[9]).await;
    app.script(1, [SOFT]);
    app.script(9, [Act::LoseBefore]);
    app.fake(9).script_fences([FenceAnswer::Unknown, FenceAnswer::Unknown]);
    let (id, text) = app.declined(&sale()).await;
    assert_eq!(text, "Do not honor");
    let order = app.order(&id).await;
    assert_eq!(
        (order["orderStatus"].as_str(), order["salvageStatus"].as_str()),
        (Some("DECLINED"), Some("IN_DOUBT"))
    );
    let refusal = error(&app.import(&sale().with("orderId", &id)).await);
    assert!(refusal.contains("still in doubt"), "{refusal}");

    app.work_after(120).await;
    assert_eq!(app.order(&id).await["salvageStatus"], "IN_DOUBT");
    app.work_after(1_900).await;
    assert_eq!(app.order(&id).await["salvageStatus"], "NONE");
    assert_eq!(app.asked(1), 1);
    app.approved(&sale().with("orderId", &id)).await;
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m8_what_the_salvage_gateway_took_after_all_is_given_back(#[case] on: On) {
    let app = cascading(on, &[9]).await;
    app.script(1, [SOFT]);
    app.script(9, [Act::LoseAfter]);
    app.fake(9).set_unreachable(true);
    let (id, _) = app.declined(&sale()).await;
    assert_eq!(app.taken(9), 3_499);
    app.fake(9).set_unreachable(false);
    app.work_after(120).await;
    app.work_after(3_600).await;
    assert_eq!((app.taken(9), app.order(&id).await["orderStatus"].as_str()), (0, Some("DECLINED")));
    assert!(app.alerts().await.contains(&"late_approval".to_owned()));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m9_a_hold_in_a_cascade_is_captured_at_once_or_given_up(#[case] on: On) {
    let app = cascading(on, &[9]).await;
    app.script(1, [SOFT, SOFT]);
    app.script(9, [Act::Hold, Act::Hold]);
    let order = app.approved(&sale()).await;
    assert_eq!((order["items"][0]["merchantId"].as_i64(), app.taken(9)), (Some(9), 3_499));
    app.fake(9).script_operations([Act::Decline("1", "No capture")]);
    app.declined(&sale().with("emailAddress", "second@example.com")).await;
    assert_eq!(app.taken(9), 3_499);
    app.ends_well().await;
}
