//! A database that looks like a restored backup holds automatic charging (M31).

use domain::Clock;
use domain::card::mask_card_numbers;
use storage::alerts::{Audit, audit};
use storage::{Store, StoreError, Transaction, marks};

use crate::Charging;

/// Name of the mark that holds automatic charging after a restored backup; its value says why.
pub const CHARGING_HELD: &str = "charging_held";
/// Name of the mark that keeps the last heartbeat before automatic charging was held, RFC 3339.
pub const HELD_SINCE_BEAT: &str = "charging_held_since_beat";

/// An older newest heartbeat at start means a restored backup, seconds (M31).
const HEARTBEAT_SECS_MAX: i64 = 3_600;

/// Since when automatic charging is held, and why, when it is: this database looks like a restored backup (M31). To be
/// called before a process begins to work.
///
/// A newest heartbeat of more than an hour ago at start means that other processes may have charged since. The mark
/// stays until reconciliation has passed; whatever charges by itself asks for it first.
pub async fn hold_after_restore(store: &Store, clock: &dyn Clock) -> Result<Option<String>, StoreError> {
    if let Some(held) = store.find_mark(CHARGING_HELD).await? {
        return Ok(Some(held));
    }
    let Some(last) = store.last_heartbeat().await? else { return Ok(None) };
    let now = clock.now();
    if now.duration_since(last).as_secs() <= HEARTBEAT_SECS_MAX {
        return Ok(None);
    }
    let words = format!("since {now}: the last heartbeat is of {last}, so this may be a restored backup");
    let hold = Transaction::new("hold_charging")
        .with(marks::set(CHARGING_HELD, &words))
        .with(marks::set(HELD_SINCE_BEAT, &last.to_string()));
    store.commit(hold).await?;
    Ok(Some(words))
}

impl Charging {
    /// Lets automatic charging go on although reconciliation has not passed: a person has looked (M31). Audited for every
    /// merchant.
    pub async fn lift_hold(&self, actor: &str, note: &str) -> Result<bool, StoreError> {
        if self.store.find_mark(CHARGING_HELD).await?.is_none() {
            return Ok(false);
        }
        let mut transaction = Transaction::new("lift_hold").with(marks::clear(CHARGING_HELD));
        for merchant in self.store.list_merchants().await? {
            let what = "let automatic charging go on after a restored backup";
            transaction = transaction.with(audit(&Audit {
                merchant_id: merchant.id,
                id: self.minter.mint(),
                at: self.minter.now(),
                actor: actor.to_owned(),
                what: what.to_owned(),
                note: mask_card_numbers(note),
            }));
        }
        self.store.commit(transaction).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use domain::ManualClock;
    use storage::testing::{On, TestDatabase};

    use super::*;

    #[rstest::rstest]
    #[case::sqlite(On::Sqlite)]
    #[case::postgres(On::Postgres)]
    #[tokio::test]
    async fn m31_an_old_heartbeat_at_start_holds_automatic_charging(#[case] on: On) {
        let database = TestDatabase::new(on).await;
        let store = database.open().await;
        let clock = ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap());
        assert_eq!(hold_after_restore(&store, &clock).await.unwrap(), None, "a new database is no backup");
        store.commit(Transaction::new("beat").with(marks::beat("hub", clock.now()))).await.unwrap();
        clock.advance(jiff::SignedDuration::from_secs(3_600));
        assert_eq!(hold_after_restore(&store, &clock).await.unwrap(), None);
        clock.advance(jiff::SignedDuration::from_secs(1));
        let held = hold_after_restore(&store, &clock).await.unwrap().unwrap();
        store.commit(Transaction::new("beat").with(marks::beat("hub", clock.now()))).await.unwrap();
        assert_eq!(
            hold_after_restore(&store, &clock).await.unwrap(),
            Some(held),
            "a fresh beat does not lift it"
        );
        store.close().await;
    }
}
