//! When a managed recovery is worked on: fixed days after it was handed over.

use jiff::{SignedDuration, Timestamp};

/// Days after the hand-over; the first step is at once.
const DAYS: [i64; 8] = [0, 1, 3, 5, 8, 12, 16, 20];
/// The last step leaves so much time for a lost answer to be cleared up, minutes.
const MARGIN_MINUTES: i64 = 60;

/// The next step: the ladder's first one after `now`, but not before `not_before`; or the end of the recovery when no
/// step is left.
pub(super) fn next_at(
    created_at: Timestamp,
    expires_at: Timestamp,
    now: Timestamp,
    not_before: Timestamp,
) -> Timestamp {
    let margin = SignedDuration::from_mins(MARGIN_MINUTES);
    DAYS.iter()
        .filter_map(|days| created_at.checked_add(SignedDuration::from_hours(days.saturating_mul(24))).ok())
        .find(|at| *at > now)
        .map(|at| at.max(not_before))
        .filter(|at| at.checked_add(margin).is_ok_and(|end| end <= expires_at))
        .unwrap_or(expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(days * 24)
    }

    #[test]
    fn steps_follow_the_ladder_until_the_end() {
        let mut at = day(0);
        let mut days = Vec::new();
        while at < day(21) {
            at = next_at(day(0), day(21), at, at);
            days.push(at.duration_since(day(0)).as_hours() / 24);
        }
        assert_eq!(days, [1, 3, 5, 8, 12, 16, 20, 21]);
    }

    #[test]
    fn no_step_is_made_in_the_last_hour_and_late_ones_are_passed_over() {
        assert_eq!(next_at(day(0), day(3), day(1), day(1)), day(3));
        let just = day(3) + SignedDuration::from_hours(1);
        assert_eq!(next_at(day(0), just, day(1), day(1)), day(3));
        assert_eq!(next_at(day(0), day(21), day(9), day(9)), day(12));
    }

    #[test]
    fn advice_to_wait_moves_a_step_and_never_beyond_the_end() {
        let late = day(1) + SignedDuration::from_secs(5);
        assert_eq!(next_at(day(0), day(21), day(0), late), late);
        assert_eq!(next_at(day(0), day(21), day(0), day(10)), day(10));
        assert_eq!(next_at(day(0), day(5), day(0), day(10)), day(5));
    }
}
