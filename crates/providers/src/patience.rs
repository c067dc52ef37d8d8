//! A limit on the calls around a charge that move no money, so that the whole still fits into a checkout (M1).

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// A moment until which harmless calls may run. Giving such a call up loses nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(Instant);

impl Patience {
    /// From now for `secs` seconds.
    pub(crate) fn of_secs(secs: u32) -> Self {
        Self(Instant::now() + Duration::from_secs(u64::from(secs)))
    }

    /// What `work` gives, or `None` when the moment comes first.
    pub(crate) async fn wait<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.0, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_and_finished_work_is_not() {
        let never = Patience::of_secs(0).wait(std::future::pending::<()>()).await;
        assert_eq!(never, None);
        assert_eq!(Patience::of_secs(5).wait(async { 7 }).await, Some(7));
    }
}
