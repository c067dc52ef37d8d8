//! Bugs planted on purpose, as decorators of the ports: the checks must find each.

mod gateway;
mod list;
mod store;
mod wire;

use std::sync::Arc;

use gateways::{Connect, Transport};
use storage::Backend;

pub use self::list::{BUGS, Bug};

use self::gateway::PlantedConnect;
use self::store::PlantedBackend;
use self::wire::PlantedTransport;
use crate::scheduler::Scheduler;

/// What a planted bug does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plant {
    /// None.
    #[default]
    None,
    /// Steps of this name are left out of their transactions.
    Drops(&'static str),
    /// The argument at this place (from 0) of steps of this name is NULL.
    Nulls(&'static str, usize),
    /// The argument at this place (from 0) of steps of this name is one more.
    Raises(&'static str, usize),
    /// A transaction of this name is told as committed, and is not.
    Forgets(&'static str),
    /// A read of this name finds nothing.
    Blind(&'static str),
    /// A conflict is told as a commit.
    IgnoresConflicts,
    /// A request of this `type` to an acquirer is sent once more, as a new one.
    Repeats(&'static str),
    /// A lost answer to a charge is read as a decline.
    GuessesDeclined,
    /// A lost answer to a charge is read as a request that never left.
    GuessesNotSent,
    /// A lost answer to an operation is read as done.
    GuessesDone,
    /// A look at an open salvage says that it is cancelled.
    GuessesCancelled,
}

/// A bug, or none, and where it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Planted {
    pub(crate) plant: Plant,
    /// How the names of its processes begin.
    pub(crate) process: &'static str,
}

impl Planted {
    /// Where this one is.
    pub(crate) fn of(bug: Option<Bug>) -> Self {
        bug.map_or_else(Self::default, |bug| Self { plant: bug.plant, process: bug.process })
    }

    fn is_of(self, process: &str) -> bool {
        self.plant != Plant::None && process.starts_with(self.process)
    }

    /// The transport, bugged or not.
    pub(crate) fn transport(self, inner: Arc<dyn Transport>, process: &str) -> Arc<dyn Transport> {
        match self.plant {
            Plant::Repeats(kind) if self.is_of(process) => Arc::new(PlantedTransport { inner, kind }),
            _ => inner,
        }
    }

    /// The backend, bugged or not.
    pub(crate) fn backend(self, inner: Arc<dyn Backend>, process: &str) -> Arc<dyn Backend> {
        if self.is_of(process) { Arc::new(PlantedBackend { inner, plant: self.plant }) } else { inner }
    }

    /// The catalogue: bugged or not, it meets gateways that say what is not so.
    pub(crate) fn connect(
        self,
        inner: Arc<dyn Connect>,
        process: &str,
        scheduler: &Arc<Scheduler>,
    ) -> Arc<dyn Connect> {
        let plant = if self.is_of(process) { self.plant } else { Plant::None };
        Arc::new(PlantedConnect { inner, plant, scheduler: Arc::clone(scheduler) })
    }
}
