//! A card of its own for every order, as in life: one card for all would make its row the only one that is measured.

/// The first digits: a range that issuers use for tests.
const PREFIX: &str = "411111";

/// A number of 16 digits that differs with every serial below a thousand million, and passes the Luhn check.
pub(super) fn number(serial: u32) -> String {
    let body = format!("{PREFIX}{:09}", serial % 1_000_000_000);
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = body.chars().rev().filter_map(|letter| letter.to_digit(10));
    let sum: u32 =
        digits.enumerate().map(|(at, digit)| if at % 2 == 0 { doubled(digit) } else { digit }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use domain::card::CardNumber;

    use super::*;

    #[test]
    fn every_order_has_a_valid_card_of_its_own() {
        for serial in [0, 1, 9, 111_111_111, 50_000_000, 999_999_999] {
            let number = number(serial);
            assert!(CardNumber::parse(&number).is_ok(), "{number}");
        }
        assert_ne!(number(1), number(2));
        assert_eq!(number(111_111_111), "4111111111111111");
    }
}
