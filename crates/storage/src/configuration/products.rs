//! Products of a campaign.

use domain::configuration::{Billing, CampaignProduct, ProductKind, Target};
use domain::ids::{CampaignProductId, GatewayId, GatewayProfileId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::amount::Amount;
use super::plans::PlanBody;

#[derive(Serialize, Deserialize)]
pub(super) struct ProductBody {
    id: Uuid,
    number: i64,
    name: String,
    sku: String,
    kind: String,
    billing: String,
    #[serde(default)]
    plan: Option<PlanBody>,
    price: Amount,
    shipping: Amount,
    is_shippable: bool,
    gateway: Option<Uuid>,
    profile: Option<Uuid>,
}

impl ProductBody {
    /// As it is saved.
    pub(super) fn of(product: &CampaignProduct) -> Self {
        let (gateway, profile) = match product.target {
            Target::Gateway(id) => (Some(id.uuid()), None),
            Target::Profile(id) => (None, Some(id.uuid())),
        };
        Self {
            id: product.id.uuid(),
            number: product.number,
            name: product.name.clone(),
            sku: product.sku.clone(),
            kind: product.kind.as_str().to_owned(),
            billing: product.billing.as_str().to_owned(),
            plan: product.plan.as_ref().map(PlanBody::of),
            price: Amount::of(product.price),
            shipping: Amount::of(product.shipping),
            is_shippable: product.is_shippable,
            gateway,
            profile,
        }
    }
}

/// As it is known. A recurring product that was saved before there were plans gets the default one.
pub(super) fn read_product(body: ProductBody) -> Option<CampaignProduct> {
    let target = match (body.gateway, body.profile) {
        (Some(gateway), _) => Target::Gateway(GatewayId::from_uuid(gateway)),
        (None, Some(profile)) => Target::Profile(GatewayProfileId::from_uuid(profile)),
        (None, None) => return None,
    };
    let billing = Billing::parse(&body.billing)?;
    let (price, shipping) = (body.price.money()?, body.shipping.money()?);
    Some(CampaignProduct {
        id: CampaignProductId::from_uuid(body.id),
        number: body.number,
        name: body.name,
        sku: body.sku,
        kind: ProductKind::parse(&body.kind)?,
        billing,
        plan: match body.plan {
            Some(plan) => Some(plan.read()?),
            None => CampaignProduct::default_plan(billing, price, shipping),
        },
        price,
        shipping,
        is_shippable: body.is_shippable,
        target,
    })
}
