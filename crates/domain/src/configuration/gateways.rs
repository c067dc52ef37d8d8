//! Gateways, and the profiles that choose among them.

use std::collections::BTreeMap;

use super::Capabilities;
use crate::attempt::words;
use crate::ids::{CascadeProfileId, GatewayId, GatewayProfileId};
use crate::money::Money;

/// One configured account at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its id.
    pub id: GatewayId,
    /// Its number in the CRM-compatible API (`merchantId`, `billerId`).
    pub number: i64,
    /// Its kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Off: no new submission by any route (R24).
    pub enabled: bool,
    /// Fields that are not secret, by name.
    pub settings: BTreeMap<String, String>,
    /// Which cascade profile its soft declines of initial sales go through (R32).
    pub direct_cascade: Option<CascadeProfileId>,
    /// Most that it may take in a calendar month; none: no cap.
    pub monthly_cap: Option<Money>,
    /// Takes every soft decline of an initial sale (R62); only meaningful on salvage gateways.
    pub cascade_all: bool,
    /// What its kind can do; all false when the kind is not known to this build.
    pub capabilities: Capabilities,
}

/// How a profile chooses among its gateways (crm.md sections 5 and 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// The next one after each sale or decline.
    RoundRobin,
    /// The first one that has room.
    PriorityQueue,
    /// By percentages.
    Weighted,
    /// By stars and room left in the month; gateway profiles only.
    Intelligent,
}

words!(Algorithm {
    RoundRobin = "round_robin",
    PriorityQueue = "priority_queue",
    Weighted = "weighted",
    Intelligent = "intelligent",
});

/// A gateway within a gateway profile or cascade profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Percentage, for the weighted algorithm; all together 100.
    pub weight: i64,
    /// Stars 1 to 3, for the intelligent algorithm.
    pub stars: i64,
    /// Most that it may take through this profile in a calendar month.
    pub monthly_cap: Option<Money>,
    /// Disabled in this profile after so many consecutive declines.
    pub max_total_declines: Option<i64>,
    /// Disabled in this profile after so many consecutive hard declines.
    pub max_hard_declines: Option<i64>,
}

/// A named set of gateways that routes initial sales (crm.md section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayProfile {
    /// Its id.
    pub id: GatewayProfileId,
    /// Its number in the CRM-compatible API (`loadBalancerId`).
    pub number: i64,
    /// Its title.
    pub title: String,
    /// How it chooses.
    pub algorithm: Algorithm,
    /// Its gateways, in queue order.
    pub members: Vec<Member>,
    /// Which cascade profile soft declines of its sales go through.
    pub cascade: Option<CascadeProfileId>,
}

/// A named set of gateways that cascades soft declines (crm.md section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CascadeProfile {
    /// Its id.
    pub id: CascadeProfileId,
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// How it chooses; never intelligent.
    pub algorithm: Algorithm,
    /// Its gateways, in queue order.
    pub members: Vec<Member>,
    /// Most cascade attempts of one order (Q10).
    pub max_steps: i64,
}
