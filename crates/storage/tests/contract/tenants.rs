//! Merchants, idempotency keys, marks and heartbeats.

use domain::ids::MerchantId;
use recoup_storage::idempotency::{self, KEY_USED, Kept};
use recoup_storage::merchants::{self, CHANGED_BY_ANOTHER, CONFIGURATION_CHANGED, Merchant};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, marks};
use rstest::rstest;

use crate::samples::{assert_conflict, at, id, write};

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(7_001);
    versions(store, ours).await;
    replays(store, ours).await;
    facts(store).await;
}

async fn versions(store: &Store, ours: MerchantId) {
    write(store, merchants::insert(ours, "Ours", at(0))).await.unwrap();
    assert_conflict(write(store, merchants::insert(ours, "Again", at(0))).await, "insert_merchant");
    write(store, merchants::check_version(ours, 0)).await.unwrap();
    write(store, merchants::raise_version(ours, 0, "Ours & Co")).await.unwrap();
    let stale = merchants::raise_version(ours, 0, "Stale");
    assert_conflict(write(store, stale).await, CHANGED_BY_ANOTHER);
    assert_conflict(write(store, merchants::check_version(ours, 0)).await, CONFIGURATION_CHANGED);
    write(store, merchants::check_version(ours, 1)).await.unwrap();

    let all = store.list_merchants().await.unwrap();
    let found = all.iter().find(|one| one.id == ours);
    assert_eq!(found, Some(&Merchant { id: ours, title: "Ours & Co".into(), config_version: 1 }));
    assert!(all.is_sorted_by_key(|one| one.id));
}

async fn replays(store: &Store, ours: MerchantId) {
    let find = async |key: &str| store.find_idempotency_key(ours, key).await.unwrap();
    let kept = |answer| Some(Kept { fingerprint: "f".into(), answer });
    write(store, idempotency::take(ours, "k", "f", at(1))).await.unwrap();
    assert_eq!(find("k").await, kept(None));
    assert_conflict(write(store, idempotency::take(ours, "k", "other", at(2))).await, KEY_USED);
    write(store, idempotency::take(id(7_002), "k", "other", at(2))).await.unwrap();
    write(store, idempotency::answer(ours, "k", 201, "{\"a\":\"ü\"}")).await.unwrap();
    let answered = kept(Some((201, "{\"a\":\"ü\"}".into())));
    assert_eq!(find("k").await, answered);
    write(store, idempotency::forget(ours, "k")).await.unwrap();
    assert_eq!(find("k").await, answered, "an answered key is never given back");

    write(store, idempotency::take(ours, "refused", "f", at(3))).await.unwrap();
    write(store, idempotency::forget(ours, "refused")).await.unwrap();
    assert_eq!(find("refused").await, None);
    assert_conflict(write(store, idempotency::answer(ours, "refused", 200, "")).await, "answer_key");
}

async fn facts(store: &Store) {
    assert_eq!(store.find_mark("clock").await.unwrap(), None);
    assert_eq!(store.last_heartbeat().await.unwrap(), None);
    for value in ["real", "movable"] {
        write(store, marks::set("clock", value)).await.unwrap();
        assert_eq!(store.find_mark("clock").await.unwrap().as_deref(), Some(value));
    }
    write(store, marks::clear("clock")).await.unwrap();
    assert_eq!(store.find_mark("clock").await.unwrap(), None);
    write(store, marks::set("end", "1")).await.unwrap();
    for (node, secs, newest) in [("a", 5, 5), ("b", 9, 9), ("a", 8, 9), ("a", 10, 10)] {
        write(store, marks::beat(node, at(secs))).await.unwrap();
        assert_eq!(store.last_heartbeat().await.unwrap(), Some(at(newest)));
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m31_merchants_idempotency_keys_marks_and_heartbeats_read_back(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
