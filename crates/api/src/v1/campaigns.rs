//! Campaigns: catalogues with settings of their own, and their products.

use domain::configuration as d;
use domain::configuration::Target;
use domain::ids::{CampaignId, CampaignProductId, GatewayId};
use domain::placement::Problem as Wrong;
use hub::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::Names;
use super::resource::{Resource, Saved, endpoints};
use super::values::{CurrencyCode, Money, Reference, words};

/// Most products of a campaign.
const PRODUCTS_MAX: usize = 1_000;
/// Most characters of a product's name or stock keeping unit.
const NAME_CHARS_MAX: usize = 200;

words!(
    /// Whether a campaign product is an offer or an upsell.
    ProductKind of domain::configuration::ProductKind {
        /// Sold at checkout.
        Offer,
        /// Added after it.
        Upsell,
    }
);

words!(
    /// How a product is billed.
    Billing of domain::configuration::Billing {
        /// Once.
        OneTime,
        /// Again and again.
        Recurring,
    }
);

/// A product as a campaign sells it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Product {
    /// Its id; a product keeps it for as long as it keeps its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^prd_[0-9a-hjkmnp-tv-z]{26}$")]
    id: Option<String>,
    /// Its number in the CRM-compatible API (`product1_id`), unique over all campaigns.
    #[schema(minimum = 1)]
    pub(crate) number: i64,
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Stock keeping unit.
    #[serde(default)]
    #[schema(max_length = 200)]
    sku: String,
    /// Offer or upsell.
    #[serde(default = "offer")]
    kind: ProductKind,
    /// How it is billed.
    #[serde(default = "one_time")]
    billing: Billing,
    /// Price of one.
    price: Money,
    /// Shipping of a line; nothing when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shipping: Option<Money>,
    /// Whether something is shipped.
    #[serde(default)]
    is_shippable: bool,
    /// The gateway of its first charge; give either this or `gateway_profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway: Option<Reference>,
    /// The gateway profile of its first charge; give either this or `gateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway_profile: Option<Reference>,
}

fn offer() -> ProductKind {
    ProductKind::Offer
}

fn one_time() -> Billing {
    Billing::OneTime
}

impl Product {
    fn show(product: &d::CampaignProduct, names: &Names) -> Self {
        let (gateway, gateway_profile) = match product.target {
            Target::Gateway(id) => (Some(names.gateway(id)), None),
            Target::Profile(id) => (None, Some(names.gateway_profile(id))),
        };
        Self {
            id: names.id(product.id),
            number: product.number,
            name: product.name.clone(),
            sku: product.sku.clone(),
            kind: product.kind.into(),
            billing: product.billing.into(),
            price: product.price.into(),
            shipping: Some(product.shipping.into()),
            is_shippable: product.is_shippable,
            gateway,
            gateway_profile,
        }
    }

    fn read(
        &self,
        path: &str,
        campaign: &Campaign,
        saved: &Saved<'_, Campaign>,
        problems: &mut Vec<Wrong>,
    ) -> d::CampaignProduct {
        let known = saved.known.and_then(|known| known.products.iter().find(|one| one.number == self.number));
        let id: CampaignProductId = known.map_or_else(|| saved.hub.minter().mint(), |known| known.id);
        if self.id.as_ref().is_some_and(|given| given.parse() != Ok(id)) {
            problems.push(Wrong::new(format!("{path}.id"), "is not the id of the product with this number"));
        }
        if !(1..=NAME_CHARS_MAX).contains(&self.name.trim().chars().count()) {
            problems.push(Wrong::new(format!("{path}.name"), "a name has 1 to 200 characters"));
        }
        if self.sku.chars().count() > NAME_CHARS_MAX {
            problems.push(Wrong::new(format!("{path}.sku"), "has at most 200 characters"));
        }
        d::CampaignProduct {
            id,
            number: self.number,
            name: self.name.clone(),
            sku: self.sku.clone(),
            kind: self.kind.into(),
            billing: self.billing.into(),
            price: self.price.into(),
            shipping: self
                .shipping
                .map_or_else(|| domain::Money::zero(campaign.currency.0), domain::Money::from),
            is_shippable: self.is_shippable,
            target: self.target(path, saved, problems),
        }
    }

    fn target(&self, path: &str, saved: &Saved<'_, Campaign>, problems: &mut Vec<Wrong>) -> Target {
        let at = saved.directory;
        match (&self.gateway, &self.gateway_profile) {
            (Some(to), None) => Target::Gateway(at.gateway(to, &format!("{path}.gateway"), problems)),
            (None, Some(to)) => {
                Target::Profile(at.gateway_profile(to, &format!("{path}.gateway_profile"), problems))
            }
            (Some(_), Some(_)) | (None, None) => {
                let words = "give either gateway or gateway_profile";
                problems.push(Wrong::new(format!("{path}.gateway"), words));
                Target::Gateway(GatewayId::from_uuid(uuid::Uuid::nil()))
            }
        }
    }
}

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
    /// What it sells.
    #[serde(default)]
    #[schema(max_items = 1000)]
    products: Vec<Product>,
}

impl Resource for Campaign {
    type Id = CampaignId;
    type Domain = d::Campaign;
    const PLURAL: &'static str = "campaigns";

    fn all(configuration: &d::Configuration) -> &[d::Campaign] {
        &configuration.campaigns
    }

    fn id_of(one: &d::Campaign) -> CampaignId {
        one.id
    }

    fn number_of(one: &d::Campaign) -> Option<i64> {
        Some(one.number)
    }

    fn own_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn own_number(&self) -> Option<i64> {
        self.number
    }

    fn show(one: &d::Campaign, names: &Names) -> Self {
        Self {
            id: names.id(one.id),
            number: Some(one.number),
            title: one.title.clone(),
            currency: CurrencyCode(one.currency),
            single_transaction: one.single_transaction,
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
            products,
        })
    }

    fn changed(change: &Change) -> Option<&d::Campaign> {
        if let Change::Campaign(campaign) = change { Some(campaign) } else { None }
    }

    fn removal(id: CampaignId) -> Change {
        Change::DeleteCampaign(id)
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
        match (field, &product.gateway) {
            (".target", None) => format!("products[{at}].gateway_profile"),
            (".target", Some(_)) => format!("products[{at}].gateway"),
            (field, _) => format!("products[{at}]{field}"),
        }
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "number": 100,
        "title": "Vitamins",
        "currency": "USD",
        "single_transaction": false,
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
        }]
    })]
}

endpoints!(Campaign, "campaigns", "/v1/campaigns", "/v1/campaigns/{id}");
