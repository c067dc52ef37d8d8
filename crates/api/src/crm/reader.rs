//! Reads parameters and keeps everything that is wrong with them.

use std::str::FromStr;

use domain::ids::OrderId;
use domain::money::{Currency, Money};
use domain::placement::Problem;
use web::Pairs;

use super::account::{AccountTime, parse_day};
use jiff::Timestamp;

/// Parameters of a call, and the problems found in them so far.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pairs: &'a Pairs,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Over these parameters.
    pub(crate) fn new(pairs: &'a Pairs) -> Self {
        Self { pairs, problems: Vec::new() }
    }

    /// A parameter as it was sent, without blanks around it; empty when it was not.
    pub(crate) fn raw(&self, name: &str) -> &'a str {
        self.pairs.get(name)
    }

    /// The names that were sent.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.pairs.names()
    }

    /// Keeps a problem.
    pub(crate) fn refuse(&mut self, name: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(name, message));
    }

    /// Everything that was wrong.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// A text of limited length.
    pub(crate) fn text(&mut self, name: &str, chars_max: usize) -> String {
        let text = self.raw(name);
        if text.chars().nth(chars_max).is_some() {
            self.refuse(name, format!("is longer than {chars_max} characters"));
            return String::new();
        }
        text.to_owned()
    }

    /// A whole number within bounds; none when it was not sent.
    pub(crate) fn whole_number(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let text = self.raw(name);
        if text.is_empty() {
            return None;
        }
        let number = text.parse::<i64>().ok().filter(|number| (min..=max).contains(number));
        if number.is_none() {
            let bounds = if max == i64::MAX { format!("from {min}") } else { format!("from {min} to {max}") };
            self.refuse(name, format!("is no whole number {bounds}"));
        }
        number
    }

    /// The number of something configured.
    pub(crate) fn number(&mut self, name: &str) -> Option<i64> {
        self.whole_number(name, 1, i64::MAX)
    }

    /// An order's id.
    pub(crate) fn order_id(&mut self, name: &str) -> Option<OrderId> {
        self.id(name, "an order")
    }

    /// The id of a thing, such as "an order"; none when it was not sent.
    pub(crate) fn id<I: FromStr>(&mut self, name: &str, thing: &str) -> Option<I> {
        let text = self.raw(name);
        if text.is_empty() {
            return None;
        }
        let id = text.parse().ok();
        if id.is_none() {
            self.refuse(name, format!("is no id of {thing}: those are 26 letters and digits"));
        }
        id
    }

    /// An amount of 0 or more in major units of a currency; none when it was not sent.
    pub(crate) fn amount(&mut self, name: &str, currency: Currency) -> Option<Money> {
        let text = self.raw(name);
        if text.is_empty() {
            return None;
        }
        let amount = Money::parse_in(text, currency).ok().filter(|amount| !amount.is_negative());
        if amount.is_none() {
            self.refuse(name, format!("is no amount in {currency} such as 29.99"));
        }
        amount
    }

    /// `1` or `0`; none when it was not sent.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.raw(name) {
            "" => None,
            "1" => Some(true),
            "0" => Some(false),
            text if text.eq_ignore_ascii_case("true") => Some(true),
            text if text.eq_ignore_ascii_case("false") => Some(false),
            _ => {
                self.refuse(name, "is 1 or 0");
                None
            }
        }
    }

    /// `startDate` and `endDate`: whole days of the account's time zone, both included.
    pub(crate) fn days(&mut self, time: &AccountTime) -> (Option<Timestamp>, Option<Timestamp>) {
        if !matches!(self.raw("dateRangeType"), "" | "dateCreated") {
            self.refuse("dateRangeType", "only dateCreated is supported");
        }
        let from = self.day("startDate", |day| time.start_of(day));
        let before = self.day("endDate", |day| time.end_of(day));
        (from, before)
    }

    /// One day; none when it was not sent.
    pub(crate) fn day(
        &mut self,
        name: &str,
        moment: impl Fn(jiff::civil::Date) -> Option<Timestamp>,
    ) -> Option<Timestamp> {
        let text = self.raw(name);
        if text.is_empty() {
            return None;
        }
        let moment = parse_day(text).and_then(moment);
        if moment.is_none() {
            self.refuse(name, "is no date such as 11/22/2026 (month/day/year)");
        }
        moment
    }
}
