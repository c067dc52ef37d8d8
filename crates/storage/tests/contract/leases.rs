//! Due work belongs to one worker at a time, and only its holder writes the outcome.

use std::collections::BTreeSet;

use domain::attempt::Attempt;
use domain::ids::{AttemptId, MerchantId};
use recoup_storage::attempts::{self, SETTLED_BEFORE};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, operations};
use rstest::rstest;
use uuid::Uuid;

use crate::attempts::in_doubt;
use crate::operations::ended;
use crate::samples::{approved, assert_conflict, at, attempt, id, refund, settled, write, write_all};

fn ours() -> MerchantId {
    id(1)
}

/// Takes due attempts, three at a time, until there are none.
async fn take_all(store: Store, fence: u128) -> Vec<AttemptId> {
    let mut taken = Vec::new();
    loop {
        let fence = Uuid::from_u128(fence);
        let lot = store.acquire_due_attempts(ours(), at(60), at(90), fence, 3).await.unwrap();
        assert!(lot.len() <= 3, "a worker takes no more than it asked for");
        if lot.is_empty() {
            return taken;
        }
        taken.extend(lot.iter().map(|one| one.id));
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn racing_workers_never_hold_the_same_attempt_and_leave_none(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let due = (1..=40).map(|number| attempts::insert(&attempt(ours(), number, number)));
    write_all(&store, due).await.unwrap();
    let later = Attempt { next_check_at: Some(at(61)), ..attempt(ours(), 50, 50) };
    write(&store, attempts::insert(&later)).await.unwrap();
    write(&store, attempts::insert(&attempt(id(2), 1, 1))).await.unwrap();

    let workers: Vec<_> = (1..=4).map(|fence| tokio::spawn(take_all(store.clone(), fence))).collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    assert_eq!(taken.len(), 40);
    assert_eq!(BTreeSet::from_iter(taken), (1..=40).map(id).collect());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_expired_lease_is_taken_again_and_only_its_holder_settles(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, attempts::insert(&attempt(ours(), 1, 1))).await.unwrap();
    let acquire = async |secs: i64, fence| {
        let fence = Uuid::from_u128(fence);
        store.acquire_due_attempts(ours(), at(secs), at(secs + 30), fence, 10).await.unwrap().len()
    };
    let settle = |fence: Option<u128>| -> Step {
        attempts::settle(ours(), id(1), &approved(), at(95), fence.map(Uuid::from_u128))
    };
    assert_eq!(acquire(59, 1).await, 0);
    assert_eq!(acquire(60, 1).await, 1);
    assert_eq!(acquire(89, 2).await, 0);
    assert_eq!(acquire(90, 2).await, 1);
    // The first worker wakes up: its lease is gone.
    assert_conflict(write(&store, settle(Some(1))).await, SETTLED_BEFORE);
    assert_conflict(write(&store, settle(None)).await, SETTLED_BEFORE);
    write(&store, settle(Some(2))).await.unwrap();
    assert_conflict(write(&store, settle(Some(2))).await, SETTLED_BEFORE);
    assert_eq!(acquire(10_000, 3).await, 0);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m18_a_lease_that_has_ended_stops_nobody_from_settling_an_attempt(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for number in 1..=2 {
        write(&store, attempts::insert(&attempt(ours(), number, number))).await.unwrap();
    }
    store.acquire_due_attempts(ours(), at(60), at(90), Uuid::from_u128(1), 10).await.unwrap();
    let settle = |secs| attempts::settle(ours(), id(1), &approved(), at(secs), None);
    let doubt = |secs| attempts::doubt(ours(), id(2), &in_doubt(at(secs)), None);
    assert_conflict(write(&store, settle(89)).await, SETTLED_BEFORE);
    assert_conflict(write(&store, doubt(89)).await, "doubt_attempt");
    write(&store, settle(90)).await.unwrap();
    write(&store, doubt(90)).await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_an_operation_is_settled_and_doubted_by_the_holder_of_its_lease_while_it_lasts(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for number in 1..=2 {
        settled(&store, &attempt(ours(), number, number), &approved()).await;
        write_all(&store, operations::insert(&refund(ours(), number, number, 1), at(60))).await.unwrap();
    }
    let acquire = async |secs: i64, fence| {
        let fence = Uuid::from_u128(fence);
        store.acquire_due_operations(ours(), at(secs), at(secs + 30), fence, 10).await.unwrap().len()
    };
    let settle = |number, secs, fence: Option<u128>| {
        let fence = fence.map(Uuid::from_u128);
        operations::settle(ours(), id(number), &ended("done"), at(secs), fence)
    };
    let doubt = |secs, fence: Option<u128>| {
        let known = operations::Doubtful {
            text: "no answer".into(),
            checks: 1,
            next_check_at: Some(at(500)),
            needs_person: false,
            not_sent: false,
        };
        operations::doubt(ours(), id(1), &known, at(secs), fence.map(Uuid::from_u128))
    };
    assert_eq!((acquire(60, 1).await, acquire(90, 2).await), (2, 2));
    // The first worker wakes up: its lease is gone, and nobody but the second may write.
    for fence in [Some(1), None] {
        assert_conflict(write(&store, settle(1, 119, fence)).await, operations::SETTLED_BEFORE);
        assert_conflict(write(&store, doubt(119, fence)).await, operations::NOT_HELD);
    }
    write(&store, doubt(119, Some(2))).await.unwrap();
    write(&store, settle(1, 119, None)).await.unwrap();
    // A lease that has ended stops nobody.
    write(&store, settle(2, 120, None)).await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn waiting_gives_the_lease_back(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, attempts::insert(&attempt(ours(), 1, 1))).await.unwrap();
    let first = store.acquire_due_attempts(ours(), at(60), at(90), Uuid::from_u128(1), 10).await.unwrap();
    assert_eq!(first.len(), 1);
    write(&store, attempts::wait(ours(), id(1), at(61))).await.unwrap();
    let second = store.acquire_due_attempts(ours(), at(61), at(91), Uuid::from_u128(2), 10).await.unwrap();
    assert_eq!(second, [Attempt { next_check_at: Some(at(61)), ..attempt(ours(), 1, 1) }]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_merchant_whose_due_work_is_all_leased_is_passed_over_until_the_lease_ends(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    settled(&store, &attempt(ours(), 1, 1), &approved()).await;
    write(&store, attempts::insert(&attempt(ours(), 2, 2))).await.unwrap();
    write_all(&store, operations::insert(&refund(ours(), 1, 1, 1), at(60))).await.unwrap();
    let fence = Uuid::from_u128(1);
    store.acquire_due_attempts(ours(), at(60), at(90), fence, 10).await.unwrap();
    store.acquire_due_operations(ours(), at(60), at(90), fence, 10).await.unwrap();
    for (secs, wanted) in [(89, vec![]), (90, vec![ours()])] {
        assert_eq!(store.list_merchants_with_due_attempts(at(secs), 10).await.unwrap(), wanted);
        assert_eq!(store.list_merchants_with_due_operations(at(secs), 10).await.unwrap(), wanted);
    }
}
