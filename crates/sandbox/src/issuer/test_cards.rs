//! Built-in cards whose number says how they behave, so that any client can cause any decline.

use super::card::{CardSpec, DeclineSpec, PartialApproval};
use crate::{
    card_number::{CardNumber, with_check_digit},
    codes,
};

/// The account on which "only on primary" cards decline.
const PRIMARY: &str = "primary";

/// What a built-in card does. The fifth and sixth digit of its number say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestCard {
    /// `…00`: always declines with the code.
    Always,
    /// `…01`: declines with the code on the account `primary` and approves on every other.
    OnlyOnPrimary,
    /// `…02`: approves only the given percentage of what is asked, 1 to 99.
    Partial,
    /// `…03`: declines the first attempt with the code, then approves.
    Once,
}

impl TestCard {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Always, "00"), (Self::OnlyOnPrimary, "01"), (Self::Partial, "02"), (Self::Once, "03")];
}

/// The built-in Visa that does `behaviour` with `value` (decline code, or percentage), e.g. `4099000202000009`:
/// `4099`, two digits for the behaviour, four for the value, five for `serial` (so there are 100,000 of each),
/// check digit. `None` when the value or the serial does not fit.
pub fn test_card_number(behaviour: TestCard, value: u16, serial: u32) -> Option<String> {
    let (_, digits) = TestCard::ALL.iter().find(|(one, _)| *one == behaviour)?;
    let number = with_check_digit(&format!("4099{digits}{value:04}{serial:05}"));
    let card = CardNumber::parse(&number)?;
    (number.len() == 16 && built_in(&card).is_some()).then_some(number)
}

/// The behaviour of a built-in number; `None` for every other.
///
/// Mastercards begin with `5199` instead; the two digits after the code are the merchant advice code (`00` = none).
pub(crate) fn built_in(number: &CardNumber) -> Option<CardSpec> {
    let digits = number.digits();
    let (brand, behaviour) = (digits.get(..4)?, digits.get(4..6)?);
    if digits.len() != 16 || !matches!(brand, "4099" | "5199") {
        return None;
    }
    let (behaviour, _) = TestCard::ALL.iter().find(|(_, digits)| *digits == behaviour)?;
    let value: u16 = digits.get(6..10)?.parse().ok()?;
    let spec = CardSpec { number: digits.to_owned(), ..CardSpec::default() };
    if *behaviour == TestCard::Partial {
        let percent = u8::try_from(value).ok().filter(|percent| (1..100).contains(percent))?;
        return Some(CardSpec { partial_approval: Some(PartialApproval::Percent(percent)), ..spec });
    }
    let mac = digits.get(10..12).filter(|mac| brand == "5199" && *mac != "00").map(str::to_owned);
    let decline = DeclineSpec {
        mac,
        attempts: (*behaviour == TestCard::Once).then_some(1),
        declines_on: if *behaviour == TestCard::OnlyOnPrimary {
            vec![PRIMARY.to_owned()]
        } else {
            Vec::new()
        },
        ..DeclineSpec::always(value)
    };
    codes::is_decline(value).then(|| CardSpec { declines: vec![decline], ..spec })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(number: &str) -> Option<CardSpec> {
        built_in(&CardNumber::parse(number).unwrap())
    }

    #[test]
    fn the_numbers_in_the_readme_are_valid_and_do_what_it_says() {
        let readme = include_str!("../../README.md");
        let mut checked = 0;
        for row in readme.lines().filter(|line| line.starts_with("| `4099") || line.starts_with("| `5199")) {
            let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let spec = behaviour(cells[1]).unwrap_or_else(|| panic!("{} is not built in", cells[1]));
            if let Some(decline) = spec.declines.first() {
                assert_eq!(decline.code.to_string(), cells[2], "{row}");
            }
            checked += 1;
        }
        assert!(checked >= 15, "only {checked} rows");
    }

    #[test]
    fn every_decline_code_has_its_card() {
        for row in codes::CODES.iter().filter(|row| codes::is_decline(row.code)) {
            let number = test_card_number(TestCard::Always, row.code, 7).unwrap();
            assert_eq!(behaviour(&number).unwrap().declines, [DeclineSpec::always(row.code)]);
        }
    }

    #[test]
    fn a_mastercard_carries_its_advice_code() {
        let number = with_check_digit("519900020203000");
        assert_eq!(behaviour(&number).unwrap().declines[0].mac.as_deref(), Some("03"));
    }

    #[test]
    fn values_outside_the_table_have_no_card() {
        assert_eq!(test_card_number(TestCard::Always, 999, 0), None);
        assert_eq!(test_card_number(TestCard::Partial, 100, 0), None);
        assert_eq!(test_card_number(TestCard::Always, 202, 100_000), None);
        assert!(behaviour("4111111111111111").is_none());
    }
}
