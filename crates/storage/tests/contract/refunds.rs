//! What is given back never exceeds what was taken, whoever races.

use domain::ids::MerchantId;
use recoup_storage::operations::{self, LIVE_OPERATION_EXISTS, MORE_THAN_TAKEN, Settled};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, StoreError};
use rstest::rstest;

use crate::samples::{approved, at, attempt, id, refund, settled, write_all};

/// Sixteen refunds of an attempt of 10,000 cents at once; the steps in which some met a conflict.
async fn race(store: &Store, steps: impl Fn(u128) -> Vec<Step>) -> Vec<&'static str> {
    let racing: Vec<_> = (1..=16)
        .map(|number| {
            let (store, steps) = (store.clone(), steps(number));
            tokio::spawn(async move { write_all(&store, steps).await })
        })
        .collect();
    let mut lost = Vec::new();
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => {}
            Err(StoreError::Conflict { step }) => lost.push(step),
            Err(error) => panic!("{error:?}"),
        }
    }
    lost
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_of_sixteen_racing_refunds_one_is_made_while_it_is_live(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let ours: MerchantId = id(1);
    settled(&store, &attempt(ours, 1, 1), &approved()).await;
    let lost = race(&store, |number| operations::insert(&refund(ours, number, 1, 6_000), at(40))).await;
    assert_eq!(lost, [LIVE_OPERATION_EXISTS; 15]);
    assert_eq!(store.list_operations_of_order(ours, id(1)).await.unwrap().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_racing_refunds_that_end_at_once_stay_within_what_was_taken(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let ours: MerchantId = id(1);
    for (taken, minor, fit) in [(1, 6_000, 1), (2, 3_000, 3), (3, 10_000, 1), (4, 625, 16)] {
        settled(&store, &attempt(ours, taken, taken), &approved()).await;
        let done = Settled { state: "done", gateway_reference: None, code: None, text: None };
        let lost = race(&store, |number| {
            let one = refund(ours, taken * 100 + number, taken, minor);
            let mut steps = operations::insert(&one, at(40));
            steps.push(operations::settle(ours, one.id, &done, at(11), None));
            steps
        });
        assert_eq!(lost.await, vec![MORE_THAN_TAKEN; 16 - fit]);
        let kept = store.list_operations_of_order(ours, id(taken)).await.unwrap();
        assert_eq!(kept.len(), fit);
    }
}
