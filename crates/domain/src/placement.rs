//! Where a gateway may stand (R25–R49). Checked when configuration is saved and again when it is used (R47).

use std::collections::BTreeMap;
use std::fmt;

use crate::configuration::{Capabilities, Configuration, Gateway, RecycleSlots};
use crate::ids::GatewayId;

mod campaigns;
mod plans;
mod profiles;
mod recycle;

/// A place where a gateway can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A campaign's offer (R26).
    Offer,
    /// A campaign's upsell (R27).
    Upsell,
    /// A gateway profile (R28).
    GatewayProfile,
    /// A cascade profile (R29).
    CascadeProfile,
    /// `forceMerchantId` of an order import (R41).
    ForcedOnImport,
    /// `preAuthBillerId` (R42).
    PreAuth,
    /// The gateway a subscription rests on (R43).
    Subscription,
    /// A rerun that names it directly (R38).
    DirectRerun,
    /// Re-Attempts 1 to 3: they run on the subscription's own gateway, none is chosen there (R36, Q20).
    RecycleEarly,
    /// Re-Attempts 4 to 6, 7 to 9 or the Final Attempt (R33–R35).
    RecycleLater,
    /// The gateways that a recycle profile applies to (R46).
    RecycleApplies,
}

impl Place {
    /// The place in words, to complete "… cannot be used as …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Offer => "the gateway of a campaign offer",
            Self::Upsell => "the gateway of a campaign upsell",
            Self::GatewayProfile => "a member of a gateway profile",
            Self::CascadeProfile => "a member of a cascade profile",
            Self::ForcedOnImport => "the forced gateway of an order import",
            Self::PreAuth => "the gateway of a pre-authorization",
            Self::Subscription => "the gateway that a subscription rests on",
            Self::DirectRerun => "the gateway of a rerun",
            Self::RecycleEarly => "the gateway of Re-Attempts 1 to 3",
            Self::RecycleLater => "the gateway of Re-Attempts 4 to 6, 7 to 9 or the Final Attempt",
            Self::RecycleApplies => "a gateway that a recycle profile applies to",
        }
    }
}

/// Whether gateways with these capabilities may stand at this place.
pub fn may_stand(capabilities: &Capabilities, place: Place) -> bool {
    match place {
        Place::Offer
        | Place::Upsell
        | Place::GatewayProfile
        | Place::ForcedOnImport
        | Place::PreAuth
        | Place::Subscription
        | Place::RecycleApplies => capabilities.first_charge,
        Place::CascadeProfile => capabilities.cascade,
        Place::DirectRerun => capabilities.direct_rerun,
        Place::RecycleEarly => capabilities.recycle_slots == RecycleSlots::All,
        Place::RecycleLater => capabilities.recycle_slots != RecycleSlots::None,
    }
}

/// Something wrong in a configuration: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the field, e.g. `campaigns[100].products[7].target`.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Problem {
    /// A problem at `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The sentence that refuses a gateway at a place.
pub fn refusal(gateway: &Gateway, place: Place) -> String {
    let why = if gateway.capabilities.is_salvage_only() {
        match place {
            Place::RecycleApplies => "it salvages declines only and no subscription rests on it",
            Place::RecycleEarly => "they run on the gateway that the subscription rests on",
            Place::Offer
            | Place::Upsell
            | Place::GatewayProfile
            | Place::CascadeProfile
            | Place::ForcedOnImport
            | Place::PreAuth
            | Place::Subscription
            | Place::DirectRerun
            | Place::RecycleLater => "it salvages declines only and never makes a first charge",
        }
    } else {
        "its kind cannot do that"
    };
    format!("gateway {} ({}) cannot be used as {}: {why}", gateway.number, gateway.title, place.words())
}

