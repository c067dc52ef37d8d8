//! What is under way in a step: each a task of its own, as callers and workers are.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, Id, JoinSet};

/// A call or a worker's pass that is under way.
#[derive(Debug)]
struct Running {
    name: &'static str,
    may_hang_up: bool,
    abort: AbortHandle,
}

/// Everything under way in a step.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    set: JoinSet<String>,
    running: BTreeMap<Id, Running>,
    gates: Vec<oneshot::Sender<()>>,
}

impl Operations {
    /// All of them set off together: otherwise the order of their first calls would depend on how long the reads took
    /// by which they were chosen.
    pub(crate) fn set_off(&mut self) {
        for gate in self.gates.drain(..) {
            // Whoever waits at a gate is among the running.
            let _ = gate.send(());
        }
    }

    /// Begins one; `act` says in words how it ended.
    pub(crate) fn begin(&mut self, name: &'static str, act: impl Future<Output = String> + Send + 'static) {
        self.begin_with(name, false, act);
    }

    /// Begins one whose caller may hang up.
    pub(crate) fn begin_call(
        &mut self,
        name: &'static str,
        act: impl Future<Output = String> + Send + 'static,
    ) {
        self.begin_with(name, true, act);
    }

    fn begin_with(
        &mut self,
        name: &'static str,
        may_hang_up: bool,
        act: impl Future<Output = String> + Send + 'static,
    ) {
        let (open, gate) = oneshot::channel();
        self.gates.push(open);
        let abort = self.set.spawn(async move {
            let _ = gate.await;
            act.await
        });
        self.running.insert(abort.id(), Running { name, may_hang_up, abort });
    }

    /// The ends of those that have ended, in words.
    pub(crate) fn reap(&mut self) -> Vec<String> {
        let mut ended = Vec::new();
        while let Some(one) = self.set.try_join_next_with_id() {
            let (id, words) = match one {
                Ok((id, words)) => (id, words),
                Err(error) => (
                    error.id(),
                    if error.is_cancelled() { "hung up".to_owned() } else { format!("PANIC {error}") },
                ),
            };
            let name = self.running.remove(&id).map_or("", |running| running.name);
            ended.push(format!("{name}: {words}"));
        }
        ended
    }

    /// How many are under way.
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }

    /// The first caller hangs up; whether there was one.
    pub(crate) fn hang_up(&self) -> bool {
        let caller = self.running.values().find(|one| one.may_hang_up && !one.abort.is_finished());
        if let Some(caller) = caller {
            caller.abort.abort();
        }
        caller.is_some()
    }
}
