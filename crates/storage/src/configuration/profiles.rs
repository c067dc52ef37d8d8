//! Gateway profiles and cascade profiles: one body for both.

use domain::configuration::{Algorithm, CascadeProfile, GatewayProfile, Member};
use domain::ids::{CascadeProfileId, GatewayId, GatewayProfileId, Id, MerchantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::amount::{Amount, optional};
use super::{Saved, upsert};
use crate::statement::Step;

#[derive(Serialize, Deserialize)]
struct MemberBody {
    gateway: Uuid,
    weight: i64,
    stars: i64,
    monthly_cap: Option<Amount>,
    max_total_declines: Option<i64>,
    max_hard_declines: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    title: String,
    algorithm: String,
    members: Vec<MemberBody>,
    cascade: Option<Uuid>,
    max_steps: i64,
}

fn members(members: &[Member]) -> Vec<MemberBody> {
    let body = |member: &Member| MemberBody {
        gateway: member.gateway_id.uuid(),
        weight: member.weight,
        stars: member.stars,
        monthly_cap: member.monthly_cap.map(Amount::of),
        max_total_declines: member.max_total_declines,
        max_hard_declines: member.max_hard_declines,
    };
    members.iter().map(body).collect()
}

/// Saves a gateway profile.
pub fn save_gateway_profile(merchant_id: MerchantId, profile: &GatewayProfile, at: Timestamp) -> Step {
    let body = Body {
        title: profile.title.clone(),
        algorithm: profile.algorithm.as_str().to_owned(),
        members: members(&profile.members),
        cascade: profile.cascade.map(Id::uuid),
        max_steps: 1,
    };
    upsert(merchant_id, "gateway_profile", profile.id.uuid(), profile.number, &body, None, at)
}

/// Saves a cascade profile.
pub fn save_cascade_profile(merchant_id: MerchantId, profile: &CascadeProfile, at: Timestamp) -> Step {
    let body = Body {
        title: profile.title.clone(),
        algorithm: profile.algorithm.as_str().to_owned(),
        members: members(&profile.members),
        cascade: None,
        max_steps: profile.max_steps,
    };
    upsert(merchant_id, "cascade_profile", profile.id.uuid(), profile.number, &body, None, at)
}

fn read_members(bodies: &[MemberBody]) -> Option<Vec<Member>> {
    let member = |body: &MemberBody| {
        Some(Member {
            gateway_id: GatewayId::from_uuid(body.gateway),
            weight: body.weight,
            stars: body.stars,
            monthly_cap: optional(body.monthly_cap.as_ref())?,
            max_total_declines: body.max_total_declines,
            max_hard_declines: body.max_hard_declines,
        })
    };
    bodies.iter().map(member).collect()
}

pub(super) fn read_gateway_profile(saved: &Saved) -> Option<GatewayProfile> {
    let body: Body = saved.body()?;
    Some(GatewayProfile {
        id: GatewayProfileId::from_uuid(saved.id),
        number: saved.number,
        title: body.title,
        algorithm: Algorithm::parse(&body.algorithm)?,
        members: read_members(&body.members)?,
        cascade: body.cascade.map(CascadeProfileId::from_uuid),
    })
}

pub(super) fn read_cascade_profile(saved: &Saved) -> Option<CascadeProfile> {
    let body: Body = saved.body()?;
    Some(CascadeProfile {
        id: CascadeProfileId::from_uuid(saved.id),
        number: saved.number,
        title: body.title,
        algorithm: Algorithm::parse(&body.algorithm)?,
        members: read_members(&body.members)?,
        max_steps: body.max_steps,
    })
}
