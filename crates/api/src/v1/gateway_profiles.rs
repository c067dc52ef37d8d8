//! Gateway profiles: named sets of gateways that route initial sales (crm.md section 5).

use domain::configuration as d;
use domain::ids::GatewayProfileId;
use domain::placement::Problem as Wrong;
use hub::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::{Directory, Names};
use super::endpoints::endpoints;
use super::resource::{Resource, Saved, numbered};
use super::values::{Algorithm, Money, Reference};

/// A gateway within a profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    /// The gateway.
    gateway: Reference,
    /// Percentage, for the weighted algorithm; all together 100.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    weight: i64,
    /// Stars 1 to 3, for the intelligent algorithm.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 3)]
    stars: i64,
    /// Most that it may take through this profile in a calendar month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monthly_cap: Option<Money>,
    /// Disabled in this profile after so many consecutive declines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_total_declines: Option<i64>,
    /// Disabled in this profile after so many consecutive hard declines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_hard_declines: Option<i64>,
}

/// `1`, for numbers that are one unless said otherwise.
pub(crate) fn one() -> i64 {
    1
}

impl Member {
    /// As it is shown.
    pub(crate) fn show(member: &d::Member, names: &Names) -> Self {
        Self {
            gateway: names.gateway(member.gateway_id),
            weight: member.weight,
            stars: member.stars,
            monthly_cap: member.monthly_cap.map(Money::from),
            max_total_declines: member.max_total_declines,
            max_hard_declines: member.max_hard_declines,
        }
    }

    /// As the hub knows them.
    pub(crate) fn read(members: &[Self], at: &Directory, problems: &mut Vec<Wrong>) -> Vec<d::Member> {
        let member = |(place, member): (usize, &Self)| d::Member {
            gateway_id: at.gateway(&member.gateway, &format!("members[{place}].gateway"), problems),
            weight: member.weight,
            stars: member.stars,
            monthly_cap: member.monthly_cap.map(domain::Money::from),
            max_total_declines: member.max_total_declines,
            max_hard_declines: member.max_hard_declines,
        };
        members.iter().enumerate().map(member).collect()
    }
}

/// A named set of gateways that routes initial sales.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayProfile {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^gpr_[0-9a-hjkmnp-tv-z]{26}$")]
    pub(crate) id: Option<String>,
    /// Its number in the CRM-compatible API (loadBalancerId); the next free one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub(crate) number: Option<i64>,
    /// Its title.
    #[schema(min_length = 1, max_length = 100)]
    title: String,
    /// How it chooses.
    algorithm: Algorithm,
    /// Its gateways, in queue order; ordinary ones only.
    members: Vec<Member>,
    /// The cascade profile that soft declines of its sales go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cascade: Option<Reference>,
}

impl Resource for GatewayProfile {
    numbered!(d::GatewayProfile, GatewayProfileId, gateway_profiles, GatewayProfile, DeleteGatewayProfile);

    fn show(one: &d::GatewayProfile, names: &Names) -> Self {
        Self {
            id: names.id(one.id),
            number: Some(one.number),
            title: one.title.clone(),
            algorithm: one.algorithm.into(),
            members: one.members.iter().map(|member| Member::show(member, names)).collect(),
            cascade: one.cascade.map(|id| names.cascade_profile(id)),
        }
    }

    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change {
        let at = saved.directory;
        Change::GatewayProfile(d::GatewayProfile {
            id: saved.id,
            number: saved.number,
            title: self.title.clone(),
            algorithm: self.algorithm.into(),
            members: Member::read(&self.members, at, problems),
            cascade: self.cascade.as_ref().map(|to| at.cascade_profile(to, "cascade", problems)),
        })
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "number": 3,
        "title": "US cards",
        "algorithm": "weighted",
        "members": [{"gateway": 1, "weight": 60}, {"gateway": 2, "weight": 40}],
        "cascade": 5
    })]
}

endpoints!(GatewayProfile, "gateway profiles", "/v1/gateway-profiles", "/v1/gateway-profiles/{id}");
