//! Which gateway an initial sale goes to (crm.md section 5).

use crate::configuration::{Algorithm, Configuration, Gateway, GatewayProfile, Member, Target};
use crate::ids::{GatewayId, GatewayProfileId};
use crate::money::Money;
use crate::placement::{Place, may_stand, refusal};

/// What has happened so far, as far as routing needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Approved minor units of this calendar month, per gateway.
    pub month_minor: Vec<(GatewayId, i64)>,
    /// Approved minor units of this calendar month, per gateway within the profile in question.
    pub profile_month_minor: Vec<(GatewayId, i64)>,
    /// Gateways that the profile in question has disabled after too many declines in a row.
    pub disabled_in_profile: Vec<GatewayId>,
    /// How many sales this profile has routed: the round-robin pointer.
    pub ticket: u64,
    /// A random number, for the weighted algorithm.
    pub draw: u64,
}

impl Standing {
    fn month(&self, id: GatewayId) -> i64 {
        self.month_minor.iter().find(|(one, _)| *one == id).map_or(0, |(_, minor)| *minor)
    }

    fn profile_month(&self, id: GatewayId) -> i64 {
        self.profile_month_minor.iter().find(|(one, _)| *one == id).map_or(0, |(_, minor)| *minor)
    }
}

/// A gateway for a sale, and the ones to turn to when a request to it never left (M4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The profile that chose it.
    pub profile_id: Option<GatewayProfileId>,
    /// Why this one: one sentence.
    pub why: String,
    /// The profile's next ordinary gateways, in order.
    pub next: Vec<GatewayId>,
}

/// No gateway can take the sale; the sentence says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoRoute(pub String);

/// Chooses the gateway of an initial sale.
pub fn decide_route(
    configuration: &Configuration,
    target: Target,
    amount: Money,
    standing: &Standing,
) -> Result<Choice, NoRoute> {
    match target {
        Target::Gateway(id) => {
            let gateway = configuration
                .gateway(id)
                .ok_or_else(|| NoRoute("The product's gateway no longer exists.".to_owned()))?;
            usable(gateway, amount, standing, Place::Offer).map_err(NoRoute)?;
            Ok(Choice {
                gateway_id: id,
                profile_id: None,
                why: format!("The product names gateway {} ({}).", gateway.number, gateway.title),
                next: Vec::new(),
            })
        }
        Target::Profile(id) => {
            let profile = configuration
                .gateway_profile(id)
                .ok_or_else(|| NoRoute("The product's gateway profile no longer exists.".to_owned()))?;
            decide_in_profile(configuration, profile, amount, standing)
        }
    }
}

fn decide_in_profile(
    configuration: &Configuration,
    profile: &GatewayProfile,
    amount: Money,
    standing: &Standing,
) -> Result<Choice, NoRoute> {
    let mut skipped = Vec::new();
    let mut usable_ids = Vec::new();
    for member in in_order(&profile.members, profile.algorithm, standing, |member| room(member, standing)) {
        let Some(gateway) = configuration.gateway(member.gateway_id) else { continue };
        match usable_member(gateway, member, amount, standing) {
            Ok(()) => usable_ids.push(gateway),
            Err(why) => skipped.push(why),
        }
    }
    let Some((first, rest)) = usable_ids.split_first() else {
        return Err(NoRoute(format!(
            "Gateway profile {} has no usable gateway: {}.",
            profile.title,
            skipped.join("; ")
        )));
    };
    let also = if skipped.is_empty() { String::new() } else { format!(" Skipped: {}.", skipped.join("; ")) };
    Ok(Choice {
        gateway_id: first.id,
        profile_id: Some(profile.id),
        why: format!(
            "Gateway profile {} ({}) chose gateway {} ({}).{also}",
            profile.title,
            profile.algorithm.as_str(),
            first.number,
            first.title
        ),
        next: rest.iter().map(|gateway| gateway.id).collect(),
    })
}

fn usable_member(
    gateway: &Gateway,
    member: &Member,
    amount: Money,
    standing: &Standing,
) -> Result<(), String> {
    usable(gateway, amount, standing, Place::GatewayProfile)?;
    if standing.disabled_in_profile.contains(&gateway.id) {
        return Err(format!("gateway {} was disabled after too many declines in a row", gateway.number));
    }
    let taken = standing.profile_month(gateway.id);
    if member.monthly_cap.is_some_and(|cap| taken.saturating_add(amount.minor()) > cap.minor()) {
        return Err(format!("gateway {} has reached its monthly cap in this profile", gateway.number));
    }
    Ok(())
}

/// Whether a gateway can be used at a place for an amount: enabled, allowed there (R47), room under its cap.
pub fn usable(gateway: &Gateway, amount: Money, standing: &Standing, place: Place) -> Result<(), String> {
    if !gateway.enabled {
        return Err(format!("gateway {} is disabled", gateway.number));
    }
    if !may_stand(&gateway.capabilities, place) {
        return Err(refusal(gateway, place));
    }
    let taken = standing.month(gateway.id);
    if gateway.monthly_cap.is_some_and(|cap| taken.saturating_add(amount.minor()) > cap.minor()) {
        return Err(format!("gateway {} has reached its monthly cap", gateway.number));
    }
    Ok(())
}

/// Minor units left under a member's cap; without a cap there is always most room.
fn room(member: &Member, standing: &Standing) -> i64 {
    member
        .monthly_cap
        .map_or(i64::MAX, |cap| cap.minor().saturating_sub(standing.profile_month(member.gateway_id)))
}

/// Members in the order in which an algorithm prefers them.
pub fn in_order<'a>(
    members: &'a [Member],
    algorithm: Algorithm,
    standing: &Standing,
    room: impl Fn(&Member) -> i64,
) -> Vec<&'a Member> {
    let mut order: Vec<&Member> = members.iter().collect();
    match algorithm {
        Algorithm::PriorityQueue => {}
        Algorithm::RoundRobin => {
            let count = u64::try_from(order.len()).unwrap_or(1);
            let by = standing.ticket.checked_rem(count.max(1)).unwrap_or(0);
            order.rotate_left(usize::try_from(by).unwrap_or(0));
        }
        Algorithm::Weighted => {
            if let Some(place) = drawn(&order, standing.draw) {
                let chosen = order.remove(place);
                order.insert(0, chosen);
            }
        }
        Algorithm::Intelligent => {
            order.sort_by_key(|member| (std::cmp::Reverse(member.stars), std::cmp::Reverse(room(member))));
        }
    }
    order
}

/// The place whose share of the weights holds the draw.
fn drawn(members: &[&Member], draw: u64) -> Option<usize> {
    let weight = |member: &&Member| u64::try_from(member.weight).unwrap_or(0);
    let total = members.iter().map(weight).fold(0_u64, u64::saturating_add);
    let mut left = draw.checked_rem(total)?;
    for (place, member) in members.iter().enumerate() {
        match left.checked_sub(weight(member)) {
            Some(rest) => left = rest,
            None => return Some(place),
        }
    }
    None
}
