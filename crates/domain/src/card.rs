//! Card numbers, their brand, expiry and security code. None of these can be printed.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// Fewest digits of a card number (ISO/IEC 7812-1 allows 10; payment cards in use start at 12).
pub const NUMBER_DIGITS_MIN: usize = 12;
/// Most digits of a card number (ISO/IEC 7812-1).
pub const NUMBER_DIGITS_MAX: usize = 19;

/// What is wrong with card data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CardError {
    /// Not 12 to 19 digits.
    #[error("a card number has 12 to 19 digits")]
    Length,
    /// The last digit does not fit the others (Luhn, ISO/IEC 7812-1 annex B).
    #[error("the card number fails its check digit")]
    CheckDigit,
    /// Not a month 1 to 12 of a year with two or four digits.
    #[error("the expiry date is a month from 1 to 12 and a year with 2 or 4 digits")]
    Expiry,
    /// Not three or four digits.
    #[error("a security code has 3 or 4 digits")]
    SecurityCode,
}

/// The scheme on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Brand {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express.
    Amex,
    /// Discover.
    Discover,
    /// Diners Club.
    Diners,
    /// JCB.
    Jcb,
    /// `UnionPay`.
    UnionPay,
    /// Maestro.
    Maestro,
    /// None of these.
    Other,
}

impl Brand {
    /// All brands, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Visa,
        Self::Mastercard,
        Self::Amex,
        Self::Discover,
        Self::Diners,
        Self::Jcb,
        Self::UnionPay,
        Self::Maestro,
        Self::Other,
    ];

    /// The word stored and shown, e.g. `visa`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
            Self::Discover => "discover",
            Self::Diners => "diners",
            Self::Jcb => "jcb",
            Self::UnionPay => "unionpay",
            Self::Maestro => "maestro",
            Self::Other => "other",
        }
    }

    /// The brand with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|brand| brand.as_str() == word)
    }

    /// The brand whose published number ranges hold the first six digits.
    ///
    /// Source: the networks' public issuer ranges, as listed at
    /// <https://en.wikipedia.org/wiki/Payment_card_number> (read 2026-11-21).
    pub fn of(first_six: u32) -> Self {
        match first_six {
            400_000..=499_999 => Self::Visa,
            510_000..=559_999 | 222_100..=272_099 => Self::Mastercard,
            340_000..=349_999 | 370_000..=379_999 => Self::Amex,
            601_100..=601_199 | 644_000..=659_999 => Self::Discover,
            300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999 => Self::Diners,
            352_800..=358_999 => Self::Jcb,
            620_000..=629_999 => Self::UnionPay,
            500_000..=509_999 | 560_000..=589_999 | 670_000..=679_999 => Self::Maestro,
            _ => Self::Other,
        }
    }
}

/// A card number: digits that passed their check digit. `Debug` shows the last four only, the memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct CardNumber(Zeroizing<String>);

impl CardNumber {
    /// Reads digits; spaces and hyphens between them are ignored.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let digits: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
        let right_length = (NUMBER_DIGITS_MIN..=NUMBER_DIGITS_MAX).contains(&digits.len());
        if !right_length || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardError::Length);
        }
        if !luhn_holds(&digits) {
            return Err(CardError::CheckDigit);
        }
        Ok(Self(digits))
    }

    /// The digits, for the vault and for the body of a request to a gateway. Nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The first six digits.
    pub fn bin(&self) -> &str {
        self.0.get(..6).unwrap_or_default()
    }

    /// The last four digits.
    pub fn last_four(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }

    /// The brand by the first six digits.
    pub fn brand(&self) -> Brand {
        Brand::of(self.bin().parse().unwrap_or(0))
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardNumber(…{})", self.last_four())
    }
}

/// Whether the last digit fits the others (Luhn, ISO/IEC 7812-1 annex B). Text with other characters fails.
pub fn luhn_holds(digits: &str) -> bool {
    let mut sum: u32 = 0;
    for (place, letter) in digits.chars().rev().enumerate() {
        let Some(digit) = letter.to_digit(10) else { return false };
        let doubled = if place & 1 == 1 { digit.saturating_mul(2) } else { digit };
        sum = sum.saturating_add(if doubled > 9 { doubled.saturating_sub(9) } else { doubled });
    }
    !digits.is_empty() && sum.checked_rem(10) == Some(0)
}

/// Masks every run of 12 to 19 digits (spaces or hyphens between them allowed) that passes the check digit, keeping its
/// last four: what people type into notes and custom fields must not hold a card number (M33).
pub fn mask_card_numbers(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut masked = letters.clone();
    let mut start = 0_usize;
    while start < letters.len() {
        let run = digit_run(&letters, start);
        let digits: String = run.iter().filter_map(|at| letters.get(*at)).collect();
        if (NUMBER_DIGITS_MIN..=NUMBER_DIGITS_MAX).contains(&digits.len()) && luhn_holds(&digits) {
            for at in run.iter().take(run.len().saturating_sub(4)) {
                if let Some(letter) = masked.get_mut(*at) {
                    *letter = '*';
                }
            }
        }
        start = run.last().map_or(start, |last| *last).saturating_add(1);
    }
    masked.into_iter().collect()
}

/// Places of the digits of the run that starts at `start`, single separators passed over.
fn digit_run(letters: &[char], start: usize) -> Vec<usize> {
    let mut run = Vec::new();
    let mut at = start;
    while let Some(letter) = letters.get(at) {
        let next_is_digit = letters.get(at.saturating_add(1)).is_some_and(char::is_ascii_digit);
        if letter.is_ascii_digit() {
            run.push(at);
        } else if !(matches!(letter, ' ' | '-') && !run.is_empty() && next_is_digit) {
            break;
        }
        at = at.saturating_add(1);
    }
    run
}

