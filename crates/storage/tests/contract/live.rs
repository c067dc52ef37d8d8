//! One live attempt per payment and purpose, and one order per guard, whoever races.

use domain::attempt::{Attempt, Doubt, Purpose};
use domain::declines::Class;
use domain::ids::MerchantId;
use recoup_storage::attempts::{self, InDoubt, LIVE_ATTEMPT_EXISTS};
use recoup_storage::guards::SAME_IMPORT;
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, guards};
use rstest::rstest;

use crate::samples::{approved, assert_conflict, at, attempt, declined, id, not_sent, write};

/// Commits all at once; the numbers of those that won, and the steps in which the others met a conflict.
async fn race(store: &Store, steps: Vec<Step>) -> (usize, Vec<&'static str>) {
    let racing: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, step).await })
        })
        .collect();
    let (mut won, mut lost) = (0, Vec::new());
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => won += 1,
            Err(recoup_storage::StoreError::Conflict { step }) => lost.push(step),
            Err(error) => panic!("{error:?}"),
        }
    }
    (won, lost)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m15_of_sixteen_racing_attempts_of_a_payment_one_is_made(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for payment in 1..=5 {
        let steps = (0..16).map(|n| attempts::insert(&attempt(id(1), payment * 100 + n, payment)));
        let (won, lost) = race(&store, steps.collect()).await;
        assert_eq!((won, lost), (1, vec![LIVE_ATTEMPT_EXISTS; 15]));
        let kept = store.list_attempts_of_payment(id(1), id(payment)).await.unwrap();
        assert_eq!(kept.len(), 1);
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_of_sixteen_racing_orders_one_takes_the_guard(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    for key in ["a", "b", "c"] {
        let steps = (1..=16).map(|order| guards::take(id(1), key, id(order), at(10), at(-90)));
        let (won, lost) = race(&store, steps.collect()).await;
        assert_eq!((won, lost), (1, vec![SAME_IMPORT; 15]));
        // The same once more, after the window: again one of them.
        let steps = (21..=36).map(|order| guards::take(id(1), key, id(order), at(110), at(10)));
        let (won, lost) = race(&store, steps.collect()).await;
        assert_eq!((won, lost), (1, vec![SAME_IMPORT; 15]));
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m15_every_live_state_bars_another_attempt_and_every_other_state_frees_the_payment(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let ours: MerchantId = id(1);
    let mut numbers = 1_000_u128..;
    let mut next = |payment: u128| attempts::insert(&attempt(ours, numbers.next().unwrap(), payment));
    for payment in 1..=7 {
        let first = Attempt { deadline: Some(at(900)), ..attempt(ours, payment, payment) };
        write(&store, attempts::insert(&first)).await.unwrap();
        assert_conflict(write(&store, next(payment)).await, LIVE_ATTEMPT_EXISTS);
    }

    let unknown = InDoubt {
        doubt: Doubt::LostAnswer,
        since: at(2),
        gateway_reference: None,
        text: None,
        checks: 0,
        next_check_at: None,
        fence_unknown_at: None,
        needs_person: true,
    };
    write(&store, attempts::doubt(ours, id(2), &unknown, None)).await.unwrap();
    write(&store, attempts::pend(ours, id(3), "x", at(600), None, at(2))).await.unwrap();
    let settle = |number, outcome| attempts::settle(ours, id(number), &outcome, at(3), None);
    write(&store, settle(4, approved())).await.unwrap();
    for payment in 1..=4 {
        assert_conflict(write(&store, next(payment)).await, LIVE_ATTEMPT_EXISTS);
    }

    write(&store, attempts::reverse(ours, id(4), at(4))).await.unwrap();
    write(&store, settle(5, declined(Class::Soft))).await.unwrap();
    write(&store, settle(6, declined(Class::Hard))).await.unwrap();
    write(&store, settle(7, not_sent())).await.unwrap();
    for payment in 4..=7 {
        write(&store, next(payment)).await.unwrap();
        assert_conflict(write(&store, next(payment)).await, LIVE_ATTEMPT_EXISTS);
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m15_a_hold_and_a_collection_are_separate_and_so_are_payments_and_merchants(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let hold = |number| Attempt { purpose: Purpose::Hold, ..attempt(id(1), number, 1) };
    for one in [attempt(id(1), 1, 1), hold(2), attempt(id(1), 3, 2), attempt(id(2), 4, 1)] {
        write(&store, attempts::insert(&one)).await.unwrap();
    }
    assert_conflict(write(&store, attempts::insert(&hold(5))).await, LIVE_ATTEMPT_EXISTS);
}
