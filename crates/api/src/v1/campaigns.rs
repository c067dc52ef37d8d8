//! Campaigns: catalogues with settings of their own, and their products.

use domain::configuration as d;
use domain::ids::CampaignId;
use domain::placement::Problem as Wrong;
use hub::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::Names;
use super::endpoints::endpoints;
use super::resource::{Resource, Saved, numbered};
use super::values::CurrencyCode;

pub(crate) mod plan;
mod product;

use product::Product;

/// Most products of a campaign.
const PRODUCTS_MAX: usize = 1_000;

/// A catalogue with settings of its own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Campaign {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^cmp_[0-9a-hjkmnp-tv-z]{26}$")]
    pub(crate) id: Option<String>,
    /// Its number in the CRM-compatible API (campaignId); the next free one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub(crate) number: Option<i64>,
    /// Its title.
    #[schema(min_length = 1, max_length = 100)]
    title: String,
    /// The currency of its prices.
    currency: CurrencyCode,
    /// Merges offer and upsells into one charge; such sales never cascade to a salvage gateway.
    #[serde(default)]
    single_transaction: bool,
    /// Its declined rebills are not tried again, whatever the recycle profiles say.
    #[serde(default)]
    disable_recycle_billing: bool,
    /// What it sells.
    #[serde(default)]
    #[schema(max_items = 1000)]
    products: Vec<Product>,
}

impl Resource for Campaign {
    numbered!(d::Campaign, CampaignId, campaigns, Campaign, DeleteCampaign);

    fn show(one: &d::Campaign, names: &Names) -> Self {
        Self {
            id: names.id(one.id),
            number: Some(one.number),
            title: one.title.clone(),
            currency: CurrencyCode(one.currency),
            single_transaction: one.single_transaction,
            disable_recycle_billing: one.disable_recycle_billing,
            products: one.products.iter().map(|product| Product::show(product, names)).collect(),
        }
    }

    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change {
        if self.products.len() > PRODUCTS_MAX {
            problems.push(Wrong::new("products", "a campaign has at most 1000 products"));
        }
        let products = self.products.iter().take(PRODUCTS_MAX).enumerate();
        let products = products
            .map(|(at, product)| product.read(&format!("products[{at}]"), self, saved, problems))
            .collect();
        Change::Campaign(d::Campaign {
            id: saved.id,
            number: saved.number,
            title: self.title.clone(),
            currency: self.currency.0,
            single_transaction: self.single_transaction,
            disable_recycle_billing: self.disable_recycle_billing,
            products,
        })
    }

    /// The hub names products by number and calls their gateway or profile the target.
    fn rename(&self, rest: &str) -> String {
        let Some((number, field)) = rest.strip_prefix("products[").and_then(|rest| rest.split_once(']'))
        else {
            return rest.to_owned();
        };
        let at = self.products.iter().position(|product| product.number.to_string() == number);
        let Some((at, product)) = at.and_then(|at| Some((at, self.products.get(at)?))) else {
            return rest.to_owned();
        };
        format!("products[{at}]{}", product.rename(field))
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "number": 100,
        "title": "Vitamins",
        "currency": "USD",
        "single_transaction": false,
        "disable_recycle_billing": false,
        "products": [{
            "number": 7,
            "name": "Vitamin C, 90 tablets",
            "sku": "VC-90",
            "kind": "offer",
            "billing": "one_time",
            "price": {"amount_minor": 2999, "currency": "USD"},
            "shipping": {"amount_minor": 495, "currency": "USD"},
            "is_shippable": true,
            "gateway": 1
        }, {
            "number": 8,
            "name": "Vitamin C, monthly, 14 days on trial",
            "billing": "recurring",
            "price": {"amount_minor": 495, "currency": "USD"},
            "is_shippable": true,
            "plan": {
                "trial": "standard",
                "cycles": [
                    {"delay_days": 14},
                    {"delay_days": 30, "price": {"amount_minor": 2999, "currency": "USD"}}
                ]
            },
            "gateway": 1
        }, {
            "number": 9,
            "name": "Juicer, in three instalments",
            "billing": "multi_pay",
            "price": {"amount_minor": 4000, "currency": "USD"},
            "is_shippable": true,
            "plan": {"cycles": [{"delay_days": 30}], "final_cycle": 3, "ships_once": true},
            "gateway": 1
        }]
    })]
}

endpoints!(Campaign, "campaigns", "/v1/campaigns", "/v1/campaigns/{id}");
