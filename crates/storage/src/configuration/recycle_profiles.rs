//! Recycle profiles.

use domain::ids::{GatewayId, Id, MerchantId, RecycleProfileId};
use domain::recycle::{RecycleProfile, Reduction, Slot};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::amount::{Amount, optional};
use super::{Saved, upsert};
use crate::statement::Step;

#[derive(Serialize, Deserialize)]
struct SlotBody {
    days: i64,
    reduction: i64,
    skip: bool,
}

#[derive(Serialize, Deserialize)]
struct Body {
    title: String,
    reduction: String,
    minimum_price: Option<Amount>,
    bill_on_saturday: bool,
    hold_recycle_price: bool,
    gateways: Vec<Uuid>,
    slots: Vec<SlotBody>,
    final_slot: Option<SlotBody>,
    gateway_4_to_6: Option<Uuid>,
    gateway_7_to_9: Option<Uuid>,
    gateway_final: Option<Uuid>,
}

/// Saves a recycle profile.
pub fn save_recycle_profile(merchant_id: MerchantId, profile: &RecycleProfile, at: Timestamp) -> Step {
    let slot = |slot: &Slot| SlotBody { days: slot.days, reduction: slot.reduction, skip: slot.skip };
    let body = Body {
        title: profile.title.clone(),
        reduction: profile.reduction.as_str().to_owned(),
        minimum_price: profile.minimum_price.map(Amount::of),
        bill_on_saturday: profile.bill_on_saturday,
        hold_recycle_price: profile.hold_recycle_price,
        gateways: profile.gateways.iter().map(|id| id.uuid()).collect(),
        slots: profile.slots.iter().map(slot).collect(),
        final_slot: profile.final_slot.as_ref().map(slot),
        gateway_4_to_6: profile.gateway_4_to_6.map(Id::uuid),
        gateway_7_to_9: profile.gateway_7_to_9.map(Id::uuid),
        gateway_final: profile.gateway_final.map(Id::uuid),
    };
    upsert(merchant_id, "recycle_profile", profile.id.uuid(), profile.number, &body, None, at)
}

pub(super) fn read(saved: &Saved) -> Option<RecycleProfile> {
    let body: Body = saved.body()?;
    let slot = |body: &SlotBody| Slot { days: body.days, reduction: body.reduction, skip: body.skip };
    Some(RecycleProfile {
        id: RecycleProfileId::from_uuid(saved.id),
        number: saved.number,
        title: body.title,
        reduction: Reduction::parse(&body.reduction)?,
        minimum_price: optional(body.minimum_price.as_ref())?,
        bill_on_saturday: body.bill_on_saturday,
        hold_recycle_price: body.hold_recycle_price,
        gateways: body.gateways.into_iter().map(GatewayId::from_uuid).collect(),
        slots: body.slots.iter().map(slot).collect(),
        final_slot: body.final_slot.as_ref().map(slot),
        gateway_4_to_6: body.gateway_4_to_6.map(GatewayId::from_uuid),
        gateway_7_to_9: body.gateway_7_to_9.map(GatewayId::from_uuid),
        gateway_final: body.gateway_final.map(GatewayId::from_uuid),
    })
}
