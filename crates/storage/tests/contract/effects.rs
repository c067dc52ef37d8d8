//! What follows from a sale happens once: events, fulfilments; and is told in order: the timeline.

use domain::ids::MerchantId;
use domain::order::FulfilmentState;
use recoup_storage::fulfilments::Fulfilment;
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, events, fulfilments, timeline};
use rstest::rstest;

use crate::samples::{assert_conflict, at, event, fulfilment, id, write};

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(5_001);
    told(store, ours).await;
    shipped(store, ours).await;
    history(store, ours).await;
}

async fn told(store: &Store, ours: MerchantId) {
    let sale = event(ours, 2, "new_sale", id(1));
    let refund = event(ours, 1, "refund", id(1));
    write(store, events::insert(&sale)).await.unwrap();
    let again = events::Event { id: id(3), ..sale.clone() };
    assert_conflict(write(store, events::insert(&again)).await, "insert_event");
    write(store, events::insert(&refund)).await.unwrap();
    write(store, events::insert(&event(id(5_002), 2, "new_sale", id(1)))).await.unwrap();
    let stored = store.list_events_of_order(ours, id(1)).await.unwrap();
    assert_eq!(stored, [refund, sale.clone()]);
    assert_eq!(sale.subject_id, events::Event::subject(sale.order_id));
}

async fn shipped(store: &Store, ours: MerchantId) {
    let first = fulfilment(ours, 9, 1);
    write(store, fulfilments::insert(&first)).await.unwrap();
    let again = Fulfilment { id: id(10), ..first.clone() };
    assert_conflict(write(store, fulfilments::insert(&again)).await, "insert_fulfilment");
    let list = async || store.list_fulfilments_of_order(ours, id(1)).await.unwrap();
    assert_eq!(list().await, std::slice::from_ref(&first));
    for _ in 0..2 {
        write(store, fulfilments::cancel_of_payment(ours, id(404), at(8))).await.unwrap();
        write(store, fulfilments::cancel_all(ours, id(1), at(9))).await.unwrap();
        assert_eq!(list().await, [Fulfilment { state: FulfilmentState::Cancelled, ..first.clone() }]);
    }
}

async fn history(store: &Store, ours: MerchantId) {
    let line = |number, secs, words: &str| timeline::Line {
        merchant_id: ours,
        id: id(number),
        order_id: id(1),
        at: at(secs),
        words: words.into(),
    };
    let lines = [line(3, 5, "“Zuerst”"), line(1, 6, "it's next"), line(2, 6, "last")];
    for place in [2, 0, 1] {
        write(store, timeline::insert(&lines[place])).await.unwrap();
    }
    assert_eq!(store.list_timeline_of_order(ours, id(1)).await.unwrap(), lines);
    assert_eq!(store.list_timeline_of_order(id(5_002), id(1)).await.unwrap(), []);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn events_and_fulfilments_happen_once_and_the_timeline_is_in_order(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
