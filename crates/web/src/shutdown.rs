//! An orderly end: one signal that everybody hears, and a tracker for what must not be cut off.

use std::io;

use tokio_util::sync::CancellationToken;

/// Tracks tasks that must finish before the process ends: charges are spawned on it. Close it, then wait for it.
pub use tokio_util::task::TaskTracker as Tracker;

/// The wish to end, heard by all clones. It is never taken back.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal; giving it again does nothing.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether the signal was given.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Ends once the signal was given, at once if it was already. Fit for [`serve`](crate::serve::serve).
    pub fn requested(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.clone().cancelled_owned()
    }
}

/// Ends when the process is told to end (SIGINT or SIGTERM). The process listens from this call on, not only from the
/// first poll, and no longer ends by itself. Errors: the system refuses a handler.
#[cfg(unix)]
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        tracing::info!("Received {name}: no new requests are taken, those under way are finished");
    })
}

/// Ends when the process is told to end (Ctrl-C).
#[cfg(not(unix))]
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Cannot listen for Ctrl-C: {error}");
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_the_signal() {
        let shutdown = Shutdown::new();
        let (early, clone) = (shutdown.requested(), shutdown.clone());
        assert!(!clone.is_requested());
        shutdown.request();
        shutdown.request();
        early.await;
        clone.requested().await;
        assert!(clone.is_requested());
    }
}
