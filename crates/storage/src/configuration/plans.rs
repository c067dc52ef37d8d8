//! Plans of products.

use domain::plan::{Cycle, Plan, Trial};
use serde::{Deserialize, Serialize};

use super::amount::Amount;

#[derive(Serialize, Deserialize)]
struct CycleBody {
    delay_days: i64,
    price: Amount,
    shipping: Amount,
}

/// A plan in the body of a campaign.
#[derive(Serialize, Deserialize)]
pub(super) struct PlanBody {
    cycles: Vec<CycleBody>,
    trial: Option<String>,
    final_cycle: Option<i64>,
    persistent_rebill_day: bool,
    fixed_billing_day: Option<i64>,
    ships_once: bool,
}

impl PlanBody {
    /// As it is saved.
    pub(super) fn of(plan: &Plan) -> Self {
        let cycle = |cycle: &Cycle| CycleBody {
            delay_days: cycle.delay_days,
            price: Amount::of(cycle.price),
            shipping: Amount::of(cycle.shipping),
        };
        Self {
            cycles: plan.cycles.iter().map(cycle).collect(),
            trial: plan.trial.map(|trial| trial.as_str().to_owned()),
            final_cycle: plan.final_cycle,
            persistent_rebill_day: plan.persistent_rebill_day,
            fixed_billing_day: plan.fixed_billing_day,
            ships_once: plan.ships_once,
        }
    }

    /// As it is known.
    pub(super) fn read(&self) -> Option<Plan> {
        let cycle = |body: &CycleBody| {
            Some(Cycle {
                delay_days: body.delay_days,
                price: body.price.money()?,
                shipping: body.shipping.money()?,
            })
        };
        Some(Plan {
            cycles: self.cycles.iter().map(cycle).collect::<Option<Vec<_>>>()?,
            trial: match &self.trial {
                None => None,
                Some(word) => Some(Trial::parse(word)?),
            },
            final_cycle: self.final_cycle,
            persistent_rebill_day: self.persistent_rebill_day,
            fixed_billing_day: self.fixed_billing_day,
            ships_once: self.ships_once,
        })
    }
}
