//! Pieces of a configuration, by their numbers.

use std::collections::BTreeMap;

use domain::configuration::{
    Algorithm, Billing, Campaign, CampaignProduct, CascadeProfile, Gateway, GatewayProfile, Member,
    ProductKind, Target,
};
use domain::decline_map::{DeclineMap, MapOrders, MapScope};
use domain::declines::Class;
use domain::ids::{
    CampaignId, CampaignProductId, CascadeProfileId, DeclineMapId, GatewayId, GatewayProfileId,
    RecycleProfileId,
};
use domain::money::{Currency, Money};
use domain::plan::{Cycle, Plan, Trial};
use domain::recycle::{RecycleProfile, Reduction, Slot};
use gateways::fake::{ORDINARY, SALVAGE};
use hub::Change;
use jiff::Timestamp;
use uuid::Uuid;

/// The kind of ordinary gateways.
pub(crate) const FAKE: &str = "fake";
/// The kind of salvage gateways.
pub(crate) const FAKE_SALVAGE: &str = "fake_salvage";

fn uuid(number: i64) -> Uuid {
    Uuid::from_u128(number.unsigned_abs().into())
}

/// The gateway with this number.
pub(crate) fn gateway_id(number: i64) -> GatewayId {
    GatewayId::from_uuid(uuid(number))
}

/// The cascade profile with this number.
pub(crate) fn cascade_id(number: i64) -> CascadeProfileId {
    CascadeProfileId::from_uuid(uuid(number))
}

/// The gateway profile with this number.
pub(crate) fn profile_id(number: i64) -> GatewayProfileId {
    GatewayProfileId::from_uuid(uuid(number))
}

/// Dollars and cents.
pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A gateway named `gateway <number>`.
pub(crate) fn gateway(number: i64, kind: &str) -> Gateway {
    Gateway {
        id: gateway_id(number),
        number,
        kind: kind.to_owned(),
        title: format!("gateway {number}"),
        enabled: true,
        settings: BTreeMap::from([("name".to_owned(), number.to_string())]),
        direct_cascade: None,
        monthly_cap: None,
        cascade_all: false,
        capabilities: if kind == FAKE { ORDINARY } else { SALVAGE },
    }
}

/// A member of a profile.
pub(crate) fn member(number: i64) -> Member {
    Member {
        gateway_id: gateway_id(number),
        weight: 0,
        stars: 1,
        monthly_cap: None,
        max_total_declines: None,
        max_hard_declines: None,
    }
}

/// A cascade profile of one step, by priority.
pub(crate) fn cascade_profile(number: i64, members: &[i64]) -> CascadeProfile {
    CascadeProfile {
        id: cascade_id(number),
        number,
        title: format!("cascade {number}"),
        algorithm: Algorithm::PriorityQueue,
        members: members.iter().copied().map(member).collect(),
        max_steps: 1,
    }
}

/// A gateway profile, by priority.
pub(crate) fn gateway_profile(number: i64, members: &[i64]) -> GatewayProfile {
    GatewayProfile {
        id: profile_id(number),
        number,
        title: format!("profile {number}"),
        algorithm: Algorithm::PriorityQueue,
        members: members.iter().copied().map(member).collect(),
        cascade: None,
    }
}

/// A shipped product for 29.99 and 5.00 of shipping.
pub(crate) fn product(number: i64, target: Target) -> CampaignProduct {
    CampaignProduct {
        id: CampaignProductId::from_uuid(uuid(number)),
        number,
        name: format!("product {number}"),
        sku: format!("SKU-{number}"),
        kind: ProductKind::Offer,
        billing: Billing::OneTime,
        plan: None,
        price: usd(2_999),
        shipping: usd(500),
        is_shippable: true,
        target,
    }
}

/// The product with this number, sold for 4.95 on trial and then 29.99 every 30 days.
pub(crate) fn on_trial(number: i64, target: Target) -> CampaignProduct {
    let cycle = |delay_days, price| Cycle { delay_days, price: usd(price), shipping: usd(500) };
    let plan = Plan {
        cycles: vec![cycle(14, 495), cycle(30, 2_999)],
        trial: Some(Trial::Standard),
        ..Plan::every(30, usd(495), usd(500))
    };
    CampaignProduct {
        billing: Billing::Recurring,
        plan: Some(plan),
        price: usd(495),
        ..product(number, target)
    }
}

/// A recycle profile of gateway `<number>`: three tries there, then one at gateway `<later>`.
pub(crate) fn recycle_profile(number: i64, later: Option<i64>) -> RecycleProfile {
    let slot = Slot { days: 3, reduction: 0, skip: false };
    RecycleProfile {
        id: RecycleProfileId::from_uuid(uuid(number)),
        number,
        title: format!("recycle {number}"),
        reduction: Reduction::Flat,
        minimum_price: None,
        bill_on_saturday: false,
        hold_recycle_price: false,
        gateways: vec![gateway_id(number)],
        slots: vec![slot; 4],
        final_slot: None,
        gateway_4_to_6: later.map(gateway_id),
        gateway_7_to_9: None,
        gateway_final: None,
    }
}

/// A campaign with product `<number>1`.
pub(crate) fn campaign(number: i64, target: Target) -> Campaign {
    Campaign {
        id: CampaignId::from_uuid(uuid(number)),
        number,
        title: format!("campaign {number}"),
        currency: Currency::USD,
        single_transaction: false,
        disable_recycle_billing: false,
        products: vec![product(number * 10 + 1, target)],
    }
}

/// The first charge goes to this gateway.
pub(crate) fn to_gateway(number: i64) -> Target {
    Target::Gateway(gateway_id(number))
}

/// The first charge goes through this gateway profile.
pub(crate) fn to_profile(number: i64) -> Target {
    Target::Profile(profile_id(number))
}

/// Saves a gateway as it is.
pub(crate) fn save(gateway: Gateway) -> Change {
    Change::Gateway(Box::new(gateway), BTreeMap::new())
}

/// A map of texts with `fragment` to a class.
pub(crate) fn decline_map(number: i64, scope: MapScope, fragment: &str, class: Class) -> Change {
    let map = DeclineMap {
        id: DeclineMapId::from_uuid(uuid(number)),
        scope,
        orders: MapOrders::All,
        fragment: fragment.to_owned(),
        class,
        text: None,
        created_at: Timestamp::UNIX_EPOCH,
    };
    Change::DeclineMap(map, number)
}
