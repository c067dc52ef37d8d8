//! Whether a declined initial sale is attempted again at once, and where (R50–R80, M1, M5, M7, M27).

use crate::attempt::{Decline, Route};
use crate::configuration::{CascadeProfile, Configuration, Gateway};
use crate::declines::{Reason, SalvageRoute, salvage_route};
use crate::ids::{CascadeProfileId, GatewayId, GatewayProfileId};
use crate::money::Money;
use crate::network_rules::{bars_ordinary, bars_salvage};
use crate::placement::Place;
use crate::routing::{Standing, in_order, usable};

/// A declined initial sale, as far as the decision needs it.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The merchant's configuration.
    pub configuration: &'a Configuration,
    /// The decline.
    pub decline: &'a Decline,
    /// The gateway that declined.
    pub declined_by: GatewayId,
    /// The gateway profile that routed the sale.
    pub routed_by: Option<GatewayProfileId>,
    /// What must be collected.
    pub amount: Money,
    /// Whether the order has an IP address (R53).
    pub has_ip_address: bool,
    /// Whether the campaign merges its charges (R70, R71).
    pub single_transaction: bool,
    /// Gateways that this payment was sent to before, the declining one included.
    pub tried: &'a [GatewayId],
    /// Cascade attempts of this order so far.
    pub steps_done: i64,
    /// The reason word of the card's never-lock, if it has one (M28).
    pub card_lock: Option<&'a str>,
    /// Why the card may not be attempted anywhere now (a hard cap of its budget, M28); none: it may.
    pub cap_bar: Option<&'a str>,
    /// What is left of the checkout's time, seconds (M1).
    pub secs_left: i64,
    /// The time limit of each gateway, seconds.
    pub time_limits: &'a [(GatewayId, i64)],
    /// Volumes, pointer and draw.
    pub standing: &'a Standing,
}

/// What to do after the decline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Attempt there.
    Attempt {
        /// The gateway.
        gateway_id: GatewayId,
        /// By profile, or because the salvage gateway takes all.
        route: Route,
        /// Why this gateway: one sentence.
        why: String,
    },
    /// No cascade; the sentence says why.
    Skip(String),
}

fn skip(words: &str) -> Plan {
    Plan::Skip(words.to_owned())
}

/// Decides what follows a declined initial sale.
pub fn decide_cascade(case: &Case<'_>) -> Plan {
    let salvage_declined =
        case.configuration.gateway(case.declined_by).is_some_and(|one| one.capabilities.is_salvage_only());
    if salvage_declined {
        return skip("A decline of a salvage gateway is not cascaded any further.");
    }
    if case.amount.is_zero() {
        return skip("A check of the card without an amount is not cascaded.");
    }
    let route = salvage_route(case.decline.reason, case.decline.class);
    if let SalvageRoute::None { why } = route {
        return Plan::Skip(why.to_string());
    }
    if let Some(gateway) = case.configuration.cascade_all_gateway() {
        return cascade_all(case, gateway);
    }
    match profile_of(case).and_then(|id| case.configuration.cascade_profile(id)) {
        Some(profile) => through_profile(case, profile, route == SalvageRoute::SalvageGatewayOnly),
        None => skip("No cascade profile applies: neither to the routing profile nor to the gateway."),
    }
}

/// The routing profile's cascade when the sale was routed by one that has it, else the gateway's own (Q12).
fn profile_of(case: &Case<'_>) -> Option<CascadeProfileId> {
    let routed = case.routed_by.and_then(|id| case.configuration.gateway_profile(id));
    let direct = || case.configuration.gateway(case.declined_by).and_then(|one| one.direct_cascade);
    routed.and_then(|profile| profile.cascade).or_else(direct)
}

/// Every soft decline goes to the salvage gateway, or nowhere (R62–R67, M7).
fn cascade_all(case: &Case<'_>, gateway: &Gateway) -> Plan {
    let takes_funds = case.configuration.account.cascade_all_takes_insufficient_funds;
    if case.decline.reason == Reason::InsufficientFunds && !takes_funds {
        return skip("The account does not send insufficient-funds declines to the salvage gateway.");
    }
    match bar(case, gateway, true) {
        Some(why) => {
            Plan::Skip(format!("No cascade: {why}. While all cascades go there, no profile is used."))
        }
        None => Plan::Attempt {
            gateway_id: gateway.id,
            route: Route::CascadeAll,
            why: format!(
                "Soft decline ({}): gateway {} ({}) takes all cascades.",
                case.decline.reason.as_str(),
                gateway.number,
                gateway.title
            ),
        },
    }
}

fn through_profile(case: &Case<'_>, profile: &CascadeProfile, salvage_only: bool) -> Plan {
    if case.decline.reason == Reason::InsufficientFunds {
        return skip("Insufficient-funds declines do not cascade through a profile.");
    }
    if case.steps_done >= profile.max_steps {
        return Plan::Skip(format!(
            "Cascade profile {} allows {} step(s).",
            profile.title, profile.max_steps
        ));
    }
    let mut skipped = Vec::new();
    let members = in_order(&profile.members, profile.algorithm, case.standing, |_| 0);
    for gateway in members.into_iter().filter_map(|one| case.configuration.gateway(one.gateway_id)) {
        match bar(case, gateway, salvage_only) {
            Some(why) => skipped.push(why),
            None => {
                return Plan::Attempt {
                    gateway_id: gateway.id,
                    route: Route::Cascade,
                    why: format!(
                        "Soft decline ({}): cascade profile {} ({}) chose gateway {} ({}).",
                        case.decline.reason.as_str(),
                        profile.title,
                        profile.algorithm.as_str(),
                        gateway.number,
                        gateway.title
                    ),
                };
            }
        }
    }
    Plan::Skip(format!("Cascade profile {} has no usable gateway: {}.", profile.title, skipped.join("; ")))
}

/// Why this gateway cannot take this cascade; none: it can.
fn bar(case: &Case<'_>, gateway: &Gateway, salvage_only: bool) -> Option<String> {
    let number = gateway.number;
    let is_salvage = gateway.capabilities.is_salvage_only();
    if case.tried.contains(&gateway.id) {
        return Some(format!("gateway {number} was tried already"));
    }
    if let Err(why) = usable(gateway, case.amount, case.standing, Place::CascadeProfile) {
        return Some(why);
    }
    if gateway.capabilities.needs_ip && !case.has_ip_address {
        return Some(format!("no ipAddress, which gateway {number} needs"));
    }
    if is_salvage && case.single_transaction {
        return Some(format!("a Single Transaction sale does not cascade to gateway {number}"));
    }
    if salvage_only && !is_salvage {
        return Some(format!("gateway {number} is ordinary, and this card may only go to a salvage gateway"));
    }
    let bars = if is_salvage { bars_salvage } else { bars_ordinary };
    if let Some(lock) = case.card_lock.filter(|lock| bars(lock)) {
        return Some(format!("gateway {number}: this card is locked ({lock})"));
    }
    if case.decline.reason.is_never() && !is_salvage {
        return Some(format!("gateway {number}: this card may not be attempted again"));
    }
    if let Some(words) = case.cap_bar {
        return Some(words.to_owned());
    }
    let limit = case.time_limits.iter().find(|(id, _)| *id == gateway.id).map_or(0, |(_, secs)| *secs);
    if limit > case.secs_left {
        let left = case.secs_left;
        return Some(format!("gateway {number} may take {limit} s and {left} s are left of the checkout"));
    }
    None
}
