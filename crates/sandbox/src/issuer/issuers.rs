//! Deciding an attempt on a card.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    card::{Card, CardSpec, CardView, PartialApproval},
    test_cards,
};
use crate::{card_number::CardNumber, codes};

/// An issuer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// For this many minor units: what was asked, or less.
    Approved(i64),
    /// Not approved.
    Declined(Refusal),
}

/// How an attempt is declined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `response_code`.
    pub(crate) code: u16,
    /// `responsetext`.
    pub(crate) text: String,
    /// `merchant_advice_code`.
    pub(crate) mac: Option<String>,
}

impl Refusal {
    /// This code with its text from the table.
    pub(crate) fn of(code: u16) -> Self {
        Self { code, text: codes::text_of(code).unwrap_or_default().to_owned(), mac: None }
    }
}

/// All cards that are not ordinary. Ordinary ones are open, ample and not kept.
#[derive(Default)]
pub(crate) struct Issuers {
    cards: BTreeMap<CardNumber, Card>,
}

impl Issuers {
    /// Registers or replaces a card; `Err` lists all that is wrong with it.
    pub(crate) fn put(&mut self, spec: CardSpec) -> Result<CardView, Vec<String>> {
        let (number, card) = Card::new(spec)?;
        let view = card.view(&number);
        self.cards.insert(number, card);
        Ok(view)
    }

    /// The cards known so far: registered ones, and built-in ones that were used.
    pub(crate) fn list(&self) -> Vec<CardView> {
        self.cards.iter().map(|(number, card)| card.view(number)).collect()
    }

    /// Forgets all registered cards and what happened to built-in ones.
    pub(crate) fn clear(&mut self) {
        self.cards.clear();
    }

    /// Answers an attempt; limits and balance are not looked at for amount 0 (an account check).
    /// Nothing is charged by this: see [`Issuers::post`].
    pub(crate) fn decide(
        &mut self,
        number: &CardNumber,
        account: &str,
        asked: i64,
        now: Timestamp,
    ) -> Verdict {
        let Some(card) = self.find(number) else { return Verdict::Approved(asked) };
        if let Some(code) = card.spec.status.code() {
            return Verdict::Declined(Refusal::of(code));
        }
        if let Some(decline) =
            card.spec.declines.iter_mut().find_map(|one| one.takes(account, asked).then_some(one))
        {
            let table = Refusal::of(decline.code);
            let text = decline.text.clone().unwrap_or(table.text);
            return Verdict::Declined(Refusal { code: decline.code, text, mac: decline.mac.clone() });
        }
        if asked == 0 {
            return Verdict::Approved(0);
        }
        let over = |limit: Option<i64>| limit.is_some_and(|limit| asked > limit);
        if over(card.spec.per_attempt_minor) || over(card.left_today(now)) {
            return Verdict::Declined(Refusal::of(203));
        }
        let balance = card.spec.balance_minor.unwrap_or(i64::MAX);
        let granted = match card.spec.partial_approval {
            None => asked,
            Some(PartialApproval::BalanceLeft) => asked.min(balance),
            Some(PartialApproval::UpToMinor(most)) => asked.min(most),
            Some(PartialApproval::Percent(part)) => (asked.saturating_mul(i64::from(part)) / 100).max(1),
        };
        if granted > balance || granted < 1 {
            return Verdict::Declined(Refusal::of(202));
        }
        Verdict::Approved(granted)
    }

    /// Takes money off the card, or puts it back when negative.
    pub(crate) fn post(&mut self, number: &CardNumber, charged_minor: i64, now: Timestamp) {
        if let Some(card) = self.find(number) {
            card.post(charged_minor, now);
        }
    }

