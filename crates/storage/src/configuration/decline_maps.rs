//! Decline maps; their age is the row's.

use domain::decline_map::{DeclineMap, MapOrders, MapScope};
use domain::declines::Class;
use domain::ids::{DeclineMapId, GatewayId, MerchantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Saved, upsert};
use crate::statement::Step;

#[derive(Serialize, Deserialize)]
struct Body {
    gateway: Option<Uuid>,
    kind: Option<String>,
    orders: String,
    fragment: String,
    class: String,
    text: Option<String>,
}

/// Saves a decline map under a number.
pub fn save_decline_map(merchant_id: MerchantId, map: &DeclineMap, number: i64, at: Timestamp) -> Step {
    let (gateway, kind) = match &map.scope {
        MapScope::Gateway(id) => (Some(id.uuid()), None),
        MapScope::Kind(kind) => (None, Some(kind.clone())),
    };
    let body = Body {
        gateway,
        kind,
        orders: orders_word(map.orders).to_owned(),
        fragment: map.fragment.clone(),
        class: map.class.as_str().to_owned(),
        text: map.text.clone(),
    };
    upsert(merchant_id, "decline_map", map.id.uuid(), number, &body, None, at)
}

fn orders_word(orders: MapOrders) -> &'static str {
    match orders {
        MapOrders::All => "all",
        MapOrders::NewSales => "new_sales",
        MapOrders::Recurring => "recurring",
    }
}

pub(super) fn read(saved: &Saved) -> Option<DeclineMap> {
    let body: Body = saved.body()?;
    let scope = match (body.gateway, body.kind) {
        (Some(gateway), _) => MapScope::Gateway(GatewayId::from_uuid(gateway)),
        (None, Some(kind)) => MapScope::Kind(kind),
        (None, None) => return None,
    };
    let orders = [MapOrders::All, MapOrders::NewSales, MapOrders::Recurring]
        .into_iter()
        .find(|one| orders_word(*one) == body.orders)?;
    Some(DeclineMap {
        id: DeclineMapId::from_uuid(saved.id),
        scope,
        orders,
        fragment: body.fragment,
        class: Class::parse(&body.class)?,
        text: body.text,
        created_at: saved.created_at,
    })
}
