//! Products of a campaign.

use domain::configuration as d;
use domain::configuration::Target;
use domain::ids::{CampaignProductId, GatewayId};
use domain::placement::Problem as Wrong;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::directory::Names;
use super::super::resource::Saved;
use super::super::values::{Money, Reference, words};
use super::Campaign;
use super::plan::Plan;

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
        /// Again and again, cycle by cycle.
        Recurring,
        /// A fixed number of instalments.
        MultiPay,
    }
);

/// A product as a campaign sells it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    /// Its id; a product keeps it for as long as it keeps its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^prd_[0-9a-hjkmnp-tv-z]{26}$")]
    id: Option<String>,
    /// Its number in the CRM-compatible API (`product1_id`), unique over all campaigns.
    #[schema(minimum = 1)]
    pub(super) number: i64,
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
    /// What it charges after the checkout. A recurring product without a plan charges its price every 30 days;
    /// `multi_pay` needs one; a product billed once has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// Price of one, at checkout: the price of cycle 1.
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
    /// As it is shown.
    pub(super) fn show(product: &d::CampaignProduct, names: &Names) -> Self {
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
            plan: product.plan.as_ref().map(Plan::show),
            price: product.price.into(),
            shipping: Some(product.shipping.into()),
            is_shippable: product.is_shippable,
            gateway,
            gateway_profile,
        }
    }

    /// As the hub knows it; `path` is where it stands in the request.
    pub(super) fn read(
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
        let (billing, price) = (self.billing.into(), self.price.into());
        let shipping =
            self.shipping.map_or_else(|| domain::Money::zero(campaign.currency.0), domain::Money::from);
        d::CampaignProduct {
            id,
            number: self.number,
            name: self.name.clone(),
            sku: self.sku.clone(),
            kind: self.kind.into(),
            billing,
            plan: match &self.plan {
                Some(plan) => Some(plan.read(price, shipping)),
                None => d::CampaignProduct::default_plan(billing, price, shipping),
            },
            price,
            shipping,
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

    /// The path in the request of what the hub says of this product: it calls gateway or profile the target.
    pub(super) fn rename(&self, field: &str) -> String {
        match (field, &self.gateway) {
            (".target", None) => ".gateway_profile".to_owned(),
            (".target", Some(_)) => ".gateway".to_owned(),
            (field, _) => field.to_owned(),
        }
    }
}
