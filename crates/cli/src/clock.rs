//! The machine's clock, read here and nowhere else.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::Clock;
use jiff::{SignedDuration, Timestamp};

/// The machine's clock, truncated to microseconds so that both databases return what was stored.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one reader of the machine's clock")]
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// The machine's clock plus an offset that people may add to: 21 days pass in a click. For the demo only.
#[derive(Debug, Default)]
pub(crate) struct DemoClock {
    offset_micros: AtomicI64,
}

impl DemoClock {
    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: SignedDuration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(0).max(0);
        self.offset_micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_micros(self.offset_micros.load(Ordering::SeqCst));
        SystemClock.now().saturating_add(offset).unwrap_or(Timestamp::MAX)
    }

    fn is_movable(&self) -> bool {
        true
    }
}
