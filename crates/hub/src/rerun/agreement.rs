//! What gateways are told about the agreement that a rerun belongs to (M25, M30).

use domain::configuration::{Billing, CampaignProduct, Configuration};
use domain::order::{Order, OrderItem};
use domain::plan::Plan;
use gateways::{StoredCredential, SubscriptionTerms};

/// The first line that is billed again later, with its product.
fn recurring<'a>(
    configuration: &'a Configuration,
    order: &'a Order,
) -> Option<(&'a CampaignProduct, &'a OrderItem)> {
    let campaign = configuration.campaign(order.campaign_id)?;
    order.items.iter().find_map(|item| {
        let product = campaign.products.iter().find(|product| product.id == item.product_id)?;
        (product.billing != Billing::OneTime).then_some((product, item))
    })
}

/// Nobody is present at a rerun: a recurring sale is sent as a merchant's charge of a stored card, without the id of a
/// first one (M30); any other sale makes no agreement.
pub(super) fn credential_of(configuration: &Configuration, order: &Order) -> StoredCredential {
    match recurring(configuration, order) {
        Some(_) => StoredCredential::Rebill { initial_reference: None },
        None => StoredCredential::None,
    }
}

/// The terms of the recurring product, when there is one (M25). The subscription begins with the approval: until then
/// the order's id stands for it.
pub(super) fn terms_of(configuration: &Configuration, order: &Order) -> Option<SubscriptionTerms> {
    let (product, item) = recurring(configuration, order)?;
    let plan = product
        .plan
        .clone()
        .or_else(|| CampaignProduct::default_plan(Billing::Recurring, product.price, product.shipping))?;
    Some(SubscriptionTerms {
        reference: order.id.base32(),
        interval_days: plan.cycle(1).map_or(0, |cycle| cycle.delay_days),
        price: usual_price(&plan, item).unwrap_or(order.total),
        payment_number: 1,
        payments_total: plan.final_cycle,
    })
}

/// What the second cycle charges: the first one may be a trial.
fn usual_price(plan: &Plan, item: &OrderItem) -> Option<domain::Money> {
    let cycle = plan.cycle(2)?;
    cycle.price.checked_mul(item.quantity).ok()?.checked_add(cycle.shipping).ok()
}
