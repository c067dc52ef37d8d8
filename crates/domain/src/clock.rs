//! Time and randomness as ports, and the ids that are minted from both.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::ids::Id;

/// Where the present moment comes from. One clock serves a whole process.
pub trait Clock: Send + Sync + Debug {
    /// The present moment, truncated to whole microseconds so that both databases return what was stored.
    fn now(&self) -> Timestamp;

    /// Whether people may move this clock. A database made under a movable clock never meets a real gateway (M31).
    fn is_movable(&self) -> bool {
        false
    }
}

/// Where unpredictable bytes come from.
pub trait Entropy: Send + Sync + Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// A clock that stands still until it is moved: for tests, the demo and the sandbox.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Mutex::new(now) }
    }

    /// Moves the clock forward by `by`; a clock never goes back by this call, and stops at the end of time.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if by.is_positive() {
            *now = now.saturating_add(by).unwrap_or(Timestamp::MAX);
        }
    }

    /// Sets the clock, backward too: clocks of machines are stepped, and we must survive it.
    pub fn set(&self, to: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_movable(&self) -> bool {
        true
    }
}

/// Mints ids from the clock and the entropy of the process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Minter {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// The millisecond of the newest id, and how many were minted in it.
    newest: Arc<Mutex<(u64, u32)>>,
}

impl Minter {
    /// A minter over the process's clock and entropy.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, newest: Arc::default() }
    }

    /// The present moment, as the clock of this minter shows it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock behind this minter.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The entropy behind this minter.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    /// A new id: UUID version 7 of the present millisecond and random bytes.
    pub fn mint<I: Id>(&self) -> I {
        I::from_uuid(self.uuid())
    }

    /// A bare UUID version 7, for keys that have no type of their own.
    ///
    /// Ids of one minter sort by the order of their minting, also within a millisecond: the 18 bits after the time
    /// count (RFC 9562 section 6.2, method 1).
    pub fn uuid(&self) -> Uuid {
        let mut random = [0_u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let count = {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            *newest = if newest.0 == millis { (millis, newest.1.wrapping_add(1)) } else { (millis, 0) };
            newest.1
        };
        let [_, high, middle, low] = (count << 6).to_be_bytes();
        let [first, second, third, ..] = &mut random;
        *first = high;
        *second = middle;
        *third = low >> 2;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// Entropy that counts up from a seed: the same seed mints the same ids. For tests and the simulation only.
#[derive(Debug)]
pub struct SeededEntropy {
    state: Mutex<u64>,
}

impl SeededEntropy {
    /// A sequence that follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }

    /// The next 64 bits (the generator of Steele, Lea and Flood, 2014).
    pub fn next_u64(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next_u64().to_le_bytes()) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::clone_on_ref_ptr, reason = "a clone that becomes a trait object reads better so")]
mod tests {
    use super::*;
    use crate::ids::OrderId;

    #[test]
    fn ids_sort_by_the_moment_they_were_minted() {
        let clock: Arc<ManualClock> =
            Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()));
        let minter = Minter::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
        let first: OrderId = minter.mint();
        clock.advance(SignedDuration::from_millis(1));
        let second: OrderId = minter.mint();
        assert!(first.uuid() < second.uuid());
        assert_eq!(first.uuid().get_version_num(), 7);
    }

    #[test]
    fn ids_of_one_millisecond_sort_by_the_order_of_their_minting() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()));
        let minter = Minter::new(clock, Arc::new(SeededEntropy::new(7)));
        let ids: Vec<Uuid> = (0..5_000).map(|_| minter.uuid()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_manual_clock_is_not_moved_back_by_advance() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(-5));
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }
}
