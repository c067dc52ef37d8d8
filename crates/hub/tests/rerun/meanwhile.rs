//! What happens while a rerun is under way: a second one, an import, a cancellation, another purchase (R120, M17, M24).

use std::sync::Arc;

use domain::attempt::AttemptState;
use domain::order::OrderStatus;
use gateways::OperationKind;
use gateways::fake::{Act, Ending};
use recoup_hub::{ImportAnswer, RerunAnswer, SkipKind};
use rstest::rstest;
use storage::testing::On;

use crate::support::{SOFT, tea};
use crate::{Shop, kept};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r120_of_two_reruns_at_once_one_is_sent_and_the_other_is_told(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let gate = shop.salvage.1.hold_answers();
    shop.salvage.1.script([Act::Pend]);
    let other = shop.app.another_process(99).await;
    let rerun = Arc::new(shop.at_salvage());
    let start = |hub: recoup_hub::Hub| {
        let (merchant, id, rerun) = (shop.app.merchant, view.order.id, Arc::clone(&rerun));
        tokio::spawn(async move { hub.rerun_order(merchant, id, &rerun, "ann").await.unwrap() })
    };
    let tasks =
        [start(shop.app.hub.clone()), start(other.clone()), start(shop.app.hub.clone()), start(other)];
    gate.arrived().await;
    gate.open();
    let (mut sent, mut open) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            RerunAnswer::Attempted { .. } => sent += 1,
            RerunAnswer::Skipped(skip) => {
                assert_eq!(skip.kind, SkipKind::AttemptOpen, "{}", skip.words);
                open += 1;
            }
        }
    }
    assert_eq!((sent, open, shop.salvage.1.requests().len()), (1, 3, 1));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r120_an_order_with_an_open_salvage_is_neither_rerun_nor_charged_by_another_route(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.open(&view).await;
    for rerun in [shop.at_salvage(), Shop::at_own()] {
        assert_eq!(shop.skipped(&view, &rerun).await.kind, SkipKind::AttemptOpen);
    }
    let mut again = tea();
    again.order_id = Some(view.order.id);
    let answer = shop.app.hub.import(shop.app.merchant, again).await.unwrap();
    if let ImportAnswer::Order(order) = &answer {
        assert_ne!(order.order.status, OrderStatus::Complete);
    }
    assert_eq!((shop.first.1.requests().len(), shop.salvage.1.requests().len()), (1, 1), "{answer:?}");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_an_order_cancelled_while_its_gateway_is_asked_is_given_back(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let gate = shop.first.1.hold_answers();
    let (hub, merchant, id) = (shop.app.hub.clone(), shop.app.merchant, view.order.id);
    let task = tokio::spawn(async move { hub.rerun_order(merchant, id, &Shop::at_own(), "ann").await });
    gate.arrived().await;
    shop.app.hub.cancel_order(merchant, id, "", "bob").await.unwrap();
    gate.open();
    task.await.unwrap().unwrap();
    shop.app.pass(200).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.order.status, kept(&shop.first.1)), (OrderStatus::Cancelled, 0));
    assert_eq!(shop.first.1.operated().len(), 1);
    assert_eq!((shop.alerts().await, shop.fulfilments(&view).await), (vec!["late_approval".to_owned()], 0));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_salvage_that_is_approved_after_the_cancellation_is_given_back(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (_, attempt) = shop.open(&view).await;
    shop.salvage.1.end(&attempt.id.base32(), &Ending::Completed);
    shop.app.hub.cancel_order(shop.app.merchant, view.order.id, "", "bob").await.unwrap();
    shop.app.pass(86_400).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.order.status, kept(&shop.salvage.1)), (OrderStatus::Cancelled, 0));
    assert_eq!(shop.salvage.1.operated(), [(OperationKind::Refund, "fake-1".to_owned(), 2_999)]);
    assert_eq!(shop.events(&view).await, ["decline"]);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m24_an_older_salvage_is_cancelled_when_the_customer_has_bought_again(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.open(&view).await;
    let bought = shop.app.import(tea()).await;
    assert_eq!(bought.order.status, OrderStatus::Complete);
    shop.app.hub.cancel_older_salvages(&bought.order).await.unwrap();
    while !shop.app.sweep().await.is_idle() {}
    let fresh = shop.app.fresh(&view).await;
    assert!(matches!(fresh.attempts[1].state, AttemptState::NotExecuted { .. }), "{:?}", fresh.attempts[1]);
    assert_eq!((fresh.order.status, fresh.salvage_status()), (OrderStatus::Declined, "none"));
    assert_eq!(shop.salvage.1.fenced().len(), 1);
    assert_eq!(shop.events(&view).await, ["decline"], "we asked for it: that is no failure");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m24_what_the_salvage_gateway_took_before_it_could_stop_is_given_back(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (_, attempt) = shop.open(&view).await;
    let bought = shop.app.import(tea()).await;
    shop.salvage.1.end(&attempt.id.base32(), &Ending::Completed);
    shop.app.hub.cancel_older_salvages(&bought.order).await.unwrap();
    while !shop.app.sweep().await.is_idle() {}
    assert_eq!((kept(&shop.salvage.1), kept(&shop.first.1)), (0, 2_999), "one tea is paid");
    assert_eq!(shop.app.fresh(&view).await.order.status, OrderStatus::Declined);
    assert_eq!(shop.alerts().await, ["late_approval"]);
    shop.app.end().await;
}
