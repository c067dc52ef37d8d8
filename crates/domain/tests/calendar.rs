//! When bills run: time zones, clock changes, days of the month, Saturdays.
#![cfg(test)]

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;
use recoup_domain::calendar::{BillingTime, next_bill_at, next_run, slot_at, tomorrow};
use recoup_domain::plan::Plan;
use recoup_domain::subscription::Terms;
use recoup_domain::{Currency, Money};

const ZONES: [&str; 7] = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "UTC",
];
const NINE: i64 = 9 * 60;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn local(zone: &TimeZone, text: &str) -> Timestamp {
    zone.to_ambiguous_zoned(text.parse::<DateTime>().unwrap()).compatible().unwrap().timestamp()
}

fn shown(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%dT%H:%M").to_string()
}

fn terms(days: i64, sold_at: Timestamp) -> Terms {
    let zero = Money::zero(Currency::USD);
    Terms {
        product_number: 1,
        name: String::new(),
        sku: String::new(),
        quantity: 1,
        currency: Currency::USD,
        is_shippable: true,
        plan: Plan::every(days, zero, zero),
        price: None,
        price_once: false,
        shipping: None,
        interval_days: None,
        final_cycle: None,
        sold_at,
    }
}

fn at_nine(time_zone: &TimeZone) -> BillingTime<'_> {
    BillingTime { time_zone, daily_minute: NINE, at_sale_time: false }
}

fn at_sale(time_zone: &TimeZone) -> BillingTime<'_> {
    BillingTime { time_zone, daily_minute: NINE, at_sale_time: true }
}

/// The next bill of a subscription sold and paid at local times, as local time.
fn next(zone: &TimeZone, terms: &Terms, paid: &str) -> String {
    shown(zone, next_bill_at(terms, 1, local(zone, paid), &at_nine(zone)).unwrap())
}

#[test]
fn days_are_local_calendar_days_whatever_the_clocks_do() {
    let berlin = zone("Europe/Berlin");
    let terms = terms(1, local(&berlin, "2027-03-01T23:30"));
    assert_eq!(next(&berlin, &terms, "2027-03-27T23:30"), "2027-03-28T09:00", "clocks go forward that day");
    assert_eq!(next(&berlin, &terms, "2027-10-30T00:10"), "2027-10-31T09:00", "clocks go back that day");
}

#[test]
fn a_time_of_day_that_the_clocks_skip_is_as_much_later_and_a_repeated_one_is_the_first() {
    let york = zone("America/New_York");
    let skipped = terms(1, local(&york, "2027-01-01T02:30"));
    let billing = at_sale(&york);
    let at = next_bill_at(&skipped, 1, local(&york, "2027-03-13T12:00"), &billing).unwrap();
    assert_eq!(shown(&york, at), "2027-03-14T03:30");
    let repeated = terms(1, local(&york, "2027-01-01T01:30"));
    let at = next_bill_at(&repeated, 1, local(&york, "2027-11-06T12:00"), &billing).unwrap();
    assert_eq!(at, "2027-11-07T05:30:00Z".parse::<Timestamp>().unwrap(), "the summer one of the two");
    let howe = zone("Australia/Lord_Howe");
    let half_hour = terms(1, local(&howe, "2027-01-01T02:15"));
    let at = next_bill_at(&half_hour, 1, local(&howe, "2027-10-02T12:00"), &at_sale(&howe)).unwrap();
    assert_eq!(shown(&howe, at), "2027-10-03T02:45", "half an hour is skipped there");
}

#[test]
fn a_day_that_a_country_skipped_altogether_is_billed_the_day_after() {
    let apia = zone("Pacific/Apia");
    let at = slot_at(local(&apia, "2011-12-29T20:00"), 1, false, &at_nine(&apia), Timestamp::UNIX_EPOCH);
    assert_eq!(shown(&apia, at), "2011-12-31T09:00");
}

#[test]
fn after_the_final_cycle_nothing_is_billed() {
    let utc = TimeZone::UTC;
    let mut terms = terms(30, Timestamp::UNIX_EPOCH);
    terms.final_cycle = Some(3);
    let next = |cycle| next_bill_at(&terms, cycle, local(&utc, "2027-01-01T00:00"), &at_nine(&utc));
    assert!(next(2).is_some());
    assert_eq!((next(3), next(4)), (None, None));
}

