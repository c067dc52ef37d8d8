//! When an event is sent again.

use jiff::{SignedDuration, Timestamp};

/// Minutes from one try to the next; the last one repeats.
const MINUTES: [i64; 6] = [1, 5, 30, 120, 360, 720];
/// Nothing is sent more than so many hours after it happened.
const HOURS_MAX: i64 = 72;

/// When an event of that time, sent so often by now, is sent next; none once it was tried for long enough.
pub(super) fn next_try_at(created_at: Timestamp, tries: i64, now: Timestamp) -> Option<Timestamp> {
    let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(0);
    let minutes = MINUTES.get(place).or_else(|| MINUTES.last()).copied().unwrap_or(0);
    let next = now.checked_add(SignedDuration::from_mins(minutes)).ok()?;
    let end = created_at.checked_add(SignedDuration::from_hours(HOURS_MAX)).ok()?;
    (next <= end).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_apart_and_end_within_three_days() {
        let start = Timestamp::UNIX_EPOCH;
        let (mut now, mut tries, mut waits) = (start, 1, Vec::new());
        while let Some(next) = next_try_at(start, tries, now) {
            waits.push(next.duration_since(now).as_mins());
            (now, tries) = (next, tries + 1);
        }
        assert_eq!(waits, [1, 5, 30, 120, 360, 720, 720, 720, 720, 720]);
        assert!(now.duration_since(start) <= SignedDuration::from_hours(HOURS_MAX));
    }
}
