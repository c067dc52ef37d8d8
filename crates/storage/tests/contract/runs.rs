//! Runs read back, are held by one worker at a time, and every item has one verdict.

use domain::attempt::{Attempt, Route};
use domain::contact::Contact;
use domain::ids::{MerchantId, OrderId, RunId};
use domain::order::{Order, OrderStatus};
use recoup_storage::orders::{self, NO_LONGER_DECLINED, NOT_DECLINED};
use recoup_storage::runs::{self, ITEM_TAKEN, Item, ItemVerdict, NOT_HELD, NOT_RUNNING, Run, RunState};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, attempts};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{approved, assert_conflict, at, attempt, id, order, write, write_all};

fn run(ours: MerchantId, number: u128, items: i64) -> Run {
    Run {
        merchant_id: ours,
        id: id(number),
        kind: "rerun".into(),
        state: RunState::Running,
        settings: r#"{"note":"“ok”"}"#.into(),
        actor: "tests".into(),
        item_count: items,
        done_count: 0,
        created_at: at(10),
        updated_at: at(10),
    }
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(9_101);
    life(store, ours).await;
    cancelled(store, ours).await;
    bought_since(store, ours).await;
    declined_orders(store, ours).await;
}

async fn begin(store: &Store, run: &Run) -> Vec<OrderId> {
    let count = u128::try_from(run.item_count).unwrap();
    let listed: Vec<OrderId> = (1..=count).map(|number| id(500 + number)).collect();
    let mut steps = vec![runs::insert(run)];
    steps.extend(runs::insert_items(run.merchant_id, run.id, &listed));
    write_all(store, steps).await.unwrap();
    listed
}

