//! `/campaign/query/`: campaigns with their products.

use axum::extract::State;
use domain::configuration::{Billing, Campaign, CampaignProduct, ProductKind};
use domain::plan::{Cycle, Plan, Trial};
use hub::HubError;
use serde_json::{Value, json};

use super::Crm;
use super::answer::Answer;
use super::call::Call;
use super::order_object::flag;
use super::page::{self, Page};
use super::reader::Reader;

/// All campaigns by number, or the one named by `campaignId`.
pub(crate) async fn query(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| name == "campaignId" || page::NAMES.contains(&name));
    answer(&crm, &call).await.unwrap_or_else(Answer::from)
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let mut reader = Reader::new(&call.pairs);
    let page = Page::read(&mut reader);
    let wanted = reader.number("campaignId");
    let problems = reader.into_problems();
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let campaigns = configuration.campaigns.iter();
    let mut found: Vec<&Campaign> =
        campaigns.filter(|campaign| wanted.is_none_or(|number| number == campaign.number)).collect();
    found.sort_by_key(|campaign| campaign.number);
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let rows: Vec<Value> = page.cut(found).into_iter().map(row).collect();
    Ok(page.answer(total, &rows, "campaigns"))
}

fn row(campaign: &Campaign) -> Value {
    let products: Vec<Value> = campaign.products.iter().map(product).collect();
    json!({
        "campaignId": campaign.number,
        "campaignName": campaign.title,
        "currencyCode": campaign.currency.code(),
        "currencySymbol": campaign.currency.symbol(),
        "singleTransaction": flag(campaign.single_transaction),
        "disableRecycleBilling": flag(campaign.disable_recycle_billing),
        "products": products,
    })
}

fn product(product: &CampaignProduct) -> Value {
    let plan = product.plan.as_ref();
    let billing = match product.billing {
        Billing::OneTime => "ONE_TIME",
        Billing::Recurring => "RECURRING",
        Billing::MultiPay => "MULTI_PAY",
    };
    json!({
        "campaignProductId": product.number,
        "productId": product.number,
        "productName": product.name,
        "productSku": product.sku,
        "productType": match product.kind {
            ProductKind::Offer => "OFFER",
            ProductKind::Upsell => "UPSALE",
        },
        "billingType": billing,
        "billingCycleType": billing,
        "trialType": plan.and_then(|plan| plan.trial).map(|trial| match trial {
            Trial::Standard => "STANDARD",
            Trial::Accelerated => "ACCELERATED",
        }),
        "finalBillingCycle": plan.and_then(|plan| plan.final_cycle),
        "persistentRebillDay": plan.map(|plan| flag(plan.persistent_rebill_day)),
        "fixedBillingDay": plan.and_then(|plan| plan.fixed_billing_day),
        "cycles": plan.map(cycles).unwrap_or_default(),
        "price": product.price.decimal(),
        "shippingPrice": product.shipping.decimal(),
        "isShippable": flag(product.is_shippable),
    })
}

/// Cycles in order; the last one repeats.
fn cycles(plan: &Plan) -> Vec<Value> {
    let row = |(number, cycle): (i64, &Cycle)| {
        json!({
            "billingCycleNumber": number,
            "billDelay": cycle.delay_days,
            "price": cycle.price.decimal(),
            "shippingPrice": cycle.shipping.decimal(),
        })
    };
    (1..).zip(&plan.cycles).map(row).collect()
}
