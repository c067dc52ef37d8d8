//! Where a gateway may stand (R25–R49). Checked when configuration is saved and again when it is used (R47).

use std::collections::BTreeMap;
use std::fmt;

use crate::configuration::{Algorithm, Capabilities, Configuration, Gateway, Member, ProductKind, Target};
use crate::ids::GatewayId;

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
        | Place::Subscription => capabilities.first_charge,
        Place::CascadeProfile => capabilities.cascade,
        Place::DirectRerun => capabilities.direct_rerun,
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
        "it salvages declines only and never makes a first charge"
    } else {
        "its kind cannot do that"
    };
    format!("gateway {} ({}) cannot be used as {}: {why}", gateway.number, gateway.title, place.words())
}

/// Everything wrong in a configuration, each with its place; empty when it may be saved.
pub fn check(configuration: &Configuration) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_numbers(configuration, &mut problems);
    check_gateways(configuration, &mut problems);
    check_gateway_profiles(configuration, &mut problems);
    check_cascade_profiles(configuration, &mut problems);
    check_campaigns(configuration, &mut problems);
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

fn check_members(
    configuration: &Configuration,
    path: &str,
    members: &[Member],
    algorithm: Algorithm,
    place: Place,
    problems: &mut Vec<Problem>,
) {
    if members.is_empty() {
        problems.push(Problem::new(format!("{path}.members"), "add at least one gateway"));
    }
    let mut seen: Vec<GatewayId> = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let field = format!("{path}.members[{at}].gateway");
        match configuration.gateway(member.gateway_id) {
            None => problems.push(Problem::new(&field, "there is no such gateway")),
            Some(gateway) if !may_stand(&gateway.capabilities, place) => {
                problems.push(Problem::new(&field, refusal(gateway, place)));
            }
            Some(_) if seen.contains(&member.gateway_id) => {
                problems.push(Problem::new(&field, "this gateway is a member already"));
            }
            Some(_) => {}
        }
        seen.push(member.gateway_id);
        if algorithm == Algorithm::Intelligent && !(1..=3).contains(&member.stars) {
            problems.push(Problem::new(format!("{path}.members[{at}].stars"), "stars are 1 to 3"));
        }
        for (name, limit) in [
            ("max_total_declines", member.max_total_declines),
            ("max_hard_declines", member.max_hard_declines),
        ] {
            if limit.is_some_and(|limit| limit < 1) {
                problems.push(Problem::new(format!("{path}.members[{at}].{name}"), "a limit is 1 or more"));
            }
        }
    }
    let weights = members.iter().fold(0_i64, |sum, member| sum.saturating_add(member.weight));
    let negative = members.iter().any(|member| member.weight < 0);
    if algorithm == Algorithm::Weighted && !members.is_empty() && (weights != 100 || negative) {
        problems.push(Problem::new(
            format!("{path}.members"),
            format!("weights must total 100 percent; they total {weights}"),
        ));
    }
}

fn check_gateway_profiles(configuration: &Configuration, problems: &mut Vec<Problem>) {
    for profile in &configuration.gateway_profiles {
        let path = format!("gateway_profiles[{}]", profile.number);
        check_members(
            configuration,
            &path,
            &profile.members,
            profile.algorithm,
            Place::GatewayProfile,
            problems,
        );
        if profile.cascade.is_some_and(|id| configuration.cascade_profile(id).is_none()) {
            problems.push(Problem::new(format!("{path}.cascade"), "there is no such cascade profile"));
        }
    }
}

fn check_cascade_profiles(configuration: &Configuration, problems: &mut Vec<Problem>) {
    for profile in &configuration.cascade_profiles {
        let path = format!("cascade_profiles[{}]", profile.number);
        check_members(
            configuration,
            &path,
            &profile.members,
            profile.algorithm,
            Place::CascadeProfile,
            problems,
        );
        if profile.algorithm == Algorithm::Intelligent {
            problems.push(Problem::new(
                format!("{path}.algorithm"),
                "a cascade profile is round_robin, priority_queue or weighted",
            ));
        }
        if !(1..=5).contains(&profile.max_steps) {
            problems.push(Problem::new(format!("{path}.max_steps"), "steps are 1 to 5"));
        }
    }
}

fn check_campaigns(configuration: &Configuration, problems: &mut Vec<Problem>) {
    for campaign in &configuration.campaigns {
        for product in &campaign.products {
            let path = format!("campaigns[{}].products[{}]", campaign.number, product.number);
            let place = match product.kind {
                ProductKind::Offer => Place::Offer,
                ProductKind::Upsell => Place::Upsell,
            };
            match product.target {
                Target::Gateway(id) => match configuration.gateway(id) {
                    None => problems.push(Problem::new(format!("{path}.target"), "there is no such gateway")),
                    Some(gateway) if !may_stand(&gateway.capabilities, place) => {
                        problems.push(Problem::new(format!("{path}.target"), refusal(gateway, place)));
                    }
                    Some(_) => {}
                },
                Target::Profile(id) if configuration.gateway_profile(id).is_none() => {
                    problems.push(Problem::new(format!("{path}.target"), "there is no such gateway profile"));
                }
                Target::Profile(_) => {}
            }
            let foreign = product.price.currency() != campaign.currency
                || product.shipping.currency() != campaign.currency;
            if foreign {
                problems.push(Problem::new(
                    format!("{path}.price"),
                    format!("prices of this campaign are in {}", campaign.currency),
                ));
            }
            if product.price.is_negative() || product.shipping.is_negative() {
                problems.push(Problem::new(format!("{path}.price"), "a price is 0 or more"));
            }
        }
    }
}
