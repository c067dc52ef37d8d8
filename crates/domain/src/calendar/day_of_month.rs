//! Occurrences of a day of the month; a shorter month has its last day instead.

use jiff::civil::{Date, DateDifference};
use jiff::{Span, Unit};

/// The day `day` (1 to 31) of the month of `date`, `months` months on.
fn occurrence(date: Date, months: i64, day: i64) -> Date {
    let first = date.first_of_month();
    let month = Span::new().try_months(months).map_or(first, |span| first.saturating_add(span));
    let last = i64::from(month.days_in_month());
    let day = i8::try_from(day.clamp(1, last)).unwrap_or(1);
    month.with().day(day).build().unwrap_or(month)
}

/// The first such day on or after `date`.
pub(super) fn first_from(date: Date, day: i64) -> Date {
    let this = occurrence(date, 0, day);
    if this >= date { this } else { occurrence(date, 1, day) }
}

/// The such day nearest to `date` and after `floor`; the earlier one of two that are equally near.
pub(super) fn nearest(date: Date, day: i64, floor: Date) -> Date {
    let near = [-1, 0, 1].map(|months| occurrence(date, months, day));
    near.into_iter().filter(|one| *one > floor).min_by_key(|one| distance(date, *one)).unwrap_or(date)
}

fn distance(from: Date, to: Date) -> i64 {
    from.until(DateDifference::new(to).largest(Unit::Day))
        .map_or(i64::MAX, |span| i64::from(span.get_days()).saturating_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_shorter_month_has_its_last_day_instead() {
        assert_eq!(first_from(date(2027, 2, 3), 31), date(2027, 2, 28));
        assert_eq!(first_from(date(2028, 2, 3), 30), date(2028, 2, 29));
        assert_eq!(nearest(date(2027, 3, 2), 31, date(2027, 1, 31)), date(2027, 2, 28));
    }

    #[test]
    fn the_day_itself_is_the_first_and_the_day_after_leads_to_the_next_month() {
        assert_eq!(first_from(date(2027, 1, 15), 15), date(2027, 1, 15));
        assert_eq!(first_from(date(2027, 12, 16), 15), date(2028, 1, 15));
    }

    #[test]
    fn of_two_equally_near_days_the_earlier_one_is_taken_unless_it_is_past() {
        assert_eq!(nearest(date(2027, 3, 1), 15, date(2027, 1, 30)), date(2027, 2, 15));
        assert_eq!(nearest(date(2027, 3, 1), 15, date(2027, 2, 20)), date(2027, 3, 15));
    }
}
