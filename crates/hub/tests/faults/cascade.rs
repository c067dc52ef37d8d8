//! Declines that go on to another gateway inside the checkout, and cascades whose answer is lost.

use domain::attempt::{AttemptState, LapseCause, Route};
use domain::doubt::FenceAnswer;
use domain::order::OrderStatus;
use gateways::OperationKind;
use gateways::fake::Act;
use recoup_hub::ImportAnswer;
use rstest::rstest;
use storage::testing::On;

use crate::support::{HARD, SOFT, tea};
use crate::{kept, routes, with_salvage};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r59_r61_a_soft_decline_is_recovered_by_a_cascade_in_the_same_call(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!(routes(&view), [Route::First, Route::Cascade]);
    assert_eq!((kept(&gateway), kept(&salvage)), (0, 2_999));
    let request = &salvage.requests()[0];
    let salvaged = request.salvaged.clone().unwrap();
    assert_eq!(salvaged.attempt, view.attempts[0].id.base32());
    assert_eq!(
        request.card.security_code.as_ref().map(|code| code.expose().to_owned()),
        Some("999".to_owned())
    );
    assert_eq!(app.fresh(&view).await.attempts, view.attempts);
    let fulfilments = app.hub.store().list_fulfilments_of_order(app.merchant, view.order.id).await.unwrap();
    assert_eq!(fulfilments.len(), 1);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r52_a_hard_decline_never_cascades(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([HARD]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(salvage.requests().len(), 0);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_a_lost_cascade_answer_declines_the_order_and_a_late_approval_is_given_back(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::LoseAfter]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(view.salvage_status(), "in_doubt");
    assert_eq!(view.decline_text(), "Do not honor", "the buyer reads the first decline (M6)");
    app.pass(80).await;
    let fresh = app.fresh(&view).await;
    assert_eq!(fresh.order.status, OrderStatus::Declined);
    assert_eq!(fresh.salvage_status(), "none");
    assert_eq!(salvage.operated(), [(OperationKind::Refund, "fake-1".to_owned(), 2_999)]);
    assert_eq!(kept(&salvage), 0);
    let alerts = app.hub.store().list_open_alerts(app.merchant, 10).await.unwrap();
    assert_eq!(alerts.iter().map(|alert| alert.kind.as_str()).collect::<Vec<_>>(), ["late_approval"]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_a_lost_cascade_that_never_arrived_is_fenced(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::LoseBefore]);
    salvage.script_fences([FenceAnswer::Unknown, FenceAnswer::Unknown]);
    let view = app.import(tea()).await;
    app.pass(80).await;
    assert_eq!(app.fresh(&view).await.salvage_status(), "in_doubt", "one unknown proves nothing");
    app.pass(1_800).await;
    let fresh = app.fresh(&view).await;
    assert!(matches!(
        &fresh.attempts[1].state,
        AttemptState::NotExecuted { lapse, .. } if lapse.cause == LapseCause::Fenced
    ));
    assert_eq!(fresh.payment_status(), "declined");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m8_while_the_cascade_is_in_doubt_the_order_cannot_be_charged_again(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::LoseAfter]);
    salvage.set_unreachable(true);
    let view = app.import(tea()).await;
    let mut again = tea();
    again.order_id = Some(view.order.id);
    let answer = app.hub.import(app.merchant, again.clone()).await.unwrap();
    assert!(matches!(answer, ImportAnswer::Refused(_)), "{answer:?}");
    assert_eq!(gateway.requests().len(), 1);
    salvage.set_unreachable(false);
    app.pass(80).await;
    let view = app.import(again).await;
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!((kept(&gateway), kept(&salvage)), (2_999, 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m9_money_held_by_a_cascade_is_captured_at_once(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::Hold]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!(salvage.operated(), [(OperationKind::Capture, "fake-1".to_owned(), 2_999)]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m9_a_hold_that_cannot_be_captured_is_cancelled_and_declined(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::Hold]);
    salvage.script_operations([Act::Decline("1", "amount differs")]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(kept(&salvage), 0);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m11_a_salvage_that_was_not_sent_ends_the_cascade_declined_with_an_alert(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    salvage.script([Act::FailBefore]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(view.decline_text(), "Do not honor");
    let alerts = app.hub.store().list_open_alerts(app.merchant, 10).await.unwrap();
    assert_eq!(alerts.iter().map(|alert| alert.kind.as_str()).collect::<Vec<_>>(), ["gateway_unusable"]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_cascade_obeys_the_hard_cap_of_the_cards_budget(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script(std::iter::repeat_n(SOFT, 20));
    salvage.script(std::iter::repeat_n(SOFT, 20));
    for _ in 0..7 {
        app.import(tea()).await;
    }
    assert_eq!((gateway.requests().len(), salvage.requests().len()), (7, 7));
    let last = app.import(tea()).await;
    assert_eq!((gateway.requests().len(), salvage.requests().len()), (8, 7), "the 15th attempt is the last");
    assert!(last.order.cascade_note.contains("the cap is 15"), "{}", last.order.cascade_note);
    app.import(tea()).await;
    assert_eq!(gateway.requests().len(), 9, "caps never refuse an order's first charge");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_stolen_card_is_not_handed_to_a_salvage_gateway_whatever_a_later_decline_says(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([HARD, SOFT]);
    app.import(tea()).await;
    let mut other = tea();
    other.contact.email = "bob@example.test".to_owned();
    let last = app.import(other).await;
    assert_eq!((gateway.requests().len(), salvage.requests().len()), (2, 0));
    assert!(last.order.cascade_note.contains("locked (lost_or_stolen_card)"), "{}", last.order.cascade_note);
    app.end().await;
}
