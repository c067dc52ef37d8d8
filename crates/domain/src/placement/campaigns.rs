//! Campaigns: where the first charges of their products go, and what they cost.

use super::plans::check_plan;
use super::{Place, Problem, may_stand, refusal};
use crate::configuration::{Configuration, ProductKind, Target};

pub(super) fn check_campaigns(configuration: &Configuration, problems: &mut Vec<Problem>) {
    for campaign in &configuration.campaigns {
        for product in &campaign.products {
            let path = format!("campaigns[{}].products[{}]", campaign.number, product.number);
            let place = match product.kind {
                ProductKind::Offer => Place::Offer,
                ProductKind::Upsell => Place::Upsell,
            };
            match product.target {
                Target::Gateway(id) => match configuration.gateway(id) {
                    None => problems.push(Problem::new(format!("{path}.target"), "there is no such gateway")),
                    Some(gateway) if !may_stand(&gateway.capabilities, place) => {
                        problems.push(Problem::new(format!("{path}.target"), refusal(gateway, place)));
                    }
                    Some(_) => {}
                },
                Target::Profile(id) if configuration.gateway_profile(id).is_none() => {
                    problems.push(Problem::new(format!("{path}.target"), "there is no such gateway profile"));
                }
                Target::Profile(_) => {}
            }
            let foreign = product.price.currency() != campaign.currency
                || product.shipping.currency() != campaign.currency;
            if foreign {
                problems.push(Problem::new(
                    format!("{path}.price"),
                    format!("prices of this campaign are in {}", campaign.currency),
                ));
            }
            if product.price.is_negative() || product.shipping.is_negative() {
                problems.push(Problem::new(format!("{path}.price"), "a price is 0 or more"));
            }
            check_plan(product, campaign.currency, &path, problems);
        }
    }
}
