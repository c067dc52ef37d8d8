//! A transaction that a database runs as one text gives the same answer as one that it runs step by step.

use std::collections::BTreeMap;

use domain::declines::Class;
use domain::ids::{GatewayProfileId, MerchantId};
use domain::order::{Order, OrderStatus};
use domain::payment::{Payment, PaymentState};
use recoup_storage::cards::Card;
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::timeline::Line;
use recoup_storage::{
    Step, Store, StoreError, Transaction, attempts, cards, events, fulfilments, guards, merchants, orders,
    payments, standing, timeline,
};
use rstest::rstest;

use crate::raw::Raw;
use crate::samples::{
    approved, assert_conflict, at, attempt, declined, event, fulfilment, id, order, payment, shown, write_all,
};

/// What an unforeseen error of the database is called here.
const REFUSED: &str = "refused";
const DONE: &str = "done";

fn ours() -> MerchantId {
    id(1)
}

fn line(number: u128) -> Step {
    let words = "Kept; '$1' -- so".to_owned();
    timeline::insert(&Line { merchant_id: ours(), id: id(number), order_id: id(number), at: at(1), words })
}

/// The intent of a first charge; order, payment and attempt share the number.
fn intent(number: u128, guard: &str) -> Vec<Step> {
    let card =
        Card { merchant_id: ours(), id: id(11), fingerprint: "fp".into(), shown: shown(), sealed: vec![1] };
    vec![
        merchants::check_version(ours(), 0),
        guards::take(ours(), guard, id(number), at(5), at(0)),
        cards::upsert(&card, at(5)),
        orders::insert(&order(ours(), number), guard),
        payments::insert(&payment(ours(), number), at(5)),
        attempts::insert(&attempt(ours(), number, number)),
    ]
}

/// The intent of a declined order's next charge.
fn again(number: u128) -> Vec<Step> {
    let mut steps = intent(number, "g");
    steps[3] = orders::submit(&order(ours(), number), "g");
    steps[4] = payments::set_state(ours(), id(number), PaymentState::Attempting, at(5));
    steps
}

/// An approval and all that follows.
fn approval(number: u128) -> Vec<Step> {
    let profile: GatewayProfileId = id(10);
    vec![
        attempts::settle(ours(), id(number), &approved(), at(6), None),
        orders::complete(ours(), id(number), false, at(6)),
        payments::set_state(ours(), id(number), PaymentState::Paid, at(6)),
        events::insert(&event(ours(), number, "new_sale", id(number))),
        fulfilments::insert(&fulfilment(ours(), number, number)),
        standing::add_volume(ours(), id(9), None, 202_601, 3, 10_000),
        standing::add_volume(ours(), id(9), Some(profile), 202_601, 3, 10_000),
        standing::clear_declines(ours(), profile, id(9)),
        line(number),
    ]
}

/// An order that was declined, with or without its payment.
fn was_declined(number: u128, has_payment: bool) -> Vec<Step> {
    let order = Order { status: OrderStatus::Declined, ..order(ours(), number) };
    let payment = Payment { state: PaymentState::Declined, ..payment(ours(), number) };
    let mut steps = vec![orders::insert(&order, "old")];
    steps.extend(has_payment.then(|| payments::insert(&payment, at(1))));
    steps
}

