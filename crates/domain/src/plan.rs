//! Plans: what a product charges after the checkout, cycle by cycle (crm.md sections 1, 2.4 and 2.5).

use crate::attempt::words;
use crate::money::Money;

mod check;

/// Most cycles that are configured one by one; the last one repeats.
pub const CYCLES_MAX: usize = 24;
/// Longest delay between two cycles, days.
pub const DELAY_DAYS_MAX: i64 = 730;

/// One billing cycle. Cycle 1 is the charge at checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Days from this cycle's charge to the next one.
    pub delay_days: i64,
    /// Price of one.
    pub price: Money,
    /// Shipping of the line.
    pub shipping: Money,
}

/// How a trial is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// The completion pays for what was shipped at the sale: nothing new is shipped.
    Standard,
    /// The completion also ships.
    Accelerated,
}

words!(Trial { Standard = "standard", Accelerated = "accelerated" });

/// What a recurring or multi-pay product charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its cycles; the last one repeats. Never empty. The first one's price is what the checkout charged.
    pub cycles: Vec<Cycle>,
    /// Whether cycle 1 is a trial, and of which kind; its completion is cycle 2 and stays on the original order.
    pub trial: Option<Trial>,
    /// The last cycle; none: no end. A multi-pay product always has one.
    pub final_cycle: Option<i64>,
    /// Keeps the day of the month of the first sale, also after recycling (Q25).
    pub persistent_rebill_day: bool,
    /// Bills on this day of the month, 1 to 31; a shorter month bills on its last day.
    pub fixed_billing_day: Option<i64>,
    /// Ships once, at the first charge: the later ones are instalments of the same goods.
    pub ships_once: bool,
}

impl Plan {
    /// The same charge every so many days, without an end.
    pub fn every(days: i64, price: Money, shipping: Money) -> Self {
        Self {
            cycles: vec![Cycle { delay_days: days, price, shipping }],
            trial: None,
            final_cycle: None,
            persistent_rebill_day: false,
            fixed_billing_day: None,
            ships_once: false,
        }
    }

    /// The cycle with this number: the last one repeats.
    pub fn cycle(&self, number: i64) -> Option<&Cycle> {
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or(0);
        self.cycles.get(index).or_else(|| self.cycles.last())
    }
}
