//! What is checked of a change beyond placement: titles and the account.

use domain::configuration::Account;
use domain::placement::Problem;
use jiff::tz::TimeZone;

/// Most days that the sealed number of a card is kept after nothing needs it.
const RETENTION_DAYS_MAX: i64 = 3_650;
/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

pub(super) fn check_title(title: &str, path: &str, problems: &mut Vec<Problem>) {
    let length = title.trim().chars().count();
    if !(1..=100).contains(&length) {
        problems.push(Problem::new(format!("{path}.title"), "a title has 1 to 100 characters"));
    }
}

pub(super) fn check_account(account: &Account) -> Vec<Problem> {
    let mut problems = Vec::new();
    if TimeZone::get(&account.time_zone).is_err() {
        let words = format!("{:?} is no IANA time zone; try America/New_York", account.time_zone);
        problems.push(Problem::new("account.time_zone", words));
    }
    if !(5..=120).contains(&account.checkout_budget_secs) {
        problems
            .push(Problem::new("account.checkout_budget_secs", "the checkout budget is 5 to 120 seconds"));
    }
    if !(0..DAY_MINUTES).contains(&account.daily_rebill_minute) {
        problems.push(Problem::new("account.daily_rebill_time", "a time of day is 00:00 to 23:59"));
    }
    if !(1..=RETENTION_DAYS_MAX).contains(&account.card_retention_days) {
        let words = format!("card numbers are kept 1 to {RETENTION_DAYS_MAX} days");
        problems.push(Problem::new("account.card_retention_days", words));
    }
    problems
}