/// Number, what there is before, the transaction, and what comes of it: [`DONE`], [`REFUSED`] or a conflict's name.
type Case = (Vec<Step>, Vec<Step>, &'static str);

fn intents() -> Vec<Case> {
    let taken = |guard: &str| {
        let other = order(ours(), 900);
        vec![orders::insert(&other, "x"), guards::take(ours(), guard, id(900), at(1), at(0))]
    };
    vec![
        (vec![], intent(1, "a"), DONE),
        (taken("b"), intent(2, "b"), "take_guard"),
        (vec![orders::insert(&order(ours(), 3), "x")], intent(3, "c"), "insert_order"),
        (vec![payments::insert(&payment(ours(), 4), at(1))], intent(4, "d"), "insert_payment"),
        (vec![attempts::insert(&attempt(ours(), 905, 5))], intent(5, "e"), "insert_attempt"),
        (vec![attempts::insert(&attempt(ours(), 6, 906))], intent(6, "f"), REFUSED),
        (
            vec![orders::insert(&order(ours(), 7), "x"), attempts::insert(&attempt(ours(), 7, 907))],
            intent(7, "h"),
            "insert_order",
        ),
        (was_declined(20, true), again(20), DONE),
        (was_declined(21, false), [again(21), vec![]].concat(), "take_guard"),
        (vec![guards::release(ours(), id(20))], again(20), "submit_order"),
    ]
}

fn approvals() -> Vec<Case> {
    let begun = |number: u128, then: Vec<Step>| {
        let steps = intent(number, &number.to_string());
        [steps, then].concat()
    };
    let settled = |number| attempts::settle(ours(), id(number), &declined(Class::Soft), at(2), None);
    let shipped = |number| fulfilments::insert(&fulfilment(ours(), number + 900, number));
    let cancelled = |number| orders::set_status(ours(), id(number), OrderStatus::Cancelled, false, at(2));
    let unpaid = |number: u128| {
        let mut steps = begun(number, vec![]);
        steps[4] = payments::insert(&payment(ours(), number + 900), at(2));
        steps
    };
    let mut moved = fulfilment(ours(), 36 + 900, 936);
    moved.payment_id = id(36);
    vec![
        (begun(30, vec![]), approval(30), DONE),
        (begun(31, vec![settled(31)]), approval(31), "settle_attempt"),
        (begun(32, vec![cancelled(32)]), approval(32), "complete_order"),
        (unpaid(33), approval(33), "set_payment_state"),
        (
            begun(34, vec![events::insert(&event(ours(), 934, "new_sale", id(34)))]),
            approval(34),
            "insert_event",
        ),
        (begun(35, vec![shipped(35)]), approval(35), "insert_fulfilment"),
        (begun(36, vec![fulfilments::insert(&moved), cancelled(36)]), approval(36), "complete_order"),
        (begun(37, vec![line(37)]), approval(37), REFUSED),
        (begun(38, vec![line(38), settled(38)]), approval(38), "settle_attempt"),
        (
            begun(39, vec![]),
            [approval(39), vec![merchants::check_version(ours(), 1)]].concat(),
            "check_version",
        ),
        (begun(40, vec![]), approval(40), DONE),
        // The last: what follows would meet the new version.
        (vec![merchants::raise_version(ours(), 0, "Changed")], intent(41, "z"), "check_version"),
    ]
}

fn word(result: &Result<Vec<recoup_storage::Row>, StoreError>) -> &'static str {
    match result {
        Ok(_) => DONE,
        Err(StoreError::Conflict { step }) => step,
        Err(_) => REFUSED,
    }
}

/// Every value of every table, in no order.
async fn all(raw: &mut Raw) -> BTreeMap<(String, String, String), usize> {
    let mut found = BTreeMap::new();
    for cell in raw.dump().await {
        *found.entry((cell.table, cell.column, cell.value)).or_default() += 1;
    }
    found
}

/// How a transaction may be run.
type How = fn(Transaction) -> Transaction;

