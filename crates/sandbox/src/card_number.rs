//! Card numbers: format, check digit, brand, and the forms that may be shown.

/// A card number of 12 to 19 digits with a right check digit. It lives in memory only; its `Debug` is masked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CardNumber(String);

impl CardNumber {
    /// Reads a number, with or without spaces and dashes. `None` when its format or check digit is wrong.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let plausible = (12..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (plausible && luhn_sum(&digits).is_multiple_of(10)).then_some(Self(digits))
    }

    /// All digits: for comparison and for the built-in cards' patterns, never for output.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }

    /// The first six digits, the `cc_bin` of reports.
    pub(crate) fn first6(&self) -> &str {
        self.0.get(..6).unwrap_or_default()
    }

    /// The last four digits.
    pub(crate) fn last4(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }

    /// The form of reports: first digit, crosses, last four, e.g. `4xxxxxxxxxxx1111`.
    pub(crate) fn masked(&self) -> String {
        let first = self.0.get(..1).unwrap_or_default();
        format!("{first}{}{}", "x".repeat(self.0.len().saturating_sub(5)), self.last4())
    }

    /// The card's brand in the words of reports, e.g. `visa`; empty when unknown.
    pub(crate) fn brand(&self) -> &'static str {
        let prefix = |len: usize| self.0.get(..len).and_then(|p| p.parse::<u32>().ok()).unwrap_or(0);
        match (prefix(1), prefix(2), prefix(4)) {
            (4, ..) => "visa",
            (_, 51..=55, _) | (_, _, 2221..=2720) => "mastercard",
            (_, 34 | 37, _) => "amex",
            (_, 65, _) | (_, _, 6011) => "discover",
            (_, 36 | 38, _) | (_, _, 3000..=3059) => "diners",
            (_, _, 3528..=3589) => "jcb",
            (_, 50 | 56..=69, _) => "maestro",
            _ => "",
        }
    }
}

impl std::fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Completes a number without check digit, so that it passes [`CardNumber::parse`].
pub(crate) fn with_check_digit(body: &str) -> String {
    let check = (10 - luhn_sum(&format!("{body}0")) % 10) % 10;
    format!("{body}{check}")
}

/// Every run of digits in the text that is a plausible card number keeps its first six and last four digits only.
pub(crate) fn mask_card_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        match CardNumber::parse(&run) {
            Some(card) => {
                let hidden = "*".repeat(run.len().saturating_sub(10));
                masked.extend([card.first6(), &hidden, card.last4()]);
            }
            None => masked.push_str(&run),
        }
        run.clear();
        if c != '\0' {
            masked.push(c);
        }
    }
    masked
}

/// The Luhn sum (ISO/IEC 7812-1): from the right, every second digit doubled, digits of the products added.
fn luhn_sum(digits: &str) -> u32 {
    let values = digits.chars().rev().filter_map(|c| c.to_digit(10));
    values.enumerate().map(|(i, d)| if i % 2 == 0 { d } else { d * 2 / 10 + d * 2 % 10 }).sum()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::visa("4111111111111111", "visa")]
    #[case::mastercard("5431111111111111", "mastercard")]
    #[case::discover("6011000991300009", "discover")]
    #[case::amex("341111111111111", "amex")]
    #[case::diners("30205252489926", "diners")]
    #[case::jcb("3541963594572595", "jcb")]
    #[case::maestro("6799990100000000019", "maestro")]
    fn the_documented_test_cards_are_valid(#[case] number: &str, #[case] brand: &str) {
        assert_eq!(CardNumber::parse(number).unwrap().brand(), brand);
    }

    #[rstest]
    #[case::a_year("2010")]
    #[case::wrong_check_digit("4111111111111112")]
    #[case::letters("4111a11111111111")]
    #[case::empty("")]
    fn other_numbers_are_not(#[case] number: &str) {
        assert!(CardNumber::parse(number).is_none());
    }

    #[test]
    fn a_card_number_shows_masked_only() {
        let card = CardNumber::parse("4111 1111-1111 1111").unwrap();
        assert_eq!(format!("{card:?}"), "4xxxxxxxxxxx1111");
    }

    #[test]
    fn card_numbers_in_free_text_are_masked_and_other_digits_are_kept() {
        assert_eq!(
            mask_card_numbers("order 1234567890123 paid by 4111111111111111."),
            "order 1234567890123 paid by 411111******1111."
        );
    }

    #[test]
    fn a_completed_number_passes_the_check() {
        assert!(CardNumber::parse(&with_check_digit("409900020200001")).is_some());
    }
}
