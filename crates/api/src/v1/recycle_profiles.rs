//! Recycle profiles: when and where a softly declined rebill is tried again (crm.md section 8).

use domain::ids::RecycleProfileId;
use domain::placement::Problem as Wrong;
use domain::recycle as d;
use hub::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::Names;
use super::endpoints::endpoints;
use super::resource::{Resource, Saved, numbered};
use super::values::{Money, Reference, words};

words!(
    /// What reductions are counted in.
    ReductionType of domain::recycle::Reduction {
        /// Minor units of the subscription's currency.
        Flat,
        /// Percent of the original price.
        Percent,
    }
);

/// One re-attempt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slot {
    /// Days after the attempt before it; at least 1 where it is not skipped.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 730)]
    days: i64,
    /// How much less than the attempt before it: minor units or percent of the original price.
    #[serde(default)]
    #[schema(minimum = 0)]
    reduction: i64,
    /// Not attempted; its days and reduction do not count.
    #[serde(default)]
    skip: bool,
}

impl From<&d::Slot> for Slot {
    fn from(slot: &d::Slot) -> Self {
        Self { days: slot.days, reduction: slot.reduction, skip: slot.skip }
    }
}

impl From<&Slot> for d::Slot {
    fn from(slot: &Slot) -> Self {
        Self { days: slot.days, reduction: slot.reduction, skip: slot.skip }
    }
}

/// Rules for re-attempting declined rebills. Re-Attempts 1 to 3 always run on the subscription's own gateway.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecycleProfile {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^rpr_[0-9a-hjkmnp-tv-z]{26}$")]
    pub(crate) id: Option<String>,
    /// Its number; the next free one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub(crate) number: Option<i64>,
    /// Its title.
    #[schema(min_length = 1, max_length = 100)]
    title: String,
    /// What reductions are counted in.
    #[serde(default = "flat")]
    reduction_type: ReductionType,
    /// The reduced price never falls below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum_price: Option<Money>,
    /// Moves every re-attempt to a Saturday.
    #[serde(default)]
    bill_on_saturday: bool,
    /// A reduced price that was approved stays for later bills.
    #[serde(default)]
    hold_recycle_price: bool,
    /// The gateways whose subscriptions it serves: ordinary ones, each in one profile only.
    gateways: Vec<Reference>,
    /// Re-Attempts 1 to 9, in order; fewer are allowed.
    #[serde(default)]
    #[schema(max_items = 9)]
    slots: Vec<Slot>,
    /// The Final Attempt, after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    final_slot: Option<Slot>,
    /// The gateway of Re-Attempts 4 to 6; the subscription's own when left out. May be a salvage gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway_4_to_6: Option<Reference>,
    /// The gateway of Re-Attempts 7 to 9; the subscription's own when left out. May be a salvage gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway_7_to_9: Option<Reference>,
    /// The gateway of the Final Attempt; the subscription's own when left out. May be a salvage gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway_final: Option<Reference>,
}

fn flat() -> ReductionType {
    ReductionType::Flat
}

impl Resource for RecycleProfile {
    numbered!(d::RecycleProfile, RecycleProfileId, recycle_profiles, RecycleProfile, DeleteRecycleProfile);

    fn show(one: &d::RecycleProfile, names: &Names) -> Self {
        let gateway = |id| names.gateway(id);
        Self {
            id: names.id(one.id),
            number: Some(one.number),
            title: one.title.clone(),
            reduction_type: one.reduction.into(),
            minimum_price: one.minimum_price.map(Money::from),
            bill_on_saturday: one.bill_on_saturday,
            hold_recycle_price: one.hold_recycle_price,
            gateways: one.gateways.iter().copied().map(gateway).collect(),
            slots: one.slots.iter().map(Slot::from).collect(),
            final_slot: one.final_slot.as_ref().map(Slot::from),
            gateway_4_to_6: one.gateway_4_to_6.map(gateway),
            gateway_7_to_9: one.gateway_7_to_9.map(gateway),
            gateway_final: one.gateway_final.map(gateway),
        }
    }

    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change {
        let mut gateway = |to: &Reference, field: &str| saved.directory.gateway(to, field, problems);
        let served = self.gateways.iter().enumerate();
        let gateways = served.map(|(at, to)| gateway(to, &format!("gateways[{at}]"))).collect();
        let mut chosen = |to: &Option<Reference>, field| to.as_ref().map(|to| gateway(to, field));
        Change::RecycleProfile(d::RecycleProfile {
            id: saved.id,
            number: saved.number,
            title: self.title.clone(),
            reduction: self.reduction_type.into(),
            minimum_price: self.minimum_price.map(domain::Money::from),
            bill_on_saturday: self.bill_on_saturday,
            hold_recycle_price: self.hold_recycle_price,
            gateways,
            slots: self.slots.iter().map(d::Slot::from).collect(),
            final_slot: self.final_slot.as_ref().map(d::Slot::from),
            gateway_4_to_6: chosen(&self.gateway_4_to_6, "gateway_4_to_6"),
            gateway_7_to_9: chosen(&self.gateway_7_to_9, "gateway_7_to_9"),
            gateway_final: chosen(&self.gateway_final, "gateway_final"),
        })
    }
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "number": 1,
        "title": "Three tries, then salvage",
        "reduction_type": "percent",
        "minimum_price": {"amount_minor": 999, "currency": "USD"},
        "hold_recycle_price": true,
        "gateways": [1],
        "slots": [
            {"days": 3},
            {"days": 4, "reduction": 10},
            {"days": 7, "reduction": 10},
            {"days": 7}
        ],
        "gateway_4_to_6": 17
    })]
}

endpoints!(RecycleProfile, "recycle profiles", "/v1/recycle-profiles", "/v1/recycle-profiles/{id}");
