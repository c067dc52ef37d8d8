//! What must hold of a plan before it is saved.

use super::{CYCLES_MAX, DELAY_DAYS_MAX, Plan};
use crate::configuration::Billing;
use crate::money::Currency;
use crate::placement::Problem;

impl Plan {
    /// Everything wrong with the plan of a product that is billed so, in a campaign of this currency; `path` is where the
    /// plan stands, e.g. `campaigns[100].products[7].plan`. Empty when it may be saved.
    pub fn check(&self, path: &str, billing: Billing, currency: Currency) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{field}"), message));
        };
        if self.cycles.is_empty() || self.cycles.len() > CYCLES_MAX {
            let count = self.cycles.len();
            wrong("cycles", format!("a plan has 1 to {CYCLES_MAX} cycles; this one has {count}"));
        }
        for (at, cycle) in self.cycles.iter().enumerate() {
            if !(1..=DELAY_DAYS_MAX).contains(&cycle.delay_days) {
                wrong(&format!("cycles[{at}].delay_days"), format!("a delay is 1 to {DELAY_DAYS_MAX} days"));
            }
            for (name, money) in [("price", cycle.price), ("shipping", cycle.shipping)] {
                if money.currency() != currency {
                    wrong(
                        &format!("cycles[{at}].{name}"),
                        format!("prices of this campaign are in {currency}"),
                    );
                }
                if money.is_negative() {
                    wrong(&format!("cycles[{at}].{name}"), "a price is 0 or more".to_owned());
                }
            }
        }
        match self.final_cycle {
            Some(last) if last < 2 && self.trial.is_some() => {
                wrong(
                    "final_cycle",
                    "a trial is completed in cycle 2: the final cycle is 2 or more".to_owned(),
                );
            }
            Some(last) if last < 2 => {
                wrong("final_cycle", "the final cycle is 2 or more; for one charge bill one_time".to_owned());
            }
            None if billing == Billing::MultiPay => {
                wrong("final_cycle", "instalments need a final cycle".to_owned());
            }
            Some(_) | None => {}
        }
        if self.fixed_billing_day.is_some_and(|day| !(1..=31).contains(&day)) {
            wrong("fixed_billing_day", "a day of the month is 1 to 31".to_owned());
        }
        if self.fixed_billing_day.is_some() && self.persistent_rebill_day {
            wrong("fixed_billing_day", "choose it or persistent_rebill_day, not both".to_owned());
        }
        if billing == Billing::OneTime {
            problems.push(Problem::new(path, "a product that is billed once has no plan"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::plan::{Cycle, Trial};

    fn plan() -> Plan {
        Plan::every(30, Money::new(1_000, Currency::USD), Money::zero(Currency::USD))
    }

    fn fields(plan: &Plan, billing: Billing) -> Vec<String> {
        let problems = plan.check("p", billing, Currency::USD);
        problems.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_sound_plan_has_no_problem() {
        assert!(fields(&plan(), Billing::Recurring).is_empty());
        let trial = Plan { trial: Some(Trial::Standard), final_cycle: Some(2), ..plan() };
        assert!(fields(&trial, Billing::MultiPay).is_empty());
        let longest = Plan { cycles: vec![plan().cycles[0].clone(); CYCLES_MAX], ..plan() };
        assert!(fields(&longest, Billing::Recurring).is_empty());
    }

    #[test]
    fn each_fault_is_named_at_its_field_and_all_at_once() {
        let yen = Money::parse("-1", "JPY").unwrap();
        let cycle = |delay_days| Cycle { delay_days, price: yen, shipping: Money::zero(Currency::USD) };
        let broken = Plan {
            cycles: vec![cycle(0), cycle(DELAY_DAYS_MAX + 1)],
            trial: Some(Trial::Standard),
            final_cycle: Some(1),
            persistent_rebill_day: true,
            fixed_billing_day: Some(32),
            ships_once: false,
        };
        let expected = [
            "p.cycles[0].delay_days",
            "p.cycles[0].price",
            "p.cycles[0].price",
            "p.cycles[1].delay_days",
            "p.cycles[1].price",
            "p.cycles[1].price",
            "p.final_cycle",
            "p.fixed_billing_day",
            "p.fixed_billing_day",
        ];
        assert_eq!(fields(&broken, Billing::Recurring), expected);
    }

    #[test]
    fn a_plan_has_one_to_most_cycles() {
        assert_eq!(fields(&Plan { cycles: Vec::new(), ..plan() }, Billing::Recurring), ["p.cycles"]);
        let long = Plan { cycles: vec![plan().cycles[0].clone(); CYCLES_MAX + 1], ..plan() };
        assert_eq!(fields(&long, Billing::Recurring), ["p.cycles"]);
    }

    #[test]
    fn instalments_need_an_end_and_what_is_billed_once_has_no_plan() {
        assert_eq!(fields(&plan(), Billing::MultiPay), ["p.final_cycle"]);
        assert_eq!(fields(&Plan { final_cycle: Some(1), ..plan() }, Billing::Recurring), ["p.final_cycle"]);
        assert_eq!(fields(&plan(), Billing::OneTime), ["p"]);
    }
}
