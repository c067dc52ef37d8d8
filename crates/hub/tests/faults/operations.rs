//! Captures, voids and refunds: once, within what was taken, and asked about when their answer is lost.

use domain::configuration::Target;
use domain::order::OrderStatus;
use gateways::OperationKind;
use gateways::fake::Act;
use recoup_hub::Change;
use rstest::rstest;
use storage::testing::On;

use crate::support::{TestHub, tea};
use crate::{kept, one_gateway};

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
