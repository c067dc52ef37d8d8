//! Waiting for another process's charge: whoever waits goes on when the scheduler says so, not when real time has passed.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use charging::Pause;

use crate::process::Process;
use crate::scheduler::{Kind, Scheduler};

/// A process's way to wait.
#[derive(Debug)]
pub(crate) struct StoppedPause {
    pub(crate) process: Arc<Process>,
    pub(crate) scheduler: Arc<Scheduler>,
}

impl Pause for StoppedPause {
    fn wait(&self, _time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            // Whoever was crashed meanwhile finds out at the next call.
            let _ = self.scheduler.stop(&self.process, Kind::Wait, "for another charge").await;
        })
    }
}