/// Why a gateway that a configuration names cannot be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable<'a> {
    /// It was deleted.
    Gone,
    /// It may not stand there, whatever an older or imported configuration says (R47).
    Misplaced(&'a Gateway, Place),
    /// It is switched off: no new submission by any route (R24).
    Disabled(&'a Gateway),
}

impl fmt::Display for Unusable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the gateway that is configured there was deleted"),
            Self::Misplaced(gateway, place) => f.write_str(&refusal(gateway, *place)),
            Self::Disabled(gateway) => {
                write!(f, "gateway {} ({}) is switched off", gateway.number, gateway.title)
            }
        }
    }
}

/// The gateway with this id, when it may be used at this place now. What is checked when a configuration is saved is
/// checked here again, because the configuration may be older than the rule (R47).
pub fn usable(configuration: &Configuration, id: GatewayId, place: Place) -> Result<&Gateway, Unusable<'_>> {
    let gateway = configuration.gateway(id).ok_or(Unusable::Gone)?;
    if !may_stand(&gateway.capabilities, place) {
        return Err(Unusable::Misplaced(gateway, place));
    }
    if gateway.enabled { Ok(gateway) } else { Err(Unusable::Disabled(gateway)) }
}

/// Everything wrong in a configuration, each with its place; empty when it may be saved.
pub fn check(configuration: &Configuration) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_numbers(configuration, &mut problems);
    check_gateways(configuration, &mut problems);
    profiles::check_gateway_profiles(configuration, &mut problems);
    profiles::check_cascade_profiles(configuration, &mut problems);
    recycle::check_recycle_profiles(configuration, &mut problems);
    campaigns::check_campaigns(configuration, &mut problems);
    problems
}

fn check_numbers(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let mut unique = |resource: &str, numbers: Vec<i64>| {
        let mut seen: BTreeMap<i64, u32> = BTreeMap::new();
        for number in numbers {
            let count = seen.entry(number).or_default();
            *count = count.saturating_add(1);
            if *count == 2 {
                problems.push(Problem::new(
                    format!("{resource}[{number}].number"),
                    "another one has this number; numbers are unique",
                ));
            }
            if number < 1 {
                problems.push(Problem::new(format!("{resource}[{number}].number"), "a number is 1 or more"));
            }
        }
    };
    unique("gateways", configuration.gateways.iter().map(|one| one.number).collect());
    unique("gateway_profiles", configuration.gateway_profiles.iter().map(|one| one.number).collect());
    unique("cascade_profiles", configuration.cascade_profiles.iter().map(|one| one.number).collect());
    unique("recycle_profiles", configuration.recycle_profiles.iter().map(|one| one.number).collect());
    unique("campaigns", configuration.campaigns.iter().map(|one| one.number).collect());
    let products = configuration.campaigns.iter().flat_map(|one| &one.products);
    unique("products", products.map(|one| one.number).collect());
}

fn check_gateways(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let takes_all: Vec<&Gateway> =
        configuration.gateways.iter().filter(|one| one.cascade_all && one.enabled).collect();
    for gateway in takes_all.iter().skip(1) {
        problems.push(Problem::new(
            format!("gateways[{}].cascade_all", gateway.number),
            "another enabled gateway takes all cascades already; turn one of them off",
        ));
    }
    for gateway in &configuration.gateways {
        let path = format!("gateways[{}]", gateway.number);
        if gateway.cascade_all && !gateway.capabilities.is_salvage_only() {
            problems.push(Problem::new(
                format!("{path}.cascade_all"),
                "only a decline-salvage gateway can take all cascades",
            ));
        }
        if let Some(profile) = gateway.direct_cascade {
            if configuration.cascade_profile(profile).is_none() {
                problems.push(Problem::new(
                    format!("{path}.direct_cascade"),
                    "names no cascade profile; a direct cascade points at a cascade profile, not at a gateway",
                ));
            }
            if gateway.capabilities.is_salvage_only() {
                problems.push(Problem::new(
                    format!("{path}.direct_cascade"),
                    "declines of a salvage gateway do not cascade any further",
                ));
            }
        }
        if gateway.monthly_cap.is_some_and(|cap| cap.minor() < 1) {
            problems.push(Problem::new(format!("{path}.monthly_cap"), "a cap is more than 0"));
        }
    }
}
