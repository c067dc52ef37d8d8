//! A declined sale that was collected after all is not charged again before that is decided (M17).

use domain::order::OrderStatus;
use gateways::ReportKind;
use gateways::fake::Ending;
use recoup_hub::{Import, ImportAnswer};
use rstest::rstest;
use storage::late_approvals::LateState;
use storage::testing::On;

use crate::Stage;
use crate::support::tea;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_declined_order_is_not_charged_again_while_its_late_approval_is_undecided(#[case] on: On) {
    let stage = Stage::new(on).await;
    let attempt = stage.open().await;
    stage.salvage.end(&attempt.id.base32(), &Ending::Completed);
    stage.give_up(&attempt).await;
    stage.report(ReportKind::Completed, attempt.id).await;
    let late = async || {
        let store = stage.app.hub.store();
        store.find_late_approval(stage.app.merchant, attempt.id).await.unwrap().unwrap().state
    };
    assert_eq!(late().await, LateState::Waiting);
    let again = || Import { order_id: Some(stage.order.order.id), ..tea() };
    let (before, requests) = (stage.fresh().await, stage.main.requests().len());
    match stage.app.hub.import(stage.app.merchant, again()).await.unwrap() {
        ImportAnswer::Refused(problems) => {
            assert_eq!(problems[0].field, "orderId");
            assert!(problems[0].message.contains("approved late"), "{problems:?}");
        }
        ImportAnswer::Order(view) => panic!("charged again: {view:?}"),
    }
    assert_eq!((stage.main.requests().len(), stage.fresh().await), (requests, before));
    stage.sweep_after(24 * 3_600).await;
    assert_eq!((late().await, stage.taken()), (LateState::GivenBack, 0));
    assert_eq!(stage.app.import(again()).await.order.status, OrderStatus::Complete);
    stage.end().await;
}
