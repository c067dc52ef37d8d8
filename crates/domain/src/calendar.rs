//! When a subscription is billed: local calendar days, in the account's time zone (crm.md sections 3.3 and 8, Q21, Q22, Q25).
//!
//! Everything counts from what really happened (the payment, the decline), never from a date that was missed: a
//! subscription that is several cycles overdue is billed once (M31).

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::subscription::Terms;

mod day_of_month;

/// The account's rule for the time of day.
#[derive(Debug, Clone, Copy)]
pub struct BillingTime<'a> {
    /// The account's time zone.
    pub time_zone: &'a TimeZone,
    /// Minutes after local midnight at which bills run, 0 to 1439.
    pub daily_minute: i64,
    /// Bills run at the local time of day of the original sale instead.
    pub at_sale_time: bool,
}

/// When the cycle after `paid_cycle` is billed, that one having been paid at `paid_at`; none after the final cycle.
///
/// The delay of the paid cycle (or the agreed interval) is counted in local calendar days. A fixed billing day moves
/// the date on to the first such day. A persistent rebill day moves it to the nearest occurrence of the day of the
/// month of the sale, the earlier one of two that are equally near, if the delay is about a month or several (Q25).
/// A month without that day has its last day instead. Always later than `paid_at`.
pub fn next_bill_at(
    terms: &Terms,
    paid_cycle: i64,
    paid_at: Timestamp,
    billing: &BillingTime<'_>,
) -> Option<Timestamp> {
    if terms.is_final(paid_cycle) {
        return None;
    }
    let delay = terms.delay_days(paid_cycle).max(1);
    let paid = billing.local_date(paid_at);
    let target = days_later(paid, delay);
    let date = if let Some(day) = terms.plan.fixed_billing_day {
        day_of_month::first_from(target, day)
    } else if terms.plan.persistent_rebill_day && is_months(delay) {
        let day = i64::from(billing.local_date(terms.sold_at).day());
        day_of_month::nearest(target, day, paid)
    } else {
        target
    };
    Some(billing.first_after(paid_at, date, terms.sold_at))
}

/// When a declined bill is tried again: `days` local days after `after` (at least one), moved on to a Saturday if asked
/// for; a Saturday stays (Q21, Q22).
pub fn slot_at(
    after: Timestamp,
    days: i64,
    saturday: bool,
    billing: &BillingTime<'_>,
    sold_at: Timestamp,
) -> Timestamp {
    let date = days_later(billing.local_date(after), days.max(1));
    let date = if saturday { saturday_from(date) } else { date };
    billing.first_after(after, date, sold_at)
}

/// The next local day: when billing is restarted (crm.md section 3.3).
pub fn tomorrow(now: Timestamp, billing: &BillingTime<'_>, sold_at: Timestamp) -> Timestamp {
    slot_at(now, 1, false, billing, sold_at)
}

/// The next time of day at which bills run: later today, or tomorrow (M23: a new card is billed in the next run).
pub fn next_run(now: Timestamp, billing: &BillingTime<'_>, sold_at: Timestamp) -> Timestamp {
    billing.first_after(now, billing.local_date(now), sold_at)
}

/// Whether a delay is about a whole number of months: from 28 to 31 days each.
fn is_months(days: i64) -> bool {
    let months = days.saturating_add(30).checked_div(31).unwrap_or(0);
    months >= 1 && days >= months.saturating_mul(28)
}

fn days_later(date: Date, days: i64) -> Date {
    Span::new().try_days(days).map_or(Date::MAX, |span| date.saturating_add(span))
}

fn saturday_from(date: Date) -> Date {
    let days = date.weekday().until(Weekday::Saturday);
    days_later(date, i64::from(days))
}

impl BillingTime<'_> {
    fn local_date(&self, at: Timestamp) -> Date {
        self.time_zone.to_datetime(at).date()
    }

    fn time_of_day(&self, sold_at: Timestamp) -> Time {
        if self.at_sale_time {
            return self.time_zone.to_datetime(sold_at).time();
        }
        let minute = self.daily_minute.clamp(0, 1439);
        let part = |value: Option<i64>| value.and_then(|value| i8::try_from(value).ok()).unwrap_or(0);
        let (hour, minute) = (part(minute.checked_div(60)), part(minute.checked_rem(60)));
        Time::new(hour, minute, 0, 0).unwrap_or(Time::midnight())
    }

    /// The first moment later than `after` that falls on `date`, or on a day after it, at the account's time of day.
    /// Where the clocks skip that time it is as much later; where they repeat it, it is the first of the two.
    fn first_after(&self, after: Timestamp, date: Date, sold_at: Timestamp) -> Timestamp {
        let time = self.time_of_day(sold_at);
        (0..=2)
            .map(|days| days_later(date, days).to_datetime(time))
            .filter_map(|local| self.time_zone.to_ambiguous_zoned(local).compatible().ok())
            .map(|zoned| zoned.timestamp())
            .find(|at| *at > after)
            // Only at the end of the calendar: there is no such local time.
            .unwrap_or_else(|| after.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX))
    }
}