    /// The card if it is registered or built in.
    fn find(&mut self, number: &CardNumber) -> Option<&mut Card> {
        if !self.cards.contains_key(number) {
            let (number, card) = Card::new(test_cards::built_in(number)?).ok()?;
            self.cards.insert(number, card);
        }
        self.cards.get_mut(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::{CardStatus, DeclineSpec};

    const NUMBER: &str = "4242424242424242";

    fn with(spec: CardSpec) -> (Issuers, CardNumber) {
        let mut issuers = Issuers::default();
        issuers.put(CardSpec { number: NUMBER.to_owned(), ..spec }).unwrap();
        (issuers, CardNumber::parse(NUMBER).unwrap())
    }

    fn code(verdict: &Verdict) -> u16 {
        match verdict {
            Verdict::Approved(_) => 100,
            Verdict::Declined(refusal) => refusal.code,
        }
    }

    #[test]
    fn a_decline_for_the_next_two_attempts_then_passes() {
        let decline = DeclineSpec { attempts: Some(2), ..DeclineSpec::always(202) };
        let (mut issuers, card) = with(CardSpec { declines: vec![decline], ..CardSpec::default() });
        let mut ask = || code(&issuers.decide(&card, "primary", 500, Timestamp::UNIX_EPOCH));
        assert_eq!([ask(), ask(), ask()], [202, 202, 100]);
    }

    #[test]
    fn a_decline_above_an_amount_lets_smaller_ones_pass() {
        let decline = DeclineSpec { above_minor: Some(1000), ..DeclineSpec::always(203) };
        let (mut issuers, card) = with(CardSpec { declines: vec![decline], ..CardSpec::default() });
        let mut ask = |minor| code(&issuers.decide(&card, "primary", minor, Timestamp::UNIX_EPOCH));
        assert_eq!([ask(1000), ask(1001)], [100, 203]);
    }

    #[test]
    fn a_decline_on_one_account_passes_on_another() {
        let decline = DeclineSpec { declines_on: vec!["primary".to_owned()], ..DeclineSpec::always(201) };
        let (mut issuers, card) = with(CardSpec { declines: vec![decline], ..CardSpec::default() });
        let mut ask = |account| code(&issuers.decide(&card, account, 500, Timestamp::UNIX_EPOCH));
        assert_eq!([ask("primary"), ask("rescue")], [201, 100]);
    }

    #[test]
    fn balance_and_daily_limit_shrink_with_every_charge_and_grow_with_refunds() {
        let (mut issuers, card) =
            with(CardSpec { balance_minor: Some(1000), per_day_minor: Some(1500), ..CardSpec::default() });
        let now = Timestamp::UNIX_EPOCH;
        issuers.post(&card, 800, now);
        assert_eq!(code(&issuers.decide(&card, "primary", 201, now)), 202);
        issuers.post(&card, -800, now);
        issuers.post(&card, 900, now);
        assert_eq!(code(&issuers.decide(&card, "primary", 601, now)), 203);
        let tomorrow = now + jiff::SignedDuration::from_hours(24);
        assert_eq!(code(&issuers.decide(&card, "primary", 100, tomorrow)), 100);
    }

    #[test]
    fn a_partial_approval_grants_what_is_left() {
        let (mut issuers, card) = with(CardSpec {
            balance_minor: Some(300),
            partial_approval: Some(PartialApproval::BalanceLeft),
            ..CardSpec::default()
        });
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(issuers.decide(&card, "primary", 500, now), Verdict::Approved(300));
        issuers.post(&card, 300, now);
        assert_eq!(code(&issuers.decide(&card, "primary", 500, now)), 202);
    }

    #[test]
    fn a_card_that_is_not_open_declines_even_an_account_check() {
        for (status, expected) in [
            (CardStatus::Closed, 222),
            (CardStatus::Lost, 251),
            (CardStatus::Stolen, 252),
            (CardStatus::PickUp, 250),
            (CardStatus::Expired, 223),
            (CardStatus::Fraudulent, 253),
            (CardStatus::Restricted, 204),
        ] {
            let (mut issuers, card) = with(CardSpec { status, ..CardSpec::default() });
            assert_eq!(code(&issuers.decide(&card, "primary", 0, Timestamp::UNIX_EPOCH)), expected);
        }
    }

    #[test]
    fn everything_wrong_with_a_card_is_said_at_once() {
        let problems = Issuers::default()
            .put(CardSpec {
                number: "4242".to_owned(),
                balance_minor: Some(-1),
                declines: vec![DeclineSpec::always(300)],
                partial_approval: Some(PartialApproval::Percent(100)),
                ..CardSpec::default()
            })
            .unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
    }
}
