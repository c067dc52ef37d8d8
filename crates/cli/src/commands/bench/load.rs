//! Threads of their own for everything that is not the hub, so that the hub's processor time can be told apart.

use std::future::Future;

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinHandle, JoinSet};

/// The name of those threads.
pub(super) const THREAD_NAME: &str = "bench-load";

/// The threads. Dropped, what still runs on them is left behind.
#[derive(Debug)]
pub(super) struct Load(Option<Runtime>);

impl Load {
    /// Starts one thread: half of two cores, and less than that is needed.
    pub(super) fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name(THREAD_NAME).enable_all().build();
        Ok(Self(Some(runtime.context("cannot start the load generator's thread")?)))
    }

    fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it is taken only when dropped").handle()
    }

    /// Runs a task there.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle().spawn(task)
    }

    /// Runs tasks there and waits for all of them.
    pub(super) async fn all<T, F>(&self, tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut set = JoinSet::new();
        for task in tasks {
            set.spawn_on(task, self.handle());
        }
        all_of(set).await
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A runtime may not be ended while another one waits for it.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits for all of them.
pub(super) async fn all_of<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.context("a caller ended badly")??);
    }
    Ok(results)
}
