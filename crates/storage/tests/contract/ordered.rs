//! Steps that run in one round trip still run one after the other, and a transaction that gave way is run again.

use domain::attempt::Attempt;
use domain::declines::Class;
use domain::ids::MerchantId;
use jiff::SignedDuration;
use recoup_storage::attempts::{CARD_NOT_FREE, LIVE_ATTEMPT_EXISTS, OVER_CARD_BUDGET};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, StoreError, Transaction, attempts, cards, merchants};
use rstest::rstest;

use crate::raw::Raw;
use crate::samples::{assert_conflict, at, attempt, declined, id, write};

fn ours() -> MerchantId {
    id(1)
}

async fn commit(store: &Store, steps: impl IntoIterator<Item = Step>) -> Result<(), StoreError> {
    store.commit(Transaction::new("test").with_all(steps).without_rows()).await.map(|_| ())
}

/// Races sixteen transactions; how many were kept. The others met the conflict of this name.
async fn race(store: &Store, conflict: &str, steps: impl Fn(u128) -> Vec<Step>) -> usize {
    let start = |number| {
        let (store, steps) = (store.clone(), steps(number));
        tokio::spawn(async move { commit(&store, steps).await })
    };
    let racing: Vec<_> = (1..=16).map(start).collect();
    let mut kept = 0;
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => kept += 1,
            other => assert_conflict(other, conflict),
        }
    }
    kept
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_of_sixteen_racing_bills_of_a_card_only_as_many_as_its_budget_are_made(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let kept = race(&store, OVER_CARD_BUDGET, |number| {
        vec![
            cards::lock_budget(ours(), "fp"),
            attempts::require_card_budget(ours(), "fp", at(0), at(0), (35, 7)),
            attempts::insert(&attempt(ours(), number, number)),
        ]
    });
    assert_eq!(kept.await, 7);
    assert_eq!(Raw::open(database.location()).await.count("attempts").await, 7);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m12_of_sixteen_racing_equal_bills_of_a_card_one_is_made(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let kept = race(&store, CARD_NOT_FREE, |number| {
        let one = attempt(ours(), number, number);
        let apart = at(1) - SignedDuration::from_secs(1_200);
        vec![
            cards::lock_budget(ours(), "fp"),
            attempts::require_free_card(&one, at(1), apart),
            attempts::insert(&one),
        ]
    });
    assert_eq!(kept.await, 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m15_a_step_sees_what_the_one_before_it_changed(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let next = |number| Attempt { payment_id: id(1), ..attempt(ours(), number, number) };
    let settled = |number| attempts::settle(ours(), id(number), &declined(Class::Soft), at(2), None);
    write(&store, attempts::insert(&next(1))).await.unwrap();
    assert_conflict(commit(&store, [attempts::insert(&next(2))]).await, LIVE_ATTEMPT_EXISTS);
    commit(&store, [settled(1), attempts::insert(&next(2))]).await.unwrap();
    assert_conflict(
        commit(&store, [settled(2), attempts::insert(&next(3)), attempts::insert(&next(4))]).await,
        LIVE_ATTEMPT_EXISTS,
    );
    // The conflict undid what came before it.
    commit(&store, [settled(2), attempts::insert(&next(3))]).await.unwrap();
}

/// Whether another session waits for a lock of this database.
const IS_WAITED_FOR: &str = "SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[rstest]
#[case::as_one_function(Transaction::without_rows)]
#[case::as_one_statement(Transaction::independent)]
#[case::one_by_one(|transaction| transaction)]
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_ended_for_a_deadlock_is_run_again(
    #[case] how: fn(Transaction) -> Transaction,
) {
    let database = TestDatabase::new(On::Postgres).await;
    let store = database.open().await;
    let (mine, other) = (|| cards::lock_budget(ours(), "a"), || cards::lock_budget(ours(), "b"));
    write(&store, merchants::insert(ours(), "Ours", at(0))).await.unwrap();
    write(&store, mine()).await.unwrap();
    write(&store, other()).await.unwrap();
    let raw = &mut Raw::open(database.location()).await;
    let raised = |card: &str| {
        format!("UPDATE card_budgets SET version = version + 10 WHERE card_fingerprint = '{card}'")
    };
    // Only the store's session looks for deadlocks, so it is the one that gives way.
    raw.run("SET deadlock_timeout = '1h'", &[]).await.unwrap();
    raw.run("BEGIN", &[]).await.unwrap();
    raw.run(&raised("b"), &[]).await.unwrap();
    let under_way = tokio::spawn({
        let (store, transaction) = (store.clone(), Transaction::new("test").with(mine()).with(other()));
        async move { store.commit(how(transaction)).await.map(|_| ()) }
    });
    // A session of its own: what one sees of the others stays as it is until its transaction ends.
    let watcher = &mut Raw::open(database.location()).await;
    while watcher.run(IS_WAITED_FOR, &[]).await.unwrap() == 0 && !under_way.is_finished() {
        tokio::task::yield_now().await;
    }
    raw.run(&raised("a"), &[]).await.unwrap();
    raw.run("COMMIT", &[]).await.unwrap();
    under_way.await.unwrap().unwrap();
    // Each: made with 1, raised by the session, raised once by the transaction.
    let sql = "SELECT 1 FROM card_budgets WHERE version = 12";
    assert_eq!(raw.run(sql, &[]).await.unwrap(), 2);
}
