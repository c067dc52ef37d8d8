//! How often a key may ask for an access token: per process, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Length of a window, seconds.
const WINDOW_SECS: i64 = 60;
/// Wrong secrets for one key in a window; then its calls are refused unseen.
const WRONG_MAX: usize = 20;
/// Most keys that are remembered at once; beyond it the oldest windows are forgotten.
const KEYS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Window {
    began_at: Timestamp,
    calls: usize,
    wrong: usize,
}

/// Counts of the present minute.
#[derive(Debug, Default)]
pub(crate) struct TokenLimit {
    windows: Mutex<HashMap<String, Window>>,
}

impl TokenLimit {
    /// Counts a call of this key; whether it is within the limit.
    pub(crate) fn enter(&self, key: &str, calls_max: usize, now: Timestamp) -> bool {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= KEYS_MAX {
            windows.retain(|_, window| !is_over(window, now));
            if windows.len() >= KEYS_MAX {
                windows.clear();
            }
        }
        let fresh = Window { began_at: now, calls: 0, wrong: 0 };
        let window = windows.entry(key.to_owned()).or_insert(fresh);
        if is_over(window, now) {
            *window = fresh;
        }
        window.calls = window.calls.saturating_add(1);
        window.calls <= calls_max && window.wrong < WRONG_MAX
    }

    /// Counts a wrong secret.
    pub(crate) fn count_wrong(&self, key: &str) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get_mut(key) {
            window.wrong = window.wrong.saturating_add(1);
        }
    }
}

/// A clock that was set back begins a new window too.
fn is_over(window: &Window, now: Timestamp) -> bool {
    let age = now.duration_since(window.began_at).as_secs();
    !(0..WINDOW_SECS).contains(&age)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_key_is_held_up_for_the_rest_of_its_minute_and_others_are_not() {
        let (limit, start) = (TokenLimit::default(), Timestamp::UNIX_EPOCH);
        assert!(limit.enter("a", 2, start) && limit.enter("a", 2, start));
        assert!(!limit.enter("a", 2, start + SignedDuration::from_secs(59)));
        assert!(limit.enter("b", 2, start));
        assert!(limit.enter("a", 2, start + SignedDuration::from_secs(60)));
    }

    #[test]
    fn guessing_a_secret_ends_after_a_few_tries() {
        let (limit, start) = (TokenLimit::default(), Timestamp::UNIX_EPOCH);
        let tries = (0..100).take_while(|_| {
            let within = limit.enter("a", 1_000, start);
            limit.count_wrong("a");
            within
        });
        assert_eq!(tries.count(), WRONG_MAX);
    }
}