#[test]
fn the_delay_is_the_paid_cycles_and_an_agreed_interval_goes_before_it() {
    let utc = TimeZone::UTC;
    let mut terms = terms(14, Timestamp::UNIX_EPOCH);
    let mut second = terms.plan.cycles[0].clone();
    second.delay_days = 30;
    terms.plan.cycles.push(second);
    let next = |terms: &Terms, cycle| {
        shown(&utc, next_bill_at(terms, cycle, local(&utc, "2027-01-01T12:00"), &at_nine(&utc)).unwrap())
    };
    assert_eq!(next(&terms, 1), "2027-01-15T09:00");
    assert_eq!([next(&terms, 2), next(&terms, 9)], ["2027-01-31T09:00", "2027-01-31T09:00"]);
    terms.interval_days = Some(7);
    assert_eq!(next(&terms, 2), "2027-01-08T09:00");
}

#[test]
fn m31_what_is_overdue_by_several_cycles_is_billed_once_and_counts_on_from_its_payment() {
    let utc = TimeZone::UTC;
    let terms = terms(30, local(&utc, "2027-01-01T12:00"));
    assert_eq!(next(&utc, &terms, "2027-06-15T12:00"), "2027-07-15T09:00");
}

#[test]
fn a_fixed_billing_day_is_the_first_one_on_or_after_the_delay() {
    let york = zone("America/New_York");
    let mut terms = terms(30, local(&york, "2027-01-01T12:00"));
    terms.plan.fixed_billing_day = Some(31);
    assert_eq!(next(&york, &terms, "2027-01-01T12:00"), "2027-01-31T09:00", "the very day");
    assert_eq!(next(&york, &terms, "2027-01-02T12:00"), "2027-02-28T09:00", "a shorter month");
    terms.plan.fixed_billing_day = Some(1);
    assert_eq!(next(&york, &terms, "2027-01-03T12:00"), "2027-03-01T09:00");
}

#[test]
fn a_persistent_rebill_day_is_the_local_day_of_the_sale_also_after_recycling() {
    let york = zone("America/New_York");
    // The 31st in New York, the 1st in UTC.
    let mut terms = terms(30, local(&york, "2027-01-31T22:00"));
    terms.plan.persistent_rebill_day = true;
    assert_eq!(next(&york, &terms, "2027-01-31T22:00"), "2027-02-28T09:00");
    assert_eq!(next(&york, &terms, "2027-02-28T09:01"), "2027-03-31T09:00");
    assert_eq!(next(&york, &terms, "2027-03-09T09:00"), "2027-03-31T09:00", "collected nine days late");
    terms.interval_days = Some(90);
    assert_eq!(next(&york, &terms, "2027-01-31T22:00"), "2027-04-30T09:00", "three months");
    terms.interval_days = Some(14);
    assert_eq!(
        next(&york, &terms, "2027-02-01T09:00"),
        "2027-02-15T09:00",
        "a fortnight has no day of the month"
    );
}

#[test]
fn q22_a_re_attempt_moves_on_to_a_saturday_and_a_saturday_stays() {
    let york = zone("America/New_York");
    let slot = |days| {
        shown(
            &york,
            slot_at(local(&york, "2027-01-05T09:00"), days, true, &at_nine(&york), Timestamp::UNIX_EPOCH),
        )
    };
    assert_eq!(slot(3), "2027-01-09T09:00");
    assert_eq!(slot(4), "2027-01-09T09:00", "a Saturday");
    assert_eq!(slot(5), "2027-01-16T09:00");
}

#[test]
fn q21_re_attempts_run_at_the_accounts_time_of_day_or_at_that_of_the_sale() {
    let kolkata = zone("Asia/Kolkata");
    let sold_at = local(&kolkata, "2026-05-01T17:45");
    let declined_at = local(&kolkata, "2027-01-05T23:59");
    assert_eq!(
        shown(&kolkata, slot_at(declined_at, 2, false, &at_nine(&kolkata), sold_at)),
        "2027-01-07T09:00"
    );
    assert_eq!(
        shown(&kolkata, slot_at(declined_at, 2, false, &at_sale(&kolkata), sold_at)),
        "2027-01-07T17:45"
    );
}

