//! Lost answers, crashes and people: nothing is charged twice, nothing stays unknown without being worked on.
#![cfg(test)]

mod support;

use std::sync::Arc;

use domain::attempt::{AttemptState, LapseCause, Route};
use domain::configuration::Target;
use domain::doubt::FenceAnswer;
use domain::order::OrderStatus;
use gateways::OperationKind;
use gateways::fake::{Act, FakeGateway};
use recoup_hub::{Change, ImportAnswer, Lead, LeadAnswer, OrderView, Verdict};
use rstest::rstest;
use storage::testing::On;
use support::{HARD, SOFT, TestHub, tea};

/// Minor units that the gateway took and kept.
fn kept(gateway: &FakeGateway) -> i64 {
    gateway.booked().iter().map(|one| one.minor).sum()
}

async fn one_gateway(on: On) -> (TestHub, Arc<FakeGateway>) {
    let app = TestHub::new(on).await;
    let (id, gateway) = app.gateway(1, "first").await;
    app.campaign(Target::Gateway(id)).await;
    (app, gateway)
}

/// An ordinary gateway whose soft declines go to a salvage gateway.
async fn with_salvage(on: On) -> (TestHub, Arc<FakeGateway>, Arc<FakeGateway>) {
    let app = TestHub::new(on).await;
    let (id, gateway) = app.gateway(1, "first").await;
    let (salvage_id, salvage) = app.salvage(2, "salvage").await;
    let cascade = app.cascade(1, &[salvage_id], 1).await;
    app.edit_gateway(id, |gateway| gateway.direct_cascade = Some(cascade)).await;
    app.campaign(Target::Gateway(id)).await;
    (app, gateway, salvage)
}

