//! What the database itself refuses, even past the store: changing what was written for good.

use domain::declines::Class;
use domain::ids::MerchantId;
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{attempts, subscriptions, timeline};
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

/// What every attempt has, and what else one may have when it is made.
const MADE: &str =
    "merchant_id, payment_id, order_id, gateway_id, gateway_kind, currency, card_id, card_fingerprint,
    why, created_at, checks, needs_person";

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_database_refuses_a_new_attempt_that_is_none(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    settled(&store, &attempt(id(1), 1, 1), &declined(Class::Soft)).await;
    let raw = &mut Raw::open(database.location()).await;
    let sound = ["'collect'", "'customer'", "'first'", "1", "'sending'", "NULL", "NULL", "NULL"];
    let mut made = async |number: u128, values: [&str; 8]| {
        let [purpose, initiator, route, minor, state, class, class_read, doubt] = values;
        let sql = format!(
            "INSERT INTO attempts (id, {MADE}, purpose, initiator, route, amount_minor, state, class, class_read, doubt)
             SELECT $1, {MADE}, {purpose}, {initiator}, {route}, {minor}, {state}, {class}, {class_read}, {doubt}
             FROM attempts WHERE id = $2"
        );
        raw.run(&sql, &[Uuid::from_u128(number), Uuid::from_u128(1)]).await
    };
    let wrong = ["'look'", "'bank'", "'second'", "-1", "'paid'", "'medium'", "'medium'", "NULL"]
        .into_iter()
        .enumerate();
    for (place, value) in wrong.filter(|(_, value)| *value != "NULL") {
        let mut values = sound;
        values[place] = value;
        let words = made(2, values).await.expect_err(value).to_string().to_lowercase();
        assert!(words.contains("check constraint"), "{value}: {words}");
    }
    for state in ["'approved'", "'declined'", "'not_executed'", "'in_doubt'", "'pending'"] {
        let mut values = sound;
        values[4] = state;
        let words = made(2, values).await.expect_err(state).to_string().to_lowercase();
        assert!(words.contains("check constraint"), "{state}: {words}");
    }
    assert_eq!(made(2, sound).await.unwrap(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_database_refuses_a_subscription_whose_columns_fit_no_status(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    write(&store, subscriptions::insert(&crate::subscriptions::subscription(id(1), 1))).await.unwrap();
    let raw = &mut Raw::open(database.location()).await;
    for change in [
        "status = 'running'",
        "cycle = 0",
        "slot = -1",
        "slot = 11",
        "initial_gateway_id = NULL, initial_reference = 'a'",
        "initial_gateway_id = id, initial_reference = NULL",
        "status = 'recycle_billing', slot = 0",
        "status = 'complete', next_action_at = 1",
        "status = 'cancelled', next_action_at = 1",
        "status = 'recycle_failed', next_action_at = 1",
    ] {
        let words = raw.run(&format!("UPDATE subscriptions SET {change}"), &[]).await.expect_err(change);
        assert!(words.to_string().to_lowercase().contains("check constraint"), "{change}: {words}");
    }
    for change in ["status = 'recycle_billing', slot = 1", "status = 'complete', next_action_at = NULL"] {
        assert_eq!(raw.run(&format!("UPDATE subscriptions SET {change}"), &[]).await.unwrap(), 1, "{change}");
    }
}
