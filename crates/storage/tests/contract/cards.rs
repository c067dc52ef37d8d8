//! Stored cards, their budgets and their locks.

use domain::ids::{CardId, MerchantId};
use domain::order::CardShown;
use recoup_storage::cards::{self, Card};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, StoreError, merchants};
use rstest::rstest;

use crate::raw::Raw;
use crate::samples::{assert_conflict, at, id, shown, write};

fn card(merchant_id: MerchantId, number: u128) -> Card {
    Card {
        merchant_id,
        id: id(number),
        fingerprint: format!("fp-{number}"),
        shown: shown(),
        sealed: vec![0, 1, 255],
    }
}

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(10_001);
    kept(store, ours).await;
    purged(store, id(10_002)).await;
    locked(store, ours).await;
}

async fn kept(store: &Store, ours: MerchantId) {
    let first = card(ours, 1);
    write(store, cards::upsert(&first, at(1))).await.unwrap();
    let renewed =
        Card { shown: CardShown { expires: "2035-12".into(), ..shown() }, sealed: vec![9], ..first.clone() };
    write(store, cards::upsert(&renewed, at(2))).await.unwrap();
    let find = async || store.find_card(ours, id(1)).await.unwrap();
    assert_eq!(find().await, Some(Card { sealed: first.sealed.clone(), ..renewed.clone() }));
    write(store, cards::reseal(ours, id(1), vec![7; 300])).await.unwrap();
    let resealed = Card { sealed: vec![7; 300], ..renewed };
    assert_eq!(find().await, Some(resealed.clone()));
    assert_conflict(write(store, cards::reseal(ours, id(9), vec![7])).await, "reseal_card");

    let others = [card(ours, 0x80 << 120), card(ours, 2)];
    for one in &others {
        write(store, cards::upsert(one, at(3))).await.unwrap();
    }
    let page = async |after: CardId, limit| store.list_cards_after(ours, after, limit).await.unwrap();
    let [high, second] = others;
    assert_eq!(page(id(0), 2).await, [resealed, second.clone()]);
    assert_eq!(
        page(second.id, 2).await,
        std::slice::from_ref(&high),
        "ids are compared as bytes without a sign"
    );
    assert_eq!(page(high.id, 2).await, []);
    for _ in 0..2 {
        write(store, cards::lock_budget(ours, "fp-1")).await.unwrap();
    }
}

/// A number that nothing needs any more is erased once; the same card again is kept again (M34).
async fn purged(store: &Store, ours: MerchantId) {
    for (number, seconds) in [(1, 10), (2, 20), (3, 30)] {
        write(store, cards::upsert(&card(ours, number), at(seconds))).await.unwrap();
    }
    let mut erased = store.purge_cards(ours, at(30), 10).await.unwrap();
    erased.sort_unstable();
    assert_eq!(erased, [id(1), id(2)]);
    assert_eq!(store.purge_cards(ours, at(30), 10).await.unwrap(), []);
    let found = store.find_card(ours, id(1)).await.unwrap().unwrap();
    assert_eq!(found, Card { sealed: Vec::new(), ..card(ours, 1) });
    assert_eq!(store.list_cards_after(ours, id(0), 10).await.unwrap(), [card(ours, 3)]);
    write(store, cards::upsert(&card(ours, 1), at(40))).await.unwrap();
    assert_eq!(store.find_card(ours, id(1)).await.unwrap(), Some(card(ours, 1)));
}

/// A longer lock replaces a shorter one, never the other way round.
async fn locked(store: &Store, ours: MerchantId) {
    let reason = async |secs| store.find_card_lock(ours, "fp-1", at(secs)).await.unwrap();
    let lock = async |reason, until: Option<i64>| -> Result<(), StoreError> {
        write(store, cards::lock(ours, "fp-1", reason, id(1), at(1), until.map(at))).await
    };
    assert_eq!(reason(1).await, None);
    lock("wait", Some(10)).await.unwrap();
    lock("shorter", Some(5)).await.unwrap();
    assert_eq!((reason(9).await.as_deref(), reason(10).await), (Some("wait"), None));
    lock("longer", Some(20)).await.unwrap();
    assert_eq!(reason(10).await.as_deref(), Some("longer"));
    lock("lost_or_stolen_card", None).await.unwrap();
    assert_eq!(reason(1_000_000).await.as_deref(), Some("lost_or_stolen_card"));
    for (other, until) in [("again", None), ("wait", Some(30))] {
        lock(other, until).await.unwrap();
        assert_eq!(reason(1_000_000).await.as_deref(), Some("lost_or_stolen_card"));
    }
    assert_eq!(store.find_card_lock(id(10_002), "fp-1", at(1)).await.unwrap(), None);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m28_cards_read_back_and_a_never_lock_is_not_shortened(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}

/// Whether another session waits for a lock of this database.
const IS_WAITED_FOR: &str = "SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test(flavor = "multi_thread")]
async fn m34_a_card_that_is_used_while_old_ones_are_purged_keeps_its_number() {
    let database = TestDatabase::new(On::Postgres).await;
    let store = database.open().await;
    let ours: MerchantId = id(1);
    write(&store, merchants::insert(ours, "Ours", at(0))).await.unwrap();
    write(&store, cards::upsert(&card(ours, 1), at(10))).await.unwrap();
    let raw = &mut Raw::open(database.location()).await;
    raw.run("BEGIN", &[]).await.unwrap();
    let used = format!("UPDATE cards SET updated_at = {}", at(100).as_microsecond());
    raw.run(&used, &[]).await.unwrap();
    let purge = tokio::spawn({
        let store = store.clone();
        async move { store.purge_cards(ours, at(30), 10).await.unwrap() }
    });
    let watcher = &mut Raw::open(database.location()).await;
    while watcher.run(IS_WAITED_FOR, &[]).await.unwrap() == 0 && !purge.is_finished() {
        tokio::task::yield_now().await;
    }
    raw.run("COMMIT", &[]).await.unwrap();
    assert_eq!(purge.await.unwrap(), []);
    assert_eq!(store.find_card(ours, id(1)).await.unwrap(), Some(card(ours, 1)));
}