fn routes(view: &OrderView) -> Vec<Route> {
    view.attempts.iter().map(|attempt| attempt.route).collect()
}

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
async fn m4_a_request_that_never_left_is_repeated_once_then_goes_to_the_next_ordinary_gateway(
    #[case] on: On,
) {
    let app = TestHub::new(on).await;
    let (a, first) = app.gateway(1, "first").await;
    let (b, second) = app.gateway(2, "second").await;
    let profile = app.profile(1, &[a, b]).await;
    app.campaign(Target::Profile(profile)).await;
    first.script([Act::FailBefore, Act::FailBefore]);
    let view = app.import(tea()).await;
    assert_eq!(routes(&view), [Route::First, Route::Repeat, Route::NextGateway]);
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!((kept(&first), kept(&second)), (0, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m4_without_another_gateway_the_order_is_declined_and_never_goes_to_a_salvage_gateway(
    #[case] on: On,
) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([Act::FailBefore, Act::FailBefore]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(salvage.requests().len(), 0, "nothing was declined, so nothing is salvaged");
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
async fn m3_a_hundred_equal_imports_at_once_are_charged_once(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tasks.push(tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() }));
    }
    let mut ids = std::collections::BTreeSet::new();
    for task in tasks {
        match task.await.unwrap() {
            ImportAnswer::Order(view) => {
                assert_eq!(view.order.status, OrderStatus::Complete);
                ids.insert(view.order.id);
            }
            ImportAnswer::Refused(problems) => panic!("{problems:?}"),
        }
    }
    assert_eq!((ids.len(), gateway.requests().len(), kept(&gateway)), (1, 1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_the_same_sale_may_come_again_after_ten_minutes_or_a_decline(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([HARD]);
    let declined = app.import(tea()).await;
    let first = app.import(tea()).await;
    assert_ne!(declined.order.id, first.order.id);
    assert_eq!(app.import(tea()).await.order.id, first.order.id);
    app.pass(601).await;
    assert_ne!(app.import(tea()).await.order.id, first.order.id);
    assert_eq!(kept(&gateway), 2 * 2_999);
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
async fn m18_a_person_resolves_doubt_with_a_reference_and_a_note(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let view = app.import(tea()).await;
    let id = view.attempts[0].id;
    let resolve = |reference: &'static str, note: &'static str| {
        app.hub.resolve_attempt(app.merchant, id, Verdict::Approved, reference, note, "ann")
    };
    assert!(resolve("", "seen at the gateway").await.is_err(), "an approval needs the gateway's id");
    assert!(resolve("fake-1", " ").await.is_err(), "a note is required");
    resolve("fake-1", "seen at the gateway").await.unwrap();
    assert!(resolve("fake-1", "again").await.is_err(), "results settle once");
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Complete);
    let audit = app.hub.store().list_audit(app.merchant, 1).await.unwrap();
    assert_eq!((audit[0].actor.as_str(), audit[0].note.as_str()), ("ann", "seen at the gateway"));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m2_an_order_cancelled_while_in_doubt_is_given_back_when_it_proves_approved(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let view = app.import(tea()).await;
    app.hub.cancel_order(app.merchant, view.order.id, "customer called", "ann").await.unwrap();
    gateway.set_unreachable(false);
    app.pass(80).await;
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Cancelled);
    assert_eq!(kept(&gateway), 0);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_refunds_never_exceed_the_charge_and_a_lost_one_is_asked_about_not_repeated(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    let usd = |minor| Some(domain::Money::new(minor, domain::Currency::USD));
    let refund = |amount| app.hub.refund_order(app.merchant, view.order.id, amount, "", "ann");
    gateway.script_operations([Act::LoseAfter]);
    let lost = refund(usd(1_000)).await.unwrap();
    assert_eq!(lost.state, "in_doubt");
    assert!(refund(usd(500)).await.is_err(), "one live operation at a time");
    app.pass(70).await;
    assert_eq!(gateway.operated().len(), 1, "asked about, not repeated");
    assert!(refund(usd(2_000)).await.is_err(), "more than is left");
    assert_eq!(refund(None).await.unwrap().state, "done");
    assert_eq!(kept(&gateway), 0);
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Refunded);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_an_order_cancelled_while_the_gateway_is_asked_gets_its_money_back(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    let orders =
        app.hub.store().list_orders(app.merchant, &storage::orders::OrderFilter::default(), 1, 0).await;
    let id = orders.unwrap()[0].id;
    app.hub.cancel_order(app.merchant, id, "customer called", "ann").await.unwrap();
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert_eq!(view.order.status, OrderStatus::Cancelled);
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m1_a_charge_ends_although_the_caller_is_gone(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await })
    };
    gate.arrived().await;
    importing.abort();
    assert!(importing.await.unwrap_err().is_cancelled());
    gate.open();
    app.hub.drain().await;
    let orders =
        app.hub.store().list_orders(app.merchant, &storage::orders::OrderFilter::default(), 9, 0).await;
    let statuses: Vec<OrderStatus> = orders.unwrap().iter().map(|order| order.status).collect();
    assert_eq!((statuses, kept(&gateway)), (vec![OrderStatus::Complete], 2_999));
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
async fn m3_imports_of_one_lead_at_once_make_one_debt(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script(std::iter::repeat_n(HARD, 40));
    let lead = Lead { order_id: None, campaign_number: 1, contact: tea().contact, extra: Vec::new() };
    let LeadAnswer::Order(lead) = app.hub.import_lead(app.merchant, lead).await.unwrap() else {
        panic!("refused")
    };
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (hub, merchant, mut import) = (app.hub.clone(), app.merchant, tea());
        import.order_id = Some(lead.order.id);
        tasks.push(tokio::spawn(async move { hub.import(merchant, import).await.unwrap() }));
    }
    for task in tasks {
        let ImportAnswer::Order(view) = task.await.unwrap() else { panic!("refused") };
        assert_eq!(view.order.id, lead.order.id);
    }
    let view = app.fresh(&lead).await;
    assert_eq!((view.payments.len(), view.order.status), (1, OrderStatus::Declined));
    assert!(view.attempts.iter().all(|attempt| attempt.payment_id == view.payments[0].id));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_the_same_sale_is_not_charged_again_while_the_first_is_in_doubt_however_long(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let first = app.import(tea()).await;
    for _ in 0..3 {
        app.pass(700).await;
        assert_eq!(app.import(tea()).await.order.id, first.order.id);
    }
    gateway.set_unreachable(false);
    app.pass(3_600).await;
    assert_eq!(app.fresh(&first).await.order.status, OrderStatus::Complete);
    assert_eq!(app.import(tea()).await.order.id, first.order.id, "the window counts from the approval");
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_refund_that_never_left_is_sent_again_and_done_once(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::FailBefore, Act::FailBefore]);
    let refund = app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    assert_eq!(refund.state, "in_doubt");
    app.pass(70).await;
    app.pass(400).await;
    assert_eq!(gateway.operated().len(), 1);
    assert_eq!(app.fresh(&view).await.order.status, OrderStatus::Refunded);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m18_a_person_ends_a_refund_that_nobody_could_clear_up(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::LoseBefore]);
    gateway.set_unreachable(true);
    let refund = app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    let resolve = |done, note| app.hub.resolve_operation(app.merchant, refund.id, done, note, "ann");
    assert!(resolve(None, "too early").await.is_err(), "it is still worked on");
    for secs in [70, 400, 2_000, 8_000, 50_000] {
        app.pass(secs).await;
    }
    let alerts = app.hub.store().list_open_alerts(app.merchant, 10).await.unwrap();
    assert_eq!(alerts.iter().filter(|alert| alert.kind == "operation_needs_person").count(), 1);
    assert_eq!(resolve(None, "not there").await.unwrap().state, "not_executed");
    gateway.set_unreachable(false);
    let again = app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    assert_eq!((again.state.as_str(), kept(&gateway)), ("done", 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_void_that_comes_too_late_becomes_a_refund(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let view = app.import(tea()).await;
    app.hub.cancel_order(app.merchant, view.order.id, "customer called", "ann").await.unwrap();
    gateway.script_operations([Act::Decline("300", "Only transactions pending settlement can be voided")]);
    gateway.set_unreachable(false);
    app.pass(80).await;
    let kinds: Vec<OperationKind> = gateway.operated().iter().map(|(kind, ..)| *kind).collect();
    assert_eq!((kinds, kept(&gateway)), (vec![OperationKind::Refund], 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_while_it_is_declined_does_not_cascade(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([SOFT]);
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    let orders =
        app.hub.store().list_orders(app.merchant, &storage::orders::OrderFilter::default(), 1, 0).await;
    let id = orders.unwrap()[0].id;
    app.hub.cancel_order(app.merchant, id, "customer called", "ann").await.unwrap();
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert_eq!((view.order.status, salvage.requests().len()), (OrderStatus::Cancelled, 0));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m18_an_attempt_that_is_being_sent_cannot_be_resolved_by_hand(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    let orders =
        app.hub.store().list_orders(app.merchant, &storage::orders::OrderFilter::default(), 1, 0).await;
    let id = orders.unwrap()[0].id;
    let attempts = app.hub.store().list_attempts_of_order(app.merchant, id).await.unwrap();
    let early = app
        .hub
        .resolve_attempt(app.merchant, attempts[0].id, Verdict::NotExecuted, "", "impatient", "ann")
        .await;
    assert!(early.unwrap_err().to_string().contains("being sent"));
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert_eq!((view.order.status, kept(&gateway)), (OrderStatus::Complete, 2_999));
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
async fn m17_an_approval_after_a_person_settled_the_attempt_raises_an_alert_and_is_undone(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    let orders =
        app.hub.store().list_orders(app.merchant, &storage::orders::OrderFilter::default(), 1, 0).await;
    let id = orders.unwrap()[0].id;
    let attempts = app.hub.store().list_attempts_of_order(app.merchant, id).await.unwrap();
    app.clock.advance(jiff::SignedDuration::from_secs(300));
    let never = Verdict::NotExecuted;
    app.hub.resolve_attempt(app.merchant, attempts[0].id, never, "", "not there", "ann").await.unwrap();
    gate.open();
    let ImportAnswer::Order(view) = importing.await.unwrap() else { panic!("refused") };
    assert_eq!((view.order.status, kept(&gateway)), (OrderStatus::Declined, 0));
    let alerts = app.hub.store().list_open_alerts(app.merchant, 10).await.unwrap();
    assert_eq!(alerts.iter().map(|alert| alert.kind.as_str()).collect::<Vec<_>>(), ["late_approval"]);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r49_a_gateway_with_a_refund_in_doubt_cannot_be_deleted(#[case] on: On) {
    let app = TestHub::new(on).await;
    let (own, _) = app.gateway(1, "first").await;
    let (id, gateway) = app.gateway(2, "second").await;
    app.campaign(Target::Gateway(own)).await;
    let mut import = tea();
    import.force_gateway = Some(2);
    let view = app.import(import).await;
    gateway.script_operations([Act::LoseAfter]);
    app.hub.refund_order(app.merchant, view.order.id, None, "", "ann").await.unwrap();
    let delete = || app.hub.configure(app.merchant, vec![Change::DeleteGateway(id)], "ann", "");
    assert!(delete().await.unwrap_err().to_string().contains("still open"));
    app.pass(70).await;
    delete().await.unwrap();
    app.end().await;
}
