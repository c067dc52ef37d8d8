//! Open connections, each lent to one caller at a time.
//!
//! sqlx's own pool asks a connection for a sign of life whenever it comes back, in a task of its own: one more message
//! for every statement. Here the borrower says whether the connection may be used again, and one that is dropped with
//! work under way is never lent again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::StoreError;

/// A connection that was idle for less is used without asking first whether it still lives.
const ASK_AFTER_IDLE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is closed.
const IDLE_MAX: Duration = Duration::from_mins(10);
/// A connection is not kept for longer: what a server remembers for it (plans, caches) does not grow without end.
const LIFE_MAX: Duration = Duration::from_mins(30);
/// How long a caller waits for a connection.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// How connections of this kind are made.
type Options<C> = <C as Connection>::Options;

#[derive(Debug)]
struct Held<C> {
    connection: C,
    made: Instant,
    used: Instant,
}

/// The connections.
#[derive(Debug)]
pub(crate) struct Lender<C: Connection> {
    options: Options<C>,
    count_max: u32,
    permits: Semaphore,
    idle: Mutex<Vec<Held<C>>>,
}

/// A connection on loan. Dropped, it is closed; [`Lender::take_back`] keeps it.
#[derive(Debug)]
pub(crate) struct Lent<'a, C> {
    /// The connection.
    pub(crate) connection: C,
    made: Instant,
    permit: SemaphorePermit<'a>,
}

impl<C: Connection> Lender<C> {
    /// None yet; at most `count_max` at once, at least one.
    pub(crate) fn new(options: Options<C>, count_max: u32) -> Self {
        let count_max = count_max.max(1);
        let permits = usize::try_from(count_max).unwrap_or(Semaphore::MAX_PERMITS);
        let permits = Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        Self { options, count_max, permits, idle: Mutex::default() }
    }

    /// A connection: the one used last, or a new one. Callers wait in line.
    pub(crate) async fn lend(&self) -> Result<Lent<'_, C>, StoreError> {
        if let Ok(permit) = self.permits.try_acquire()
            && let Some(held) = self.pop_fresh()
        {
            return Ok(Lent { connection: held.connection, made: held.made, permit });
        }
        #[expect(clippy::disallowed_methods, reason = "a database that hangs is real time, not the clock's")]
        let lent = tokio::time::timeout(WAIT_MAX, self.lend_slowly()).await;
        lent.unwrap_or_else(|_| Err(StoreError::unavailable("no connection was to be had in time")))
    }

    async fn lend_slowly(&self) -> Result<Lent<'_, C>, StoreError> {
        let permit = self.permits.acquire().await.map_err(StoreError::unavailable)?;
        while let Some(mut held) = self.pop() {
            if held.used.elapsed() < ASK_AFTER_IDLE || held.connection.ping().await.is_ok() {
                return Ok(Lent { connection: held.connection, made: held.made, permit });
            }
        }
        let connection = self.options.connect().await.map_err(StoreError::unavailable)?;
        Ok(Lent { connection, made: Instant::now(), permit })
    }

    fn pop_fresh(&self) -> Option<Held<C>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop_if(|newest| newest.used.elapsed() < ASK_AFTER_IDLE)
    }

    fn pop(&self) -> Option<Held<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a connection whose work is done and whose server is well.
    pub(crate) fn take_back(&self, lent: Lent<'_, C>) {
        if lent.made.elapsed() >= LIFE_MAX || self.permits.is_closed() {
            return;
        }
        let held = Held { connection: lent.connection, made: lent.made, used: Instant::now() };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(held);
        // The longest unused one is at the bottom.
        let is_old = idle.first().is_some_and(|oldest| oldest.used.elapsed() >= IDLE_MAX);
        let gone = is_old.then(|| idle.remove(0));
        drop(idle);
        drop(gone);
        // The permit goes last: who waits for it finds the connection.
        drop(lent.permit);
    }

    /// Waits for what is lent, and closes all.
    pub(crate) async fn close(&self) {
        let _all = self.permits.acquire_many(self.count_max).await;
        self.permits.close();
        while let Some(held) = self.pop() {
            if let Err(error) = held.connection.close().await {
                tracing::debug!(error = %error, "A connection was not closed cleanly");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{Row as _, Sqlite};

    use super::*;

    fn lender(count_max: u32) -> Lender<SqliteConnection> {
        Lender::new(SqliteConnectOptions::new().in_memory(true), count_max)
    }

    /// What a connection was marked with; 0 for a new one.
    async fn mark(lent: &mut Lent<'_, SqliteConnection>) -> i64 {
        let row = sqlx::query::<Sqlite>("PRAGMA user_version").fetch_one(&mut lent.connection).await.unwrap();
        row.get(0)
    }

    async fn set_mark(lent: &mut Lent<'_, SqliteConnection>) {
        sqlx::query::<Sqlite>("PRAGMA user_version = 7").execute(&mut lent.connection).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_was_given_back_is_lent_again() {
        let lender = lender(2);
        let mut lent = lender.lend().await.unwrap();
        set_mark(&mut lent).await;
        lender.take_back(lent);
        let mut again = lender.lend().await.unwrap();
        let mut other = lender.lend().await.unwrap();
        assert_eq!((mark(&mut again).await, mark(&mut other).await), (7, 0));
    }

    #[tokio::test]
    async fn a_connection_that_was_dropped_is_not_lent_again() {
        let lender = lender(1);
        let mut lent = lender.lend().await.unwrap();
        set_mark(&mut lent).await;
        drop(lent);
        assert_eq!(mark(&mut lender.lend().await.unwrap()).await, 0);
    }

    #[tokio::test]
    async fn who_comes_when_all_are_lent_waits_for_one() {
        let lender = lender(1);
        let mut lent = lender.lend().await.unwrap();
        set_mark(&mut lent).await;
        let waiting = async { mark(&mut lender.lend().await.unwrap()).await };
        let giving = async { lender.take_back(lent) };
        let (found, ()) = tokio::join!(waiting, giving);
        assert_eq!(found, 7);
    }

    #[tokio::test]
    async fn nothing_is_lent_after_the_end_which_waits_for_what_is_lent() {
        let lender = lender(2);
        let lent = lender.lend().await.unwrap();
        let mut closing = Box::pin(lender.close());
        tokio::select! {
            biased;
            () = &mut closing => panic!("it did not wait"),
            () = tokio::task::yield_now() => {}
        }
        lender.take_back(lent);
        closing.await;
        assert!(lender.lend().await.is_err());
    }
}
