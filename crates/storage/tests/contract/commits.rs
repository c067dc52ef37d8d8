//! A transaction is kept whole or not at all, and one that fails harms no other.

use domain::ids::MerchantId;
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, StoreError, events, marks, merchants, orders, payments, timeline};
use rstest::rstest;

use crate::raw::Raw;
use crate::samples::{assert_conflict, at, event, id, order, payment, write, write_all};

fn ours() -> MerchantId {
    id(1)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_transaction_whose_last_step_conflicts_leaves_nothing_behind(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, merchants::insert(ours(), "Ours", at(0))).await.unwrap();
    let steps = [
        orders::insert(&order(ours(), 1), "guard"),
        payments::insert(&payment(ours(), 1), at(0)),
        merchants::raise_version(ours(), 0, "Changed"),
        events::insert(&event(ours(), 1, "new_sale", id(1))),
        merchants::check_version(ours(), 0),
    ];
    assert_conflict(write_all(&store, steps).await, "check_version");
    let raw = &mut Raw::open(database.location()).await;
    for table in ["orders", "payments", "events"] {
        assert_eq!(raw.count(table).await, 0, "{table}");
    }
    assert_eq!(store.list_merchants().await.unwrap()[0].title, "Ours");
}

/// A line of history, and at times something that cannot be kept.
async fn one(store: Store, number: u128) -> (u128, Result<(), StoreError>) {
    let line = |id_number| timeline::Line {
        merchant_id: ours(),
        id: id(id_number),
        order_id: id(1),
        at: at(1),
        words: "x".repeat(50),
    };
    let mut steps = vec![timeline::insert(&line(number))];
    if number.is_multiple_of(3) {
        steps.push(events::insert(&event(ours(), number, "new_sale", id(1))));
    }
    if number.is_multiple_of(5) {
        // The same primary key twice: no conflict that we foresee, but an error of the database.
        steps.push(timeline::insert(&line(number)));
    }
    (number, write_all(&store, steps).await)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_concurrent_transactions_the_failing_ones_harm_no_other(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, events::insert(&event(ours(), 1_000, "new_sale", id(1)))).await.unwrap();
    let racing: Vec<_> = (1..=200).map(|number| tokio::spawn(one(store.clone(), number))).collect();
    for task in racing {
        let (number, result) = task.await.unwrap();
        match (number % 3 == 0, number % 5 == 0) {
            (true, _) => assert_conflict(result, "insert_event"),
            (false, true) => assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}"),
            (false, false) => result.unwrap(),
        }
    }
    let mut kept: Vec<u128> = store
        .list_timeline_of_order(ours(), id(1))
        .await
        .unwrap()
        .iter()
        .map(|line| line.id.uuid().as_u128())
        .collect();
    kept.sort_unstable();
    let wanted: Vec<u128> = (1..=200).filter(|number| number % 3 != 0 && number % 5 != 0).collect();
    assert_eq!(kept, wanted);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_caller_gave_up_is_kept_whole_or_not_at_all(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for number in 1..=40 {
        let store = store.clone();
        let steps = [
            orders::insert(&order(ours(), number), "guard"),
            payments::insert(&payment(ours(), number), at(0)),
        ];
        let task = tokio::spawn(async move { write_all(&store, steps).await });
        if number % 2 == 0 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ = task.await;
    }
    // Whatever was under way is behind this one.
    write(&store, marks::set("end", "1")).await.unwrap();
    let raw = &mut Raw::open(database.location()).await;
    assert_eq!(raw.count("orders").await, raw.count("payments").await);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_database_opened_again_is_as_it_was_left(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let first = database.open().await;
    write(&first, marks::set("clock", "real")).await.unwrap();
    first.close().await;
    drop(first);
    let again = database.open().await;
    assert_eq!(again.find_mark("clock").await.unwrap().as_deref(), Some("real"));
    write(&again, marks::set("clock", "movable")).await.unwrap();
    assert_eq!(again.find_mark("clock").await.unwrap().as_deref(), Some("movable"));
}
