//! Work beside a server: it goes on until the server ends, and ends the server when it ends by itself.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Loops beside a server. A server whose bills nobody runs any more must not look as if all were well: when a loop ends
/// before it was told to (it panicked), the server ends too, and whoever keeps the process starts it anew.
#[derive(Debug, Default)]
pub(crate) struct Background {
    ending: CancellationToken,
    ended: CancellationToken,
}

impl Background {
    /// Tells a loop to end.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Starts a loop.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let guard = self.ended.clone().drop_guard();
        tokio::spawn(async move {
            let _guard = guard;
            work.await;
        })
    }

    /// Ends when the process is told to, or as soon as a loop has ended.
    pub(crate) fn stop_or_failure(
        &self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let ended = self.ended.clone();
        async move {
            tokio::select! {
                () = stop => {}
                () = ended.cancelled() => tracing::error!("Work beside the server ended; the server ends too"),
            }
        }
    }

    /// Tells all loops to end.
    pub(crate) fn end(&self) {
        self.ending.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_loop_that_ends_by_itself_ends_the_server_and_is_told() {
        let work = Background::default();
        let well = work.spawn({
            let ending = work.ending();
            async move { ending.cancelled().await }
        });
        let ill = work.spawn(async { std::panic::resume_unwind(Box::new("broken")) });
        work.stop_or_failure(pending()).await;
        work.end();
        well.await.unwrap();
        assert!(ill.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn a_server_that_is_told_to_end_ends_its_loops() {
        let work = Background::default();
        let looping = work.spawn(work.ending().cancelled_owned());
        work.stop_or_failure(std::future::ready(())).await;
        work.end();
        looping.await.unwrap();
    }
}
