//! Cascade profiles: named sets of gateways that cascade soft declines (crm.md section 6).

use domain::configuration as d;
use domain::ids::CascadeProfileId;
use domain::placement::Problem as Wrong;
use hub::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::Names;
use super::endpoints::endpoints;
use super::gateway_profiles::{Member, one};
use super::resource::{Resource, Saved, numbered};
use super::values::Algorithm;

/// A named set of gateways that cascades soft declines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CascadeProfile {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^cpr_[0-9a-hjkmnp-tv-z]{26}$")]
    pub(crate) id: Option<String>,
    /// Its number; the next free one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub(crate) number: Option<i64>,
    /// Its title.
    #[schema(min_length = 1, max_length = 100)]
    title: String,
    /// How it chooses; never intelligent.
    algorithm: Algorithm,
    /// Its gateways, in queue order.
    members: Vec<Member>,
    /// Most cascade attempts of one order.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 5)]
    max_steps: i64,
}

impl Resource for CascadeProfile {
    numbered!(d::CascadeProfile, CascadeProfileId, cascade_profiles, CascadeProfile, DeleteCascadeProfile);

    fn show(one: &d::CascadeProfile, names: &Names) -> Self {
        Self {
            id: names.id(one.id),
            number: Some(one.number),
            title: one.title.clone(),
            algorithm: one.algorithm.into(),
            members: one.members.iter().map(|member| Member::show(member, names)).collect(),
            max_steps: one.max_steps,
        }
    }

    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change {
        Change::CascadeProfile(d::CascadeProfile {
            id: saved.id,
            number: saved.number,
            title: self.title.clone(),
            algorithm: self.algorithm.into(),
            members: Member::read(&self.members, saved.directory, problems),
            max_steps: self.max_steps,
        })
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "number": 5,
        "title": "Salvage",
        "algorithm": "priority_queue",
        "members": [{"gateway": 17}],
        "max_steps": 1
    })]
}

endpoints!(CascadeProfile, "cascade profiles", "/v1/cascade-profiles", "/v1/cascade-profiles/{id}");
