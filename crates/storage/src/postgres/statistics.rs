//! Statistics of a young database.
//!
//! PostgreSQL keeps the plan of a prepared statement. One made while the tables are empty takes any index for as good as
//! any other, and may read every row of a merchant to find one, until the server's own `ANALYZE` comes by: a minute
//! later or more (<https://www.postgresql.org/docs/current/routine-vacuuming.html>). So the first transactions of a young
//! database take the statistics themselves, while that costs some milliseconds; all plans are made anew then.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{PgConnection, Postgres, Row as _};

/// A table with fewer known rows is young; PostgreSQL says -1 before the first count.
const ROWS_MIN: f32 = 10_000.0;
/// The tables that grow with every sale and every bill. All tables, those of the server's own catalogue among them, take
/// fifteen times as long.
const ANALYZE: &str =
    "ANALYZE attempts, orders, payments, cards, card_budgets, checkout_guards, events, fulfilments,
    timeline, subscriptions, volumes, operations, recoveries, platform_events";
/// After how many transactions of this process they are taken.
const AFTER: [u64; 3] = [100, 1_000, 10_000];

/// Counts the transactions of a young database.
#[derive(Debug)]
pub(super) struct Statistics {
    is_young: bool,
    transactions: AtomicU64,
}

impl Statistics {
    /// Looks whether the database is young.
    pub(super) async fn of(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let sql = "SELECT reltuples FROM pg_catalog.pg_class WHERE oid = 'attempts'::regclass";
        let row = sqlx::query::<Postgres>(sql).fetch_one(connection).await?;
        let is_young = row.try_get::<f32, _>(0)? < ROWS_MIN;
        Ok(Self { is_young, transactions: AtomicU64::new(0) })
    }

    /// Counts a transaction; after some of them the statistics are taken. That it fails is nobody's trouble but speed's.
    pub(super) async fn count(&self, connection: &mut PgConnection) {
        if !self.is_young {
            return;
        }
        let count = self.transactions.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if !AFTER.contains(&count) {
            return;
        }
        if let Err(error) = sqlx::query::<Postgres>(ANALYZE).execute(connection).await {
            tracing::warn!(error = %error, "The statistics of a young database were not taken");
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;
    use crate::store::Location;
    use crate::testing::{On, TestDatabase};

    /// Whether the server has statistics of an empty table: 0 rows known, not -1.
    async fn is_analyzed(connection: &mut PgConnection) -> bool {
        let sql = "SELECT reltuples >= 0 FROM pg_catalog.pg_class WHERE oid = 'orders'::regclass";
        sqlx::query::<Postgres>(sql).fetch_one(connection).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn a_young_database_takes_its_statistics_after_its_first_transactions() {
        let home = TestDatabase::new(On::Postgres).await;
        home.open().await.close().await;
        let Location::Postgres { url, .. } = home.location() else { panic!("it is on PostgreSQL") };
        let mut connection = PgConnection::connect(url).await.unwrap();
        let statistics = Statistics::of(&mut connection).await.unwrap();
        for _ in 1..AFTER[0] {
            statistics.count(&mut connection).await;
        }
        assert!(!is_analyzed(&mut connection).await);
        statistics.count(&mut connection).await;
        assert!(is_analyzed(&mut connection).await);
    }
}