#[test]
fn restarted_billing_runs_tomorrow_and_the_next_run_is_today_while_it_is_still_to_come() {
    let york = zone("America/New_York");
    let billing = at_nine(&york);
    let of = |run: fn(Timestamp, &BillingTime<'_>, Timestamp) -> Timestamp, now| {
        shown(&york, run(local(&york, now), &billing, Timestamp::UNIX_EPOCH))
    };
    assert_eq!(of(tomorrow, "2027-01-05T00:01"), "2027-01-06T09:00");
    assert_eq!(of(next_run, "2027-01-05T00:01"), "2027-01-05T09:00");
    assert_eq!(of(next_run, "2027-01-05T09:00"), "2027-01-06T09:00");
}

#[test]
fn a_bill_of_a_day_that_the_zone_skips_runs_a_day_later_and_the_next_one_on_its_day_again() {
    let apia = zone("Pacific/Apia");
    let mut terms = terms(28, local(&apia, "2011-07-30T00:00"));
    terms.plan.persistent_rebill_day = true;
    assert_eq!(next(&apia, &terms, "2011-11-30T09:00"), "2011-12-31T09:00", "there was no 30 December 2011");
    assert_eq!(next(&apia, &terms, "2011-12-31T09:00"), "2012-01-30T09:00");
}

#[test]
fn at_the_end_of_the_calendar_a_bill_is_still_later_and_nothing_panics() {
    let utc = TimeZone::UTC;
    let terms = terms(730, Timestamp::MAX);
    for paid_at in [Timestamp::MIN, Timestamp::MAX - SignedDuration::from_hours(30)] {
        assert!(next_bill_at(&terms, 1, paid_at, &at_sale(&utc)).unwrap() > paid_at);
    }
    assert_eq!(next_bill_at(&terms, 1, Timestamp::MAX, &at_nine(&utc)), Some(Timestamp::MAX));
}

