//! Amounts on the wire (`12.34`) and inside (whole minor units).

use iso_currency::Currency;

/// How many digits after the point the currency has, e.g. 2 for USD and 0 for JPY. `None` for an unknown code.
pub(crate) fn exponent(currency: &str) -> Option<u32> {
    Currency::from_code(currency)?.exponent().map(u32::from)
}

/// Reads an amount in major units, as the documents state them (`x.xx`), into minor units.
/// `None` when it is not a plain non-negative number or finer than the currency's smallest unit.
pub(crate) fn parse(text: &str, exponent: u32) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let places = usize::try_from(exponent).ok()?;
    let (kept, finer) = fraction.split_at(fraction.len().min(places));
    if finer.bytes().any(|byte| byte != b'0') {
        return None;
    }
    format!("{whole}{kept:0<places$}").parse().ok()
}

/// Writes minor units in major units with at least two decimals, e.g. `12.34`, `-0.05`, `500.00` for 500 JPY.
pub(crate) fn format(minor: i64, exponent: u32) -> String {
    let unit = 10_u64.pow(exponent);
    let places = usize::try_from(exponent).unwrap_or(0);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let fraction = if places == 0 { String::new() } else { format!("{rest:0places$}") };
    format!("{sign}{whole}.{fraction:0<2}")
}

/// One major unit in minor units: amounts below it decline in test mode.
pub(crate) fn major_unit(exponent: u32) -> i64 {
    10_i64.pow(exponent)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::cents("12.34", 2, Some(1234))]
    #[case::whole("12", 2, Some(1200))]
    #[case::one_decimal("1.5", 2, Some(150))]
    #[case::yen_with_decimals("500.00", 0, Some(500))]
    #[case::dinar("1.234", 3, Some(1234))]
    #[case::finer_than_cents("1.005", 2, None)]
    #[case::half_a_yen("1.50", 0, None)]
    #[case::negative("-1.00", 2, None)]
    #[case::words("ten", 2, None)]
    #[case::empty("", 2, None)]
    #[case::only_a_point(".50", 2, None)]
    #[case::too_long("1234567890123.00", 2, None)]
    fn amounts_are_read_exactly(#[case] text: &str, #[case] exponent: u32, #[case] minor: Option<i64>) {
        assert_eq!(parse(text, exponent), minor);
    }

    #[rstest]
    #[case(1234, 2, "12.34")]
    #[case(-5, 2, "-0.05")]
    #[case(500, 0, "500.00")]
    #[case(1234, 3, "1.234")]
    fn amounts_are_written_with_two_decimals_or_more(
        #[case] minor: i64,
        #[case] exponent: u32,
        #[case] text: &str,
    ) {
        assert_eq!(format(minor, exponent), text);
    }

    #[test]
    fn unknown_currencies_have_no_exponent() {
        assert_eq!((exponent("USD"), exponent("JPY"), exponent("ZZZ")), (Some(2), Some(0), None));
    }
}
