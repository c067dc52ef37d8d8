//! Plans of products: what is charged after the checkout.

use domain::plan as d;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::values::{Money, words};

words!(
    /// How a trial is completed.
    Trial of domain::plan::Trial {
        /// The completion pays for what was shipped at the sale: nothing new is shipped.
        Standard,
        /// The completion also ships.
        Accelerated,
    }
);

/// One billing cycle. Cycle 1 is the charge at checkout.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cycle {
    /// Days from this cycle's charge to the next one.
    #[schema(minimum = 1, maximum = 730)]
    delay_days: i64,
    /// Price of one; the product's when left out. That of cycle 1 is the product's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    /// Shipping of the line; the product's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shipping: Option<Money>,
}

/// What a recurring or `multi_pay` product charges.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// Its cycles; the last one repeats.
    #[schema(min_items = 1, max_items = 24)]
    cycles: Vec<Cycle>,
    /// Whether cycle 1 is a trial. Cycle 2 completes it, on the original order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trial: Option<Trial>,
    /// The last cycle; without it there is no end. A `multi_pay` product always has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 2)]
    final_cycle: Option<i64>,
    /// Keeps the day of the month of the first sale, also after recycling.
    #[serde(default)]
    persistent_rebill_day: bool,
    /// Bills on this day of the month; a shorter month bills on its last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31)]
    fixed_billing_day: Option<i64>,
    /// Ships once, at checkout: the later charges are instalments of the same goods. True for `multi_pay`.
    #[serde(default)]
    ships_once: bool,
}

impl Plan {
    /// As it is shown.
    pub(crate) fn show(plan: &d::Plan) -> Self {
        let cycle = |cycle: &d::Cycle| Cycle {
            delay_days: cycle.delay_days,
            price: Some(cycle.price.into()),
            shipping: Some(cycle.shipping.into()),
        };
        Self {
            cycles: plan.cycles.iter().map(cycle).collect(),
            trial: plan.trial.map(Trial::from),
            final_cycle: plan.final_cycle,
            persistent_rebill_day: plan.persistent_rebill_day,
            fixed_billing_day: plan.fixed_billing_day,
            ships_once: plan.ships_once,
        }
    }

    /// As the hub knows it; `price` and `shipping` are the product's.
    pub(super) fn read(&self, price: domain::Money, shipping: domain::Money) -> d::Plan {
        let cycle = |cycle: &Cycle| d::Cycle {
            delay_days: cycle.delay_days,
            price: cycle.price.map_or(price, domain::Money::from),
            shipping: cycle.shipping.map_or(shipping, domain::Money::from),
        };
        d::Plan {
            cycles: self.cycles.iter().map(cycle).collect(),
            trial: self.trial.map(d::Trial::from),
            final_cycle: self.final_cycle,
            persistent_rebill_day: self.persistent_rebill_day,
            fixed_billing_day: self.fixed_billing_day,
            ships_once: self.ships_once,
        }
    }
}
