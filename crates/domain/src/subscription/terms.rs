//! What the terms of a subscription say about one of its cycles.

use thiserror::Error;

use super::Terms;
use crate::money::{Money, MoneyError};

/// Why terms name no amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoAmount {
    /// The plan has no cycle.
    #[error("the plan has no cycle")]
    NoCycle,
    /// Prices of two currencies, or beyond what an amount holds.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Terms {
    /// What the bill of this cycle is: price times quantity, and shipping. A changed price or shipping stands in place of
    /// the cycle's; one that holds for the next bill only is taken away by whoever records that bill.
    pub fn amount_of(&self, cycle: i64) -> Result<Money, NoAmount> {
        let planned = self.plan.cycle(cycle).ok_or(NoAmount::NoCycle)?;
        let price = self.price.unwrap_or(planned.price).checked_mul(self.quantity)?;
        let shipping = self.shipping.unwrap_or(planned.shipping);
        Ok(Money::zero(self.currency).checked_add(price)?.checked_add(shipping)?)
    }

    /// Days from this cycle's charge to the next one: the agreed interval, else the cycle's delay.
    pub fn delay_days(&self, cycle: i64) -> i64 {
        self.interval_days.or_else(|| self.plan.cycle(cycle).map(|one| one.delay_days)).unwrap_or(1)
    }

    /// The last cycle; none: no end.
    pub fn final_cycle(&self) -> Option<i64> {
        self.final_cycle.or(self.plan.final_cycle)
    }

    /// Whether nothing is billed after this cycle.
    pub fn is_final(&self, cycle: i64) -> bool {
        self.final_cycle().is_some_and(|last| cycle >= last)
    }

    /// Whether this cycle completes a trial: it stays on the original order (Q24).
    pub fn is_trial_completion(&self, cycle: i64) -> bool {
        self.plan.trial.is_some() && cycle == 2
    }

    /// Whether something is shipped for this cycle.
    pub fn ships_on(&self, cycle: i64) -> bool {
        let paid_for_earlier = cycle == 2 && self.plan.trial == Some(crate::plan::Trial::Standard);
        self.is_shippable && !paid_for_earlier && (cycle == 1 || !self.plan.ships_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::plan::{Plan, Trial};
    use jiff::Timestamp;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    fn terms() -> Terms {
        Terms {
            product_number: 1,
            name: "Tea".into(),
            sku: String::new(),
            quantity: 3,
            currency: Currency::USD,
            is_shippable: true,
            plan: Plan::every(30, usd(1_000), usd(250)),
            price: None,
            price_once: false,
            shipping: None,
            interval_days: None,
            final_cycle: None,
            sold_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_bill_is_price_times_quantity_and_the_shipping_of_the_line() {
        assert_eq!(terms().amount_of(2), Ok(usd(3_250)));
        assert_eq!(Terms { price: Some(usd(700)), ..terms() }.amount_of(9), Ok(usd(2_350)));
        assert_eq!(Terms { shipping: Some(usd(0)), ..terms() }.amount_of(2), Ok(usd(3_000)));
        assert_eq!(Terms { quantity: i64::MAX, ..terms() }.amount_of(2), Err(MoneyError::Overflow.into()));
        let yen = Money::parse("5", "JPY").unwrap();
        let mixed = Terms { price: Some(yen), ..terms() }.amount_of(2);
        assert!(matches!(mixed, Err(NoAmount::Money(MoneyError::CurrencyMismatch { .. }))));
        let empty = Plan { cycles: Vec::new(), ..terms().plan };
        assert_eq!(Terms { plan: empty, ..terms() }.amount_of(2), Err(NoAmount::NoCycle));
    }

    #[test]
    fn the_last_cycle_is_the_agreed_one_else_the_plans() {
        let mut terms = terms();
        assert!(!terms.is_final(1_000_000));
        terms.plan.final_cycle = Some(4);
        assert!(!terms.is_final(3) && terms.is_final(4) && terms.is_final(5));
        terms.final_cycle = Some(6);
        assert!(!terms.is_final(5) && terms.is_final(6));
    }

    #[test]
    fn a_standard_trial_ships_at_the_sale_and_an_accelerated_one_also_at_its_completion() {
        let mut terms = terms();
        assert!(!terms.is_trial_completion(2));
        terms.plan.trial = Some(Trial::Standard);
        assert_eq!([1, 2, 3].map(|cycle| terms.ships_on(cycle)), [true, false, true]);
        assert_eq!([1, 2, 3].map(|cycle| terms.is_trial_completion(cycle)), [false, true, false]);
        terms.plan.trial = Some(Trial::Accelerated);
        assert_eq!([1, 2, 3].map(|cycle| terms.ships_on(cycle)), [true, true, true]);
    }

    #[test]
    fn instalments_ship_once_and_what_is_not_shippable_never() {
        let mut terms = terms();
        terms.plan.ships_once = true;
        assert_eq!([1, 2, 3].map(|cycle| terms.ships_on(cycle)), [true, false, false]);
        terms.is_shippable = false;
        assert!(!terms.ships_on(1));
    }

    #[test]
    fn the_agreed_interval_stands_in_place_of_the_delay() {
        assert_eq!(terms().delay_days(1), 30);
        assert_eq!(Terms { interval_days: Some(7), ..terms() }.delay_days(5), 7);
    }
}
