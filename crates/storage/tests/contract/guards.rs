//! A guard is held by one order within the window.

use domain::attempt::Attempt;
use domain::declines::Class;
use domain::ids::{MerchantId, OrderId};
use recoup_storage::guards::{self, SAME_IMPORT};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, StoreError, attempts, orders};
use rstest::rstest;

use crate::samples::{assert_conflict, at, attempt, declined, id, order, write};

/// Takes a guard with a window of 100 seconds.
pub(crate) async fn take(
    store: &Store,
    ours: MerchantId,
    order: OrderId,
    secs: i64,
) -> Result<(), StoreError> {
    write(store, guards::take(ours, "g", order, at(secs), at(secs - 100))).await
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(4_001);
    let (first, second): (OrderId, OrderId) = (id(1), id(2));
    for (number, key) in [(1, "g"), (2, "g"), (3, "other")] {
        write(store, orders::insert(&order(ours, number), key)).await.unwrap();
    }
    let holder = async |since| store.find_guard(ours, "g", at(since)).await.unwrap();
    assert_eq!(holder(0).await, None);
    take(store, ours, first, 10).await.unwrap();
    assert_eq!((holder(9).await, holder(10).await), (Some(first), None));
    assert_conflict(take(store, ours, second, 109).await, SAME_IMPORT);
    take(store, id(4_002), second, 11).await.unwrap();
    take(store, ours, first, 20).await.unwrap();
    assert_conflict(take(store, ours, second, 119).await, SAME_IMPORT);
    take(store, ours, second, 120).await.unwrap();
    assert_eq!(holder(0).await, Some(second));
    write(store, guards::release(ours, first)).await.unwrap();
    assert_eq!(holder(0).await, Some(second));
    write(store, guards::release(ours, second)).await.unwrap();
    take(store, ours, first, 121).await.unwrap();
    write(store, guards::renew(ours, first, at(200))).await.unwrap();
    assert_conflict(take(store, ours, second, 299).await, SAME_IMPORT);

    // An order whose outcome is still to come holds its guard, however old.
    let open = Attempt { order_id: first, ..attempt(ours, 1, 1) };
    write(store, attempts::insert(&open)).await.unwrap();
    assert_conflict(take(store, ours, second, 5_000).await, SAME_IMPORT);
    assert_eq!(holder(5_000).await, Some(first));
    let settled = attempts::settle(ours, open.id, &declined(Class::Hard), at(5_001), None);
    write(store, settled).await.unwrap();
    take(store, ours, second, 5_002).await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m3_a_guard_is_held_by_one_order_within_the_window(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
