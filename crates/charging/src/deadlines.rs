//! How long to leave a call alone before somebody else takes it up. All of it follows from how long a call may take.

use jiff::{SignedDuration, Timestamp};

use crate::Charging;

/// Seconds after which an attempt or operation that is still `sending` is taken up at the earliest, beside the longest
/// checkout: its process has died.
pub const TAKE_UP_AFTER_SECS: i64 = 70;
/// Seconds beyond the longest call for everything around it: two commits, a busy machine.
const MARGIN_SECS: i64 = 30;
/// Seconds that a lease lasts at least.
const LEASE_SECS_MIN: i64 = 120;
/// Most calls of one step: ask, fence, ask again, undo.
const CALLS_OF_A_STEP: i64 = 4;

impl Charging {
    /// When a new attempt is taken up if its process dies: after the checkout's budget and the longest call.
    pub fn take_up_at(&self, budget_secs: i64) -> Timestamp {
        later(self.minter.now(), budget_secs.saturating_add(self.take_up_after_secs()))
    }

    /// When an operation that is still `sending` is taken up.
    pub fn operation_take_up_at(&self) -> Timestamp {
        later(self.minter.now(), self.take_up_after_secs())
    }

    /// When a lease taken now ends: after every call of a step.
    pub(crate) fn lease_until(&self) -> Timestamp {
        let calls = self.connections.call_secs_max().saturating_mul(CALLS_OF_A_STEP);
        later(self.minter.now(), calls.saturating_add(MARGIN_SECS).max(LEASE_SECS_MIN))
    }

    /// Longer than any call of this process: nobody takes up what may still be under way.
    pub(crate) fn take_up_after_secs(&self) -> i64 {
        self.connections.call_secs_max().saturating_add(MARGIN_SECS).max(TAKE_UP_AFTER_SECS)
    }
}

/// So many seconds after a moment.
pub(crate) fn later(from: Timestamp, secs: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}