/// Runs every case; what there is at the end.
async fn run_all(on: On, name: &str, how: How) -> BTreeMap<(String, String, String), usize> {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let raw = &mut Raw::open(database.location()).await;
    write_all(&store, [merchants::insert(ours(), "Ours", at(0))]).await.unwrap();
    for (place, (before, steps, wanted)) in intents().into_iter().chain(approvals()).enumerate() {
        write_all(&store, before).await.unwrap();
        let there = all(raw).await;
        let transaction = how(Transaction::new("test").with_all(steps));
        let came = word(&store.commit(transaction).await);
        assert_eq!(came, wanted, "case {place}, {name}");
        assert_eq!(all(raw).await == there, wanted != DONE, "case {place}, {name}");
    }
    all(raw).await
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_transaction_gives_the_same_answers_and_rows_however_it_is_run(#[case] on: On) {
    let wanted = run_all(on, "one by one", |transaction| transaction).await;
    assert_eq!(run_all(on, "independent", Transaction::independent).await, wanted);
    assert_eq!(run_all(on, "without rows", Transaction::without_rows).await, wanted);
}

#[tokio::test]
async fn postgres_runs_what_may_be_one_statement_as_one_which_brings_no_rows() {
    let database = TestDatabase::new(On::Postgres).await;
    let store = database.open().await;
    write_all(&store, [merchants::insert(ours(), "Ours", at(0))]).await.unwrap();
    let transaction = |number: u128| Transaction::new("test").with_all(intent(number, &number.to_string()));
    assert_eq!(store.commit(transaction(1)).await.unwrap().len(), 1);
    assert_eq!(store.commit(transaction(2).independent()).await.unwrap().len(), 0);
    assert_eq!(store.commit(transaction(3).without_rows()).await.unwrap().len(), 0);
    assert_eq!(Raw::open(database.location()).await.count("attempts").await, 3);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_of_concurrent_independent_transactions_one_each_takes_the_guard_and_settles(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write_all(&store, [merchants::insert(ours(), "Ours", at(0))]).await.unwrap();
    let commit = |steps: Vec<Step>| {
        let store = store.clone();
        tokio::spawn(async move {
            store.commit(Transaction::new("test").with_all(steps).independent()).await.map(|_| ())
        })
    };
    // Five imports under each of forty guards, then five outcomes of each attempt that was begun.
    let imports: Vec<_> =
        (1..=200_u128).map(|number| (number, commit(intent(number, &(number % 40).to_string())))).collect();
    let mut begun = Vec::new();
    for (number, task) in imports {
        match task.await.unwrap() {
            Ok(()) => begun.push(number),
            conflict => assert_conflict(conflict, "take_guard"),
        }
    }
    assert_eq!(begun.len(), 40);
    let mut outcomes = Vec::new();
    for number in begun.iter().chain(&begun).chain(&begun).chain(&begun).chain(&begun) {
        outcomes.push(commit(approval(*number)));
    }
    let mut settled = 0;
    for task in outcomes {
        match task.await.unwrap() {
            Ok(()) => settled += 1,
            conflict => assert_conflict(conflict, "settle_attempt"),
        }
    }
    assert_eq!(settled, 40);
    assert_volume(&store, 40 * 10_000).await;
    let raw = &mut Raw::open(database.location()).await;
    for table in ["orders", "payments", "attempts", "events", "fulfilments", "timeline"] {
        assert_eq!(raw.count(table).await, 40, "{table}");
    }
}

async fn assert_volume(store: &Store, minor: i64) {
    let volumes = store.list_volumes(ours(), 202_601).await.unwrap();
    assert_eq!(volumes.iter().map(|(.., minor)| *minor).collect::<Vec<_>>(), [minor, minor]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn rows_come_from_the_steps_that_return_in_order(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let steps = [
        merchants::insert(ours(), "Ours", at(0)),
        line(1),
        merchants::check_version(ours(), 0),
        merchants::raise_version(ours(), 0, "Changed"),
        line(2),
        merchants::check_version(ours(), 1),
        line(3),
    ];
    let rows = store.commit(Transaction::new("test").with_all(steps)).await.unwrap();
    let versions: Vec<_> = rows.iter().map(|row| row.int("config_version").unwrap()).collect();
    assert_eq!(versions, [0, 1]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn transactions_too_long_for_one_text_stand_beside_short_ones(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let commit = |number: u128| {
        let store = store.clone();
        // Every third one is long, every fifth ends in a conflict.
        let lines = if number.is_multiple_of(3) { 30 } else { 1 };
        let mut steps: Vec<_> = (0..lines).map(|place| line(number * 100 + place)).collect();
        if number.is_multiple_of(5) {
            steps.push(merchants::check_version(id(77), 0));
        }
        tokio::spawn(async move { write_all(&store, steps).await })
    };
    let racing: Vec<_> = (1..=60).map(|number| (number, commit(number))).collect();
    let mut wanted = 0;
    for (number, task) in racing {
        let result = task.await.unwrap();
        if number % 5 == 0 {
            assert_conflict(result, "check_version");
        } else {
            result.unwrap();
            wanted += if number % 3 == 0 { 30 } else { 1 };
        }
    }
    assert_eq!(Raw::open(database.location()).await.count("timeline").await, wanted);
}