/// Whole seconds of 2000 to 2060.
fn moment() -> impl Strategy<Value = Timestamp> {
    (946_684_800_i64..2_840_140_800).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Whether a bill that runs on `next` is one of that day of the month: of the month's last day where the month has no
/// such day, of the day before where the zone skipped that day whole (Samoa had no 30 December 2011).
fn is_of_day(zone: &TimeZone, next: Date, day: i8) -> bool {
    let runs_on = |meant: Date| {
        let at_nine = meant.at(9, 0, 0, 0);
        zone.to_ambiguous_zoned(at_nine).compatible().unwrap().date()
    };
    let days = [next, next.yesterday().unwrap()];
    days.into_iter().any(|meant| meant.day() == day.min(meant.days_in_month()) && runs_on(meant) == next)
}

fn days_between(from: Date, to: Date) -> i64 {
    i64::from(from.until(to).unwrap().get_days())
}

proptest! {
    #[test]
    fn plain_delays_are_exactly_so_many_local_days(
        name in prop::sample::select(&ZONES[..]), paid_at in moment(), sold_at in moment(),
        days in 1..=730_i64, minute in 0..1_440_i64, at_sale_time: bool,
    ) {
        let zone = zone(name);
        let billing = BillingTime { time_zone: &zone, daily_minute: minute, at_sale_time };
        let at = next_bill_at(&terms(days, sold_at), 1, paid_at, &billing).unwrap();
        prop_assert!(at > paid_at);
        let (paid, next) = (zone.to_datetime(paid_at), zone.to_datetime(at));
        let target = paid.date().checked_add(days.days()).unwrap();
        let time = if at_sale_time { zone.to_datetime(sold_at).time() } else {
            jiff::civil::time(i8::try_from(minute / 60).unwrap(), i8::try_from(minute % 60).unwrap(), 0, 0)
        };
        // Only where the clocks skip that local time is the bill later than it.
        let ambiguous = zone.to_ambiguous_zoned(target.to_datetime(time));
        let shift = next.duration_since(target.to_datetime(time));
        if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
            prop_assert!(shift.is_positive() && shift <= SignedDuration::from_hours(24), "{:?}", shift);
        } else {
            prop_assert_eq!(shift, SignedDuration::ZERO);
        }
    }

    #[test]
    fn a_fixed_day_is_at_most_a_month_after_the_delay(
        name in prop::sample::select(&ZONES[..]), paid_at in moment(), days in 1..=730_i64, day in 1..=31_i64,
    ) {
        let zone = zone(name);
        let mut terms = terms(days, paid_at);
        terms.plan.fixed_billing_day = Some(day);
        let at = next_bill_at(&terms, 1, paid_at, &at_nine(&zone)).unwrap();
        let (paid, next) = (zone.to_datetime(paid_at).date(), zone.to_datetime(at).date());
        let late = days_between(paid.checked_add(days.days()).unwrap(), next);
        prop_assert!(at > paid_at && (0..=31).contains(&late), "{late}");
        prop_assert!(is_of_day(&zone, next, i8::try_from(day).unwrap()), "{next}");
    }

    #[test]
    fn a_persistent_day_is_kept_for_years_of_late_payments(
        name in prop::sample::select(&ZONES[..]), sold_at in moment(), days in 28..=31_i64,
        late_hours in prop::collection::vec(0..360_i64, 1..30),
    ) {
        let zone = zone(name);
        let mut terms = terms(days, sold_at);
        terms.plan.persistent_rebill_day = true;
        let day = zone.to_datetime(sold_at).day();
        let mut paid_at = sold_at;
        for late in late_hours {
            let at = next_bill_at(&terms, 1, paid_at, &at_nine(&zone)).unwrap();
            let next = zone.to_datetime(at).date();
            prop_assert!(at > paid_at);
            prop_assert!(is_of_day(&zone, next, day), "{next}");
            let off = days_between(zone.to_datetime(paid_at).date(), next) - days;
            prop_assert!(off.abs() <= 16, "{}", off);
            paid_at = at + SignedDuration::from_hours(late);
        }
    }

    #[test]
    fn a_re_attempt_is_later_on_a_saturday_within_a_week(
        name in prop::sample::select(&ZONES[..]), after in moment(), days in 1..=60_i64, sold_at in moment(),
        at_sale_time: bool,
    ) {
        let zone = zone(name);
        let billing = BillingTime { time_zone: &zone, daily_minute: NINE, at_sale_time };
        let plain = slot_at(after, days, false, &billing, sold_at);
        let saturday = slot_at(after, days, true, &billing, sold_at);
        let (plain_day, day) = (zone.to_datetime(plain).date(), zone.to_datetime(saturday).date());
        prop_assert!(plain > after && saturday >= plain);
        prop_assert_eq!(day.weekday(), Weekday::Saturday);
        prop_assert!((0..7).contains(&days_between(plain_day, day)));
    }

    #[test]
    fn the_next_run_is_within_two_days_and_running_again_only_moves_on(
        name in prop::sample::select(&ZONES[..]), now in moment(), sold_at in moment(), at_sale_time: bool,
    ) {
        let zone = zone(name);
        let billing = BillingTime { time_zone: &zone, daily_minute: NINE, at_sale_time };
        let first = next_run(now, &billing, sold_at);
        prop_assert!(first > now && first.duration_since(now) <= SignedDuration::from_hours(49));
        prop_assert!(next_run(first, &billing, sold_at) > first);
        prop_assert!(tomorrow(now, &billing, sold_at) >= first);
    }
}

#[test]
fn the_date_of_the_sale_is_the_local_one() {
    let (york, kolkata) = (zone("America/New_York"), zone("Asia/Kolkata"));
    let paid_at = "2027-01-10T02:00:00Z".parse::<Timestamp>().unwrap();
    let terms = terms(1, paid_at);
    let of =
        |zone: &TimeZone| zone.to_datetime(next_bill_at(&terms, 1, paid_at, &at_nine(zone)).unwrap()).date();
    assert_eq!((of(&york), of(&kolkata)), (date(2027, 1, 10), date(2027, 1, 11)));
}
