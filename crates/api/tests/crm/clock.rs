//! A clock that moves one microsecond at each look, so that what happens later is later, and by hand.

use std::sync::Mutex;

use domain::Clock;
use jiff::{SignedDuration, Timestamp};

/// The clock.
#[derive(Debug)]
pub(crate) struct TickingClock(Mutex<Timestamp>);

impl TickingClock {
    /// From this moment on.
    pub(crate) fn new(from: &str) -> Self {
        Self(Mutex::new(from.parse().unwrap()))
    }

    /// Moves it forward.
    pub(crate) fn advance(&self, secs: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(secs);
    }
}

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_micros(1);
        *now
    }

    fn is_movable(&self) -> bool {
        true
    }
}
