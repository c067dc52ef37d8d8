//! Amounts of money: whole minor units of one currency.

use std::fmt;

use thiserror::Error;

/// A currency of ISO 4217, e.g. USD.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);

    /// The currency with this three-letter code, in either case.
    pub fn parse(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(&code.to_ascii_uppercase()).map(Self)
    }

    /// The three-letter code, e.g. `USD`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The sign people write, e.g. `$`.
    pub fn symbol(self) -> String {
        self.0.symbol().to_string()
    }

    /// Digits after the decimal point: 2 for USD, 0 for JPY (ISO 4217).
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(2))
    }

    fn units_per_major(self) -> i64 {
        10_i64.checked_pow(self.exponent()).unwrap_or(1)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text or a sum is no amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not digits with at most one point.
    #[error("an amount is digits with at most one point, e.g. 29.99")]
    Malformed,
    /// More digits after the point than the currency has.
    #[error("{currency} has {exponent} digits after the point")]
    TooPrecise {
        /// The currency's code.
        currency: &'static str,
        /// Its digits after the point.
        exponent: u32,
    },
    /// Beyond what 64 bits of minor units hold.
    #[error("the amount is too large")]
    Overflow,
    /// Two different currencies in one sum.
    #[error("{left} and {right} cannot be added")]
    CurrencyMismatch {
        /// Left code.
        left: &'static str,
        /// Right code.
        right: &'static str,
    },
    /// No such currency.
    #[error("there is no currency with this code")]
    UnknownCurrency,
}

/// An amount in whole minor units (cents for USD, yen for JPY) of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// `minor` minor units of `currency`.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads a decimal text in major units: `29.99`, `5`, `.50`, `-3.10`.
    pub fn parse(text: &str, currency: &str) -> Result<Self, MoneyError> {
        Self::parse_in(text, Currency::parse(currency).ok_or(MoneyError::UnknownCurrency)?)
    }

    /// Reads a decimal text in major units of a known currency.
    pub fn parse_in(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(MoneyError::Malformed);
        }
        let exponent = usize::try_from(currency.exponent()).unwrap_or(2);
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > exponent {
            return Err(MoneyError::TooPrecise { currency: currency.code(), exponent: currency.exponent() });
        }
        let padded = format!("{}{fraction:0<exponent$}", if whole.is_empty() { "0" } else { whole });
        let minor: i64 = padded.parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor: if negative { minor.saturating_neg() } else { minor }, currency })
    }

    /// Minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Major units with the currency's digits after the point, e.g. `29.99`; no currency code.
    pub fn decimal(self) -> String {
        let per_major = self.currency.units_per_major().unsigned_abs();
        let minor = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        let whole = minor.checked_div(per_major).unwrap_or(0);
        if self.currency.exponent() == 0 {
            return format!("{sign}{whole}");
        }
        let rest = minor.checked_rem(per_major).unwrap_or(0);
        let width = usize::try_from(self.currency.exponent()).unwrap_or(2);
        format!("{sign}{whole}.{rest:0width$}")
    }

    /// The sum; an error on two currencies or overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; an error on two currencies or overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// `times` times the amount; an error on overflow.
    pub fn checked_mul(self, times: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(times).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.minor < 0
    }

    fn combine(self, other: Self, op: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency.code(),
                right: other.currency.code(),
            });
        }
        let minor = op(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_amount_reads_back(minor in -1_000_000_000_000_i64..1_000_000_000_000, which in 0_usize..3) {
            let currency = [Currency::USD, Currency::parse("JPY").unwrap(), Currency::parse("BHD").unwrap()][which];
            let money = Money::new(minor, currency);
            prop_assert_eq!(Money::parse_in(&money.decimal(), currency), Ok(money));
        }

        #[test]
        fn adding_and_subtracting_are_inverse(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000) {
            let (a, b) = (Money::new(a, Currency::USD), Money::new(b, Currency::USD));
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b), Ok(a));
        }
    }

    #[test]
    fn bad_amounts_are_refused() {
        for text in ["", ".", "1.2.3", "1,00", "abc", "--1", "1e3", "99999999999999999999"] {
            assert!(Money::parse(text, "USD").is_err(), "{text}");
        }
        assert!(matches!(Money::parse("1.005", "USD"), Err(MoneyError::TooPrecise { .. })));
        assert!(matches!(Money::parse("1.5", "JPY"), Err(MoneyError::TooPrecise { .. })));
        assert_eq!(Money::parse("1.500", "USD").map(Money::minor), Ok(150));
        assert_eq!(Money::parse(".5", "USD").map(Money::minor), Ok(50));
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let (usd, jpy) = (Money::new(1, Currency::USD), Money::parse("1", "JPY").unwrap());
        assert!(matches!(usd.checked_add(jpy), Err(MoneyError::CurrencyMismatch { .. })));
        assert_eq!(Money::new(i64::MAX, Currency::USD).checked_add(usd), Err(MoneyError::Overflow));
    }
}
