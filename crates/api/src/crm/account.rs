//! An account's time: dates as the CRM writes and reads them.

use domain::configuration::Account;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The clock on the account's wall.
#[derive(Debug, Clone)]
pub(crate) struct AccountTime(TimeZone);

impl AccountTime {
    /// Of this account.
    pub(crate) fn of(account: &Account) -> Self {
        Self(TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC))
    }

    /// `YYYY-MM-DD HH:MM:SS`, account-local, without an offset.
    pub(crate) fn show(&self, at: Timestamp) -> String {
        at.to_zoned(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The first moment of a day; none beyond the calendar's end.
    pub(crate) fn start_of(&self, day: Date) -> Option<Timestamp> {
        day.to_zoned(self.0.clone()).ok().map(|start| start.timestamp())
    }

    /// The first moment after a day.
    pub(crate) fn end_of(&self, day: Date) -> Option<Timestamp> {
        self.start_of(day.tomorrow().ok()?)
    }
}

/// Reads `m/d/Y` or `m/d/y`; a time behind it is ignored.
pub(crate) fn parse_day(text: &str) -> Option<Date> {
    let day = text.split_whitespace().next()?;
    let mut parts = day.split('/');
    let mut digits = || parts.next().filter(|part| part.bytes().all(|one| one.is_ascii_digit()));
    let (month, day, year) = (digits()?, digits()?, digits()?);
    let full = match year.len() {
        2 => year.parse::<i16>().ok()?.checked_add(2000)?,
        4 => year.parse().ok()?,
        _ => return None,
    };
    if parts.next().is_some() {
        return None;
    }
    Date::new(full, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("11/22/2026", Some((2026, 11, 22)))]
    #[case("1/2/26", Some((2026, 1, 2)))]
    #[case("01/02/2026 23:59:59", Some((2026, 1, 2)))]
    #[case("2/30/2026", None)]
    #[case("2026-11-22", None)]
    #[case("1/2/3/2026", None)]
    #[case("1/2", None)]
    #[case("1/2/226", None)]
    #[case("", None)]
    fn dates_are_read_month_first(#[case] text: &str, #[case] expected: Option<(i16, i8, i8)>) {
        let expected = expected.map(|(year, month, day)| Date::new(year, month, day).unwrap());
        assert_eq!(parse_day(text), expected);
    }

    #[test]
    fn a_day_ends_where_the_next_begins_also_when_clocks_change() {
        let time = AccountTime::of(&Account::default());
        let day = parse_day("11/1/2026").unwrap();
        let (start, end) = (time.start_of(day).unwrap(), time.end_of(day).unwrap());
        assert_eq!(end.duration_since(start).as_hours(), 25);
        assert_eq!(
            (time.show(start), time.show(end)),
            ("2026-11-01 00:00:00".into(), "2026-11-02 00:00:00".into())
        );
    }
}
