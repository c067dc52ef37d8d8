//! Campaigns with their products.

use domain::configuration::Campaign;
use domain::ids::{CampaignId, MerchantId};
use domain::money::Currency;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::products::{ProductBody, read_product};
use super::{Saved, upsert};
use crate::statement::Step;

#[derive(Serialize, Deserialize)]
struct Body {
    title: String,
    currency: String,
    single_transaction: bool,
    #[serde(default)]
    disable_recycle_billing: bool,
    products: Vec<ProductBody>,
}

/// Saves a campaign with its products.
pub fn save_campaign(merchant_id: MerchantId, campaign: &Campaign, at: Timestamp) -> Step {
    let body = Body {
        title: campaign.title.clone(),
        currency: campaign.currency.code().to_owned(),
        single_transaction: campaign.single_transaction,
        disable_recycle_billing: campaign.disable_recycle_billing,
        products: campaign.products.iter().map(ProductBody::of).collect(),
    };
    upsert(merchant_id, "campaign", campaign.id.uuid(), campaign.number, &body, None, at)
}

pub(super) fn read(saved: &Saved) -> Option<Campaign> {
    let body: Body = saved.body()?;
    Some(Campaign {
        id: CampaignId::from_uuid(saved.id),
        number: saved.number,
        title: body.title,
        currency: Currency::parse(&body.currency)?,
        single_transaction: body.single_transaction,
        disable_recycle_billing: body.disable_recycle_billing,
        products: body.products.into_iter().map(read_product).collect::<Option<Vec<_>>>()?,
    })
}