async fn life(store: &Store, ours: MerchantId) {
    let (first, empty) = (run(ours, 1, 43), run(ours, 2, 0));
    let listed = begin(store, &first).await;
    begin(store, &empty).await;
    assert_eq!(store.find_run(ours, first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.find_run(id(9_102), first.id).await.unwrap(), None);
    assert_eq!(store.find_run(ours, empty.id).await.unwrap().unwrap().state, RunState::Done);
    let ids = async |before| -> Vec<RunId> {
        store.list_runs(ours, before, 10).await.unwrap().iter().map(|run| run.id).collect()
    };
    assert_eq!(ids(None).await, [empty.id, first.id]);
    assert_eq!(ids(Some(empty.id)).await, [first.id]);

    let items = store.list_run_items(ours, first.id, 0, None, 100).await.unwrap();
    assert_eq!(items.iter().map(|item| item.order_id).collect::<Vec<_>>(), listed);
    assert_eq!(items.iter().map(|item| item.position).collect::<Vec<_>>(), (1..=43).collect::<Vec<_>>());

    assert_eq!(store.next_due_run().await.unwrap(), Some(at(10)));
    assert_eq!(store.list_merchants_with_due_runs(at(9), 5).await.unwrap(), []);
    assert_eq!(store.list_merchants_with_due_runs(at(10), 5).await.unwrap(), [ours]);
    let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let held = store.acquire_due_run(ours, at(10), at(40), mine).await.unwrap();
    assert_eq!(held.map(|run| run.id), Some(first.id));
    assert_eq!(store.acquire_due_run(ours, at(39), at(70), other).await.unwrap(), None);
    assert_eq!(store.list_merchants_with_due_runs(at(39), 5).await.unwrap(), []);

    write(store, runs::begin_item(ours, first.id, 1)).await.unwrap();
    assert_conflict(write(store, runs::begin_item(ours, first.id, 1)).await, ITEM_TAKEN);
    let taken = store.list_run_items(ours, first.id, 0, Some(ItemVerdict::Pending), 5).await.unwrap();
    assert!(taken.len() == 1 && !taken[0].is_finished());
    write(store, runs::finish_item(ours, first.id, 1, ItemVerdict::Approved, "Paid.")).await.unwrap();
    write(store, runs::finish_item(ours, first.id, 1, ItemVerdict::Skipped, "late")).await.unwrap();
    write(store, runs::finish_item(ours, first.id, 2, ItemVerdict::InDoubt, "")).await.unwrap();
    let items = store.list_run_items(ours, first.id, 0, None, 2).await.unwrap();
    let paid =
        Item { position: 1, order_id: listed[0], verdict: ItemVerdict::Approved, words: "Paid.".into() };
    assert_eq!(items[0], paid);
    assert!(items[1].is_finished());
    let counts = store.count_run_items(ours, first.id).await.unwrap();
    let expected = [(ItemVerdict::Approved, 1), (ItemVerdict::InDoubt, 1), (ItemVerdict::Waiting, 41)];
    assert_eq!(counts, expected);

    assert_conflict(write(store, runs::advance(ours, first.id, other, 2, at(41), at(70))).await, NOT_HELD);
    write(store, runs::advance(ours, first.id, mine, 2, at(41), at(70))).await.unwrap();
    let known = store.find_run(ours, first.id).await.unwrap().unwrap();
    assert_eq!((known.done_count, known.state, known.updated_at), (2, RunState::Running, at(41)));
    assert_conflict(write(store, runs::advance(ours, first.id, mine, 1, at(42), at(70))).await, NOT_HELD);
    write(store, runs::release(ours, first.id, other)).await.unwrap();
    assert_eq!(store.acquire_due_run(ours, at(42), at(70), other).await.unwrap(), None);
    write(store, runs::release(ours, first.id, mine)).await.unwrap();
    assert!(store.acquire_due_run(ours, at(42), at(70), other).await.unwrap().is_some());
    write(store, runs::advance(ours, first.id, other, 43, at(43), at(70))).await.unwrap();
    assert_eq!(store.find_run(ours, first.id).await.unwrap().unwrap().state, RunState::Done);
    assert_eq!(store.next_due_run().await.unwrap(), None);
}

async fn cancelled(store: &Store, ours: MerchantId) {
    let stopped = run(ours, 3, 2);
    begin(store, &stopped).await;
    let fence = Uuid::from_u128(3);
    store.acquire_due_run(ours, at(11), at(40), fence).await.unwrap().unwrap();
    write_all(
        store,
        [runs::cancel(ours, stopped.id, at(12)), runs::skip_waiting_items(ours, stopped.id, "Cancelled.")],
    )
    .await
    .unwrap();
    assert_conflict(write(store, runs::cancel(ours, stopped.id, at(13))).await, NOT_RUNNING);
    assert_conflict(write(store, runs::begin_item(ours, stopped.id, 1)).await, ITEM_TAKEN);
    write(store, runs::advance(ours, stopped.id, fence, 1, at(13), at(40))).await.unwrap();
    let known = store.find_run(ours, stopped.id).await.unwrap().unwrap();
    assert_eq!((known.state, known.done_count), (RunState::Cancelled, 1));
    assert_eq!(store.next_due_run().await.unwrap(), None);
}

async fn bought_since(store: &Store, ours: MerchantId) {
    let of = |number: u128, customer: u128, email: &str, status, secs| Order {
        customer_id: id(customer),
        contact: Contact { email: email.into(), ..order(ours, number).contact },
        status,
        created_at: at(secs),
        ..order(ours, number)
    };
    let declined = of(1_000, 1, "ann@example.com", OrderStatus::Declined, 100);
    let others = [
        of(1_001, 1, "", OrderStatus::Complete, 101),
        of(1_002, 2, "ANN@example.com", OrderStatus::Pending, 102),
        of(1_003, 2, "bob@example.com", OrderStatus::Complete, 103),
        of(1_012, 1, "", OrderStatus::Complete, 100),
        of(999, 1, "", OrderStatus::Complete, 100),
        of(1_004, 1, "", OrderStatus::Declined, 104),
        of(1_005, 1, "", OrderStatus::Complete, 99),
        Order { is_test: true, ..of(1_006, 1, "", OrderStatus::Complete, 105) },
        Order { subscription_id: Some(id(5)), ..of(1_007, 1, "", OrderStatus::Complete, 105) },
        of(1_008, 3, "", OrderStatus::Complete, 99),
    ];
    write(store, orders::insert(&declined, "")).await.unwrap();
    for other in &others {
        write(store, orders::insert(other, "")).await.unwrap();
    }
    let found = async |order: &Order| -> Vec<u128> {
        let since = store.list_bought_since(order).await.unwrap();
        since.iter().map(|order| order.id.uuid().as_u128()).collect()
    };
    assert_eq!(found(&declined).await, [1_012, 1_001, 1_002], "of one moment, the one that was minted later");
    let nameless = of(1_009, 4, "", OrderStatus::Declined, 0);
    write(store, orders::insert(&nameless, "")).await.unwrap();
    assert_eq!(found(&nameless).await, [0_u128; 0], "no e-mail is nobody's e-mail");

    // An older order that a rerun has collected since counts too.
    let rerun = Attempt { route: Route::Rerun, ..attempt(ours, 1_005, 1_005) };
    write(store, attempts::insert(&rerun)).await.unwrap();
    write(store, attempts::settle(ours, rerun.id, &approved(), at(200), None)).await.unwrap();
    assert_eq!(found(&declined).await, [1_005, 1_012, 1_001, 1_002]);

    let open = Attempt {
        route: Route::Rerun,
        deadline: Some(at(9_000)),
        next_check_at: None,
        ..attempt(ours, 1_004, 1_004)
    };
    let newer = of(1_010, 1, "", OrderStatus::Complete, 300);
    write(store, orders::insert(&newer, "")).await.unwrap();
    assert_eq!(store.list_with_open_rerun(&newer).await.unwrap(), []);
    write(store, attempts::insert(&open)).await.unwrap();
    let open_orders = store.list_with_open_rerun(&newer).await.unwrap();
    assert_eq!(open_orders.iter().map(|order| order.id).collect::<Vec<_>>(), [id(1_004)]);
    assert_eq!(
        store.list_with_open_rerun(&open_orders[0]).await.unwrap(),
        [],
        "its own is none of another's"
    );
}

async fn declined_orders(store: &Store, ours: MerchantId) {
    let sold = Order { status: OrderStatus::Declined, ..order(ours, 2_000) };
    write(store, orders::insert(&sold, "")).await.unwrap();
    write(store, orders::require_declined(ours, sold.id, at(5))).await.unwrap();
    write(store, orders::complete_declined(ours, sold.id, true, at(6))).await.unwrap();
    let known = store.find_order(ours, sold.id).await.unwrap().unwrap();
    assert_eq!((known.status, known.is_salvaged, known.updated_at), (OrderStatus::Complete, true, at(6)));
    assert_conflict(write(store, orders::complete_declined(ours, sold.id, true, at(7))).await, NOT_DECLINED);
    assert_conflict(write(store, orders::require_declined(ours, sold.id, at(7))).await, NO_LONGER_DECLINED);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn runs_read_back_and_every_item_has_one_verdict(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
