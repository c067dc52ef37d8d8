//! What the database itself refuses, even past the store: changing what was written for good.

use domain::declines::Class;
use domain::ids::MerchantId;
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{attempts, timeline};
use rstest::rstest;
use uuid::Uuid;

use crate::raw::Raw;
use crate::samples::{approved, at, attempt, declined, id, settled, write};

const INTENT: [&str; 14] = [
    "payment_id = $2",
    "order_id = $2",
    "purpose = 'hold'",
    "initiator = 'merchant'",
    "route = 'cascade'",
    "gateway_id = $2",
    "gateway_kind = 'other'",
    "amount_minor = 1",
    "currency = 'EUR'",
    "card_id = $2",
    "card_fingerprint = 'other'",
    "salvages = $2",
    "why = 'other'",
    "created_at = 1",
];

const APPROVAL: [&str; 9] = [
    "state = 'sending', settled_at = NULL, approved_minor = NULL",
    "settled_at = 1",
    "gateway_reference = 'other'",
    "gateway_reference = NULL",
    "approved_minor = 1",
    "text = 'other'",
    "auth_code = NULL",
    "avs = 'Z'",
    "cvv = 'Z'",
];

const DECLINE: [&str; 11] = [
    "code = 'other'",
    "reason = 'do_not_honor'",
    "class = 'hard'",
    "class_read = 'hard'",
    "network_code = NULL",
    "advice_code = '03'",
    "map_id = NULL",
    "text_shown = 'other'",
    "text = NULL",
    "state = 'approved', approved_minor = 1, class = NULL",
    "doubt = 'crash'",
];

/// Tries a change of one row, which must be refused by words of ours.
async fn assert_refused(raw: &mut Raw, change: &str, row: u128) {
    // Every id is used, whatever the change needs: PostgreSQL wants to know the type of each.
    let sql = format!("UPDATE attempts SET {change} WHERE id = $1 AND payment_id <> $2");
    let refused = raw.run(&sql, &[Uuid::from_u128(row), Uuid::from_u128(77)]).await;
    let words = refused.expect_err(change).to_string();
    assert!(words.contains("written once"), "{change}: {words}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_database_refuses_to_change_an_intent_or_a_written_outcome(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let ours: MerchantId = id(1);
    write(&store, attempts::insert(&attempt(ours, 1, 1))).await.unwrap();
    settled(&store, &attempt(ours, 2, 2), &approved()).await;
    settled(&store, &attempt(ours, 3, 3), &declined(Class::Soft)).await;
    write(&store, attempts::reverse(ours, id(2), at(5))).await.unwrap();

    let raw = &mut Raw::open(database.location()).await;
    let all = async || store.list_attempts_of_order(ours, id(2)).await.unwrap();
    let before = all().await;
    for change in INTENT {
        for row in 1..=3 {
            assert_refused(raw, change, row).await;
        }
    }
    for change in APPROVAL {
        assert_refused(raw, change, 2).await;
    }
    for change in DECLINE {
        assert_refused(raw, change, 3).await;
    }
    for change in ["reversed_at = NULL", "reversed_at = 1"] {
        assert_refused(raw, change, 2).await;
    }
    assert_eq!(all().await, before);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn attempts_are_never_deleted_and_the_timeline_is_append_only(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let line =
        timeline::Line { merchant_id: id(1), id: id(1), order_id: id(1), at: at(1), words: "Paid.".into() };
    write(&store, timeline::insert(&line)).await.unwrap();
    write(&store, attempts::insert(&attempt(id(1), 1, 1))).await.unwrap();
    let raw = &mut Raw::open(database.location()).await;
    for (sql, why) in [
        ("DELETE FROM attempts", "never deleted"),
        ("DELETE FROM timeline", "append-only"),
        ("UPDATE timeline SET words = 'Not paid.'", "append-only"),
    ] {
        let words = raw.run(sql, &[]).await.expect_err(sql).to_string();
        assert!(words.contains(why), "{sql}: {words}");
    }
    assert_eq!((raw.count("attempts").await, raw.count("timeline").await), (1, 1));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_database_refuses_an_attempt_whose_columns_fit_no_state(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, attempts::insert(&attempt(id(1), 1, 1))).await.unwrap();
    let raw = &mut Raw::open(database.location()).await;
    for change in [
        "state = 'paid'",
        "state = 'approved'",
        "state = 'approved', settled_at = 1",
        "state = 'declined', settled_at = 1",
        "state = 'not_executed', settled_at = 1",
        "state = 'in_doubt'",
        "settled_at = 1",
        "reversed_at = 1",
        "class = 'soft'",
    ] {
        let words = raw.run(&format!("UPDATE attempts SET {change}"), &[]).await.expect_err(change);
        assert!(words.to_string().to_lowercase().contains("check constraint"), "{change}: {words}");
    }
}
