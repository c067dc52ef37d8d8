//! Plans of products: there exactly when something is billed after the checkout, and in keeping with what the checkout
//! charges. What a plan says of itself, [`crate::plan::Plan::check`] judges.

use super::Problem;
use crate::configuration::{Billing, CampaignProduct};
use crate::money::Currency;

/// Checks the plan of a product of a campaign in this currency.
pub(super) fn check_plan(
    product: &CampaignProduct,
    currency: Currency,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    let field = format!("{path}.plan");
    let Some(plan) = &product.plan else {
        match product.billing {
            Billing::OneTime => {}
            Billing::Recurring | Billing::MultiPay => {
                let words = "a product that is billed again needs a plan with its cycles";
                problems.push(Problem::new(field, words));
            }
        }
        return;
    };
    problems.extend(plan.check(&field, product.billing, currency));
    if let Some(first) = plan.cycles.first() {
        for (name, price, own) in
            [("price", first.price, product.price), ("shipping", first.shipping, product.shipping)]
        {
            if price.currency() == own.currency() && price != own {
                let words = "cycle 1 is the charge at checkout: its price is the product's";
                problems.push(Problem::new(format!("{field}.cycles[0].{name}"), words));
            }
        }
    }
    if product.billing == Billing::MultiPay && !plan.ships_once {
        let words = "instalments pay for goods that are shipped once; set it to true";
        problems.push(Problem::new(format!("{field}.ships_once"), words));
    }
}
