//! What people do while a gateway is asked, and instead of it.

use domain::configuration::{Algorithm, GatewayProfile, Member, Target};
use domain::order::OrderStatus;
use gateways::fake::Act;
use recoup_hub::{Change, ImportAnswer, Verdict};
use rstest::rstest;
use storage::testing::On;

use crate::support::{HARD, SOFT, TestHub, member, tea};
use crate::{kept, one_gateway, with_salvage};

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
async fn m16_cancelling_tells_that_the_gateway_refused_the_refund(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    gateway.script_operations([Act::Decline("300", "Refund amount may not exceed the balance")]);
    let cancelled = app.hub.cancel_order(app.merchant, view.order.id, "customer called", "ann").await;
    let words = cancelled.unwrap_err().to_string();
    assert!(words.contains("refused the refund: Refund amount may not exceed"), "{words}");
    assert_eq!((app.fresh(&view).await.order.status, kept(&gateway)), (OrderStatus::Complete, 2_999));
    app.hub.cancel_order(app.merchant, view.order.id, "customer called", "ann").await.unwrap();
    assert_eq!(kept(&gateway), 0);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_after_a_cancellation_the_same_sale_may_come_again_at_once(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let first = app.import(tea()).await;
    app.hub.cancel_order(app.merchant, first.order.id, "customer called", "ann").await.unwrap();
    let second = app.import(tea()).await;
    assert_ne!(second.order.id, first.order.id);
    assert_eq!((second.order.status, kept(&gateway)), (OrderStatus::Complete, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_its_profile_disabled_raises_one_alert(#[case] on: On) {
    let app = TestHub::new(on).await;
    let (a, first) = app.gateway(1, "first").await;
    let (b, second) = app.gateway(2, "second").await;
    let profile: domain::ids::GatewayProfileId = app.hub.minter().mint();
    app.change(vec![Change::GatewayProfile(GatewayProfile {
        id: profile,
        number: 1,
        title: "Main".to_owned(),
        algorithm: Algorithm::PriorityQueue,
        members: vec![Member { max_total_declines: Some(2), ..member(a) }, member(b)],
        cascade: None,
    })])
    .await;
    app.campaign(Target::Profile(profile)).await;
    let alerts = async || {
        let open = app.hub.store().list_open_alerts(app.merchant, 10).await.unwrap();
        open.into_iter().map(|alert| (alert.kind, alert.words)).collect::<Vec<_>>()
    };
    first.script(std::iter::repeat_n(HARD, 9));
    app.import(tea()).await;
    assert_eq!(alerts().await, []);
    // Two sales are under way when the limit is reached: both decline, and that is told once.
    let gate = first.hold_answers();
    let importing = ["ann", "bob"].map(|name| {
        let (hub, merchant, mut import) = (app.hub.clone(), app.merchant, tea());
        import.contact.email = format!("{name}@example.test");
        tokio::spawn(async move { hub.import(merchant, import).await.unwrap() })
    });
    for _ in 0..2 {
        gate.arrived().await;
    }
    gate.open();
    for import in importing {
        import.await.unwrap();
    }
    app.import(tea()).await;
    let told = alerts().await;
    assert_eq!(told.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["profile_member_disabled"]);
    assert!(told[0].1.contains("Gateway 1 (first)") && told[0].1.contains("profile 1 (Main)"), "{told:?}");
    assert_eq!((first.requests().len(), kept(&second)), (3, 2_999));
    app.end().await;
}
