//! Gateways; their credentials are sealed beside the body.

use std::collections::BTreeMap;

use domain::configuration::{Capabilities, Gateway, RecycleSlots};
use domain::ids::{CascadeProfileId, GatewayId, Id, MerchantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::amount::{Amount, optional};
use super::{Saved, upsert};
use crate::statement::Step;

#[derive(Serialize, Deserialize)]
struct Body {
    kind: String,
    title: String,
    enabled: bool,
    settings: BTreeMap<String, String>,
    direct_cascade: Option<Uuid>,
    monthly_cap: Option<Amount>,
    cascade_all: bool,
}

/// Saves a gateway; `sealed` replaces its credentials when given.
pub fn save_gateway(
    merchant_id: MerchantId,
    gateway: &Gateway,
    sealed: Option<Vec<u8>>,
    at: Timestamp,
) -> Step {
    let body = Body {
        kind: gateway.kind.clone(),
        title: gateway.title.clone(),
        enabled: gateway.enabled,
        settings: gateway.settings.clone(),
        direct_cascade: gateway.direct_cascade.map(Id::uuid),
        monthly_cap: gateway.monthly_cap.map(Amount::of),
        cascade_all: gateway.cascade_all,
    };
    upsert(merchant_id, "gateway", gateway.id.uuid(), gateway.number, &body, sealed, at)
}

pub(super) fn read(
    saved: &Saved,
    capabilities: &(dyn Fn(&str) -> Option<Capabilities> + Send + Sync),
) -> Option<Gateway> {
    let body: Body = saved.body()?;
    Some(Gateway {
        id: GatewayId::from_uuid(saved.id),
        number: saved.number,
        capabilities: capabilities(&body.kind).unwrap_or(UNKNOWN_KIND),
        kind: body.kind,
        title: body.title,
        enabled: body.enabled,
        settings: body.settings,
        direct_cascade: body.direct_cascade.map(CascadeProfileId::from_uuid),
        monthly_cap: optional(body.monthly_cap.as_ref())?,
        cascade_all: body.cascade_all,
    })
}

/// A kind that this build does not know can do nothing: its gateways are skipped at run time (R47).
const UNKNOWN_KIND: Capabilities = Capabilities {
    first_charge: false,
    cascade: false,
    recycle_slots: RecycleSlots::None,
    direct_rerun: false,
    needs_ip: false,
    asynchronous: false,
    inquire: false,
    fence: false,
    idempotent_replay: false,
    account_check: false,
    hold: false,
    void: false,
    refund: false,
    partial_refund: false,
};