/// The last month in which a card may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry {
    year: i16,
    month: i8,
}

impl Expiry {
    /// From a month 1–12 and a year of two digits (2000–2099) or four.
    pub fn new(month: u32, year: u32) -> Result<Self, CardError> {
        let year = if year < 100 { year.saturating_add(2000) } else { year };
        let in_range = (1..=12).contains(&month) && (2000..=2099).contains(&year);
        let (Ok(month), Ok(year), true) = (i8::try_from(month), i16::try_from(year), in_range) else {
            return Err(CardError::Expiry);
        };
        Ok(Self { year, month })
    }

    /// From texts such as `09` and `2030` or `30`.
    pub fn parse(month: &str, year: &str) -> Result<Self, CardError> {
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| CardError::Expiry);
        Self::new(number(month)?, number(year)?)
    }

    /// From `MMYY`, `MM/YY` or `MM/YYYY`.
    pub fn parse_joined(text: &str) -> Result<Self, CardError> {
        let text: String = text.chars().filter(|c| !matches!(c, '/' | ' ' | '-')).collect();
        let (month, year) = text.split_at_checked(2).ok_or(CardError::Expiry)?;
        Self::parse(month, year)
    }

    /// Month, 1 to 12.
    pub fn month(self) -> i8 {
        self.month
    }

    /// Year, four digits.
    pub fn year(self) -> i16 {
        self.year
    }

    /// `MMYY`, as gateways want it.
    pub fn mmyy(self) -> String {
        format!("{:02}{:02}", self.month, self.year.checked_rem(100).unwrap_or(0))
    }

    /// `YYYY-MM`, as we store it; sorts by time.
    pub fn year_month(self) -> String {
        format!("{:04}-{:02}", self.year, self.month)
    }

    /// Reads [`Self::year_month`].
    pub fn parse_year_month(text: &str) -> Result<Self, CardError> {
        let (year, month) = text.split_once('-').ok_or(CardError::Expiry)?;
        Self::parse(month, year)
    }

    /// Whether the month is over everywhere on Earth (cards hold to the end of the month where the holder lives; UTC−12 is last).
    pub fn is_past(self, now: jiff::Timestamp) -> bool {
        let last_zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-12));
        let today = now.to_zoned(last_zone).date();
        (self.year, self.month) < (today.year(), today.month())
    }
}

/// A card's security code. It lives only inside the request that carried it: never stored, logged or queued (R103, R122).
#[derive(Clone)]
pub struct SecurityCode(Zeroizing<String>);

impl SecurityCode {
    /// Three or four digits.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let text = text.trim();
        let right = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if right { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(CardError::SecurityCode) }
    }

    /// The digits, for the body of a request to a gateway. Nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecurityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn changing_one_digit_breaks_the_check_digit(prefix in "4[0-9]{14}", place in 0_usize..15, by in 1_u32..10) {
            let check = (0..10).find(|c| luhn_holds(&format!("{prefix}{c}"))).unwrap();
            let good = format!("{prefix}{check}");
            let mut letters: Vec<char> = good.chars().collect();
            let digit = letters[place].to_digit(10).unwrap().wrapping_add(by).checked_rem(10).unwrap();
            letters[place] = char::from_digit(digit, 10).unwrap();
            let bad: String = letters.into_iter().collect();
            prop_assert!(CardNumber::parse(&good).is_ok());
            prop_assert_eq!(CardNumber::parse(&bad), Err(CardError::CheckDigit));
        }

        #[test]
        fn no_card_number_survives_masking(prefix in "4[0-9]{14}", before in "[a-z ]{0,8}", after in "[a-z ]{0,8}") {
            let check = (0..10).find(|c| luhn_holds(&format!("{prefix}{c}"))).unwrap();
            let masked = mask_card_numbers(&format!("{before}:{prefix}{check}:{after}"));
            prop_assert!(!masked.contains(&prefix));
        }
    }

    #[test]
    fn brands_follow_the_first_six_digits() {
        for (number, brand) in [
            ("4111111111111111", Brand::Visa),
            ("5431111111111111", Brand::Mastercard),
            ("341111111111111", Brand::Amex),
            ("6011000991300009", Brand::Discover),
            ("30205252489926", Brand::Diners),
            ("3541963594572595", Brand::Jcb),
        ] {
            assert_eq!(CardNumber::parse(number).unwrap().brand(), brand, "{number}");
        }
    }

    #[test]
    fn card_data_is_not_printed() {
        let number = CardNumber::parse("4111 1111-1111 1111").unwrap();
        let code = SecurityCode::parse("987").unwrap();
        assert_eq!(format!("{number:?} {code:?}"), "CardNumber(…1111) SecurityCode(…)");
    }

    #[test]
    fn m33_spaced_card_numbers_in_notes_are_masked_and_others_stay() {
        assert_eq!(mask_card_numbers("pay 4111 1111 1111 1111 now"), "pay **** **** **** 1111 now");
        assert_eq!(
            mask_card_numbers("tel 212-555-0100, order 123456789012"),
            "tel 212-555-0100, order 123456789012"
        );
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_month_everywhere() {
        let expiry = Expiry::new(9, 30).unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        assert!(!expiry.is_past(at("2030-10-01T11:59:59Z")));
        assert!(expiry.is_past(at("2030-10-01T12:00:00Z")));
        assert_eq!(expiry.mmyy(), "0930");
        assert_eq!(Expiry::parse_year_month(&expiry.year_month()), Ok(expiry));
        assert_eq!(Expiry::parse_joined("09/2030"), Ok(expiry));
        assert!(Expiry::new(13, 30).is_err());
        assert!(Expiry::parse_joined("9").is_err());
    }
}
