//! What goes wrong, and how often.

use crate::dice::Dice;

/// How often each fault strikes, in a thousand calls, and what struck.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    /// A call fails before it acts.
    pub(crate) fail: u64,
    /// A call acts and its answer is lost.
    pub(crate) lose: u64,
    /// Its process crashes, in ten thousand calls.
    pub(crate) crash: u64,
    /// A report is doubled, or comes late.
    pub(crate) webhook: u64,
    /// A salvage service says that it has given up, and goes on.
    pub(crate) lie: u64,
    /// The clock moves while calls wait.
    pub(crate) delay: u64,
    /// A caller hangs up.
    pub(crate) hang_up: u64,
}

impl Rates {
    /// How much goes wrong in a seed: a third of them are calm, a third rough.
    pub(crate) fn of(dice: &Dice) -> Self {
        match dice.below(3) {
            0 => Self { fail: 0, lose: 0, crash: 0, webhook: 0, lie: 0, delay: 2, hang_up: 0 },
            1 => Self { fail: 2, lose: 2, crash: 2, webhook: 60, lie: 150, delay: 10, hang_up: 5 },
            _ => Self { fail: 8, lose: 6, crash: 12, webhook: 200, lie: 400, delay: 20, hang_up: 20 },
        }
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])+ $name:ident = $shown:literal,)+) => {
        /// How often something happened.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])+ pub $name: u64,)+
        }

        impl Counts {
            /// Adds another seed's.
            pub fn add(&mut self, other: &Self) {
                $(self.$name = self.$name.saturating_add(other.$name);)+
            }

            /// Each with its name.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$(($shown, self.$name),)+]
            }
        }
    };
}

counts! {
    /// Calls let go on by the scheduler.
    calls = "calls scheduled",
    /// Store calls that failed before acting.
    store_failed = "store calls failed",
    /// Transactions whose answer was lost.
    store_lost = "commits whose answer was lost",
    /// Requests that provably never left.
    not_sent = "requests not sent",
    /// Requests lost on their way.
    dropped = "requests dropped",
    /// Requests that acted, and whose answer was lost.
    answer_lost = "answers lost",
    /// Crashes before a call acted.
    crashed_before = "crashes before acting",
    /// Crashes after a call acted.
    crashed_after = "crashes after acting",
    /// Reports sent twice.
    webhook_doubled = "webhooks doubled",
    /// Reports that came again later.
    webhook_late = "webhooks late",
    /// Salvages that were said to be given up, and were not.
    lies = "salvages said to be given up",
    /// Callers who hung up.
    hung_up = "callers hung up",
    /// Clock moves amid calls.
    delayed = "delays amid calls",
    /// Clock moves backward.
    clock_back = "clock set back",
    /// Faults of the acquirers themselves.
    acquirer = "faults of acquirers",
    /// Databases that were put back to an earlier copy.
    restored = "databases put back to a copy",
}
