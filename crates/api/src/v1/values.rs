//! Small values of requests and answers: money, currencies, instants, references, words.

use domain::money::Currency;
use jiff::Timestamp;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// An amount of money in whole minor units (cents for USD, yen for JPY).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Money {
    /// Whole minor units.
    #[schema(example = 2999)]
    pub(crate) amount_minor: i64,
    /// ISO 4217.
    pub(crate) currency: CurrencyCode,
}

impl From<domain::Money> for Money {
    fn from(money: domain::Money) -> Self {
        Self { amount_minor: money.minor(), currency: CurrencyCode(money.currency()) }
    }
}

impl From<Money> for domain::Money {
    fn from(money: Money) -> Self {
        Self::new(money.amount_minor, money.currency.0)
    }
}

/// Three letters of ISO 4217, e.g. `USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "USD")]
pub(crate) struct CurrencyCode(pub(crate) Currency);

impl TryFrom<String> for CurrencyCode {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        let known = Currency::parse(&code).filter(|currency| currency.code() == code);
        known.map(Self).ok_or("is no currency code of ISO 4217 in capitals, e.g. USD")
    }
}

impl From<CurrencyCode> for String {
    fn from(code: CurrencyCode) -> Self {
        code.0.code().to_owned()
    }
}

/// A moment, RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T10:00:00Z")]
pub(crate) struct Instant(pub(crate) Timestamp);

impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl TryFrom<String> for Instant {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| "is no moment of RFC 3339, e.g. 2026-11-21T10:00:00Z")
    }
}

impl From<Instant> for String {
    fn from(at: Instant) -> Self {
        at.0.to_string()
    }
}

/// A time of day, hours and minutes, e.g. `09:00`; kept as minutes after midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "09:00")]
pub(crate) struct TimeOfDay(pub(crate) i64);

impl TryFrom<String> for TimeOfDay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let part = |part: &str, max: i64| {
            let number = part.parse::<i64>().ok().filter(|_| two(part))?;
            (number <= max).then_some(number)
        };
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            Some(Self(part(hours, 23)?.saturating_mul(60).saturating_add(part(minutes, 59)?)))
        };
        read().ok_or("is no time of day in hours and minutes, e.g. 09:00")
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        format!("{:02}:{:02}", time.0.div_euclid(60), time.0.rem_euclid(60))
    }
}

/// Another resource: by its id, or by its number. Answers give the id; configuration files give the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an id or a number")]
pub(crate) enum Reference {
    /// By number.
    Number(i64),
    /// By id.
    Id(String),
}

impl PartialSchema for Reference {
    fn schema() -> RefOr<Schema> {
        let number =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).description(Some("By number."));
        let id =
            ObjectBuilder::new().schema_type(Type::String).max_length(Some(40)).description(Some("By id."));
        let words = "Another resource: by its id, or by its number. Answers give the id; configuration files the number.";
        Schema::OneOf(OneOfBuilder::new().item(number).item(id).description(Some(words)).build()).into()
    }
}

impl ToSchema for Reference {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Reference")
    }
}

/// Declares words of the API that stand for a domain enum, variant by variant.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident of $domain:path { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),+ }

        impl From<$domain> for $name {
            fn from(one: $domain) -> Self {
                use $domain as Domain;
                match one { $(Domain::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $domain {
            fn from(one: $name) -> Self {
                use $domain as Domain;
                match one { $($name::$variant => Domain::$variant),+ }
            }
        }
    };
}
pub(crate) use words;

words!(
    /// How a profile chooses among its gateways.
    Algorithm of domain::configuration::Algorithm {
        /// The next one after each sale or decline.
        RoundRobin,
        /// The first one that has room.
        PriorityQueue,
        /// By percentages.
        Weighted,
        /// By stars and room left in the month; gateway profiles only.
        Intelligent,
    }
);

/// `true`, for fields that are on unless switched off.
pub(crate) fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_reads_back_and_anything_else_is_refused() {
        for (text, minute) in [("00:00", 0), ("09:05", 545), ("23:59", 1_439)] {
            let time = TimeOfDay::try_from(text.to_owned()).unwrap();
            assert_eq!((time.0, String::from(time)), (minute, text.to_owned()));
        }
        for text in ["", "9:00", "24:00", "12:60", "12", "12:0", "+1:00", "12:00:00", "noon"] {
            assert!(TimeOfDay::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
