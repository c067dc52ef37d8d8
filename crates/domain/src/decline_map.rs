//! Decline maps: a merchant's rules that re-class declines by a fragment of the gateway's text, and reword them for the buyer.
//!
//! Source: help.checkoutchamp.com, "Decline Message Mapping", read 2026-11-21. Precedence is our choice: the most
//! specific map wins.

use std::cmp::Reverse;

use jiff::Timestamp;
use thiserror::Error;

use crate::{
    declines::{Class, Reading, Reason, reason_of_text},
    ids::{DeclineMapId, GatewayId},
};

/// Most characters of a fragment.
pub const FRAGMENT_CHARS_MAX: usize = 200;
/// Most characters of a text for the buyer.
pub const TEXT_CHARS_MAX: usize = 500;
/// Most characters of a gateway kind.
pub const KIND_CHARS_MAX: usize = 50;

/// The gateways that a map applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapScope {
    /// Every gateway of a kind, e.g. `"nmi"` (the CRM's *Gateway*).
    Kind(String),
    /// One gateway (the CRM's *Mid*).
    Gateway(GatewayId),
}

/// The orders that a map applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapOrders {
    /// All.
    All,
    /// New sales only.
    NewSales,
    /// Rebills only.
    Recurring,
}

/// One decline map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclineMap {
    /// Its id.
    pub id: DeclineMapId,
    /// Which gateways.
    pub scope: MapScope,
    /// Which orders.
    pub orders: MapOrders,
    /// What the gateway's text must contain, in any case. It is no pattern: `*` is an asterisk.
    pub fragment: String,
    /// The class of a decline that matches.
    pub class: Class,
    /// A friendlier text for the buyer.
    pub text: Option<String>,
    /// When it was made; among equally specific maps the newest wins.
    pub created_at: Timestamp,
}

/// What is wrong with a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MapProblem {
    /// An empty fragment would match every decline.
    #[error("the decline message is empty; it would match every decline")]
    EmptyFragment,
    /// The fragment is over [`FRAGMENT_CHARS_MAX`].
    #[error("the decline message has more than {FRAGMENT_CHARS_MAX} characters")]
    LongFragment,
    /// The text is there but blank.
    #[error("the text for the buyer is blank; leave it out to show the gateway's")]
    EmptyText,
    /// The text is over [`TEXT_CHARS_MAX`].
    #[error("the text for the buyer has more than {TEXT_CHARS_MAX} characters")]
    LongText,
    /// The kind is empty or over [`KIND_CHARS_MAX`].
    #[error("the gateway kind must have 1 to {KIND_CHARS_MAX} characters")]
    Kind,
}

/// Why a matching map left the class alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MapIgnored {
    /// No map changes the class of this reason (money rule M27).
    #[error("no decline map may change the class of {}", .0.as_str())]
    NotOverridable(Reason),
}

/// A decline after maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The class that decides from here on.
    pub class: Class,
    /// What the buyer reads instead of the gateway's text, if a map says so.
    pub text: Option<String>,
    /// The map that matched.
    pub map: Option<DeclineMapId>,
    /// Why its class had no effect, if it would have changed something.
    pub ignored: Option<MapIgnored>,
}

impl DeclineMap {
    /// Everything that is wrong with this map; `Ok` when it may be saved.
    pub fn check(&self) -> Result<(), Vec<MapProblem>> {
        let mut problems = Vec::new();
        if let MapScope::Kind(kind) = &self.scope
            && (kind.trim().is_empty() || is_longer(kind, KIND_CHARS_MAX))
        {
            problems.push(MapProblem::Kind);
        }
        if self.fragment.trim().is_empty() {
            problems.push(MapProblem::EmptyFragment);
        }
        if is_longer(&self.fragment, FRAGMENT_CHARS_MAX) {
            problems.push(MapProblem::LongFragment);
        }
        if let Some(text) = &self.text {
            if text.trim().is_empty() {
                problems.push(MapProblem::EmptyText);
            }
            if is_longer(text, TEXT_CHARS_MAX) {
                problems.push(MapProblem::LongText);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// What to tell who saves this map: its fragment names a reason whose class it will not change.
    pub fn warning(&self) -> Option<MapIgnored> {
        let reason = reason_of_text(&self.fragment)?;
        ignored(reason, reason.facts().class, self.class)
    }

    fn applies_to(&self, gateway: GatewayId, kind: &str, recurring: bool) -> bool {
        let scope = match &self.scope {
            MapScope::Kind(of) => of == kind,
            MapScope::Gateway(of) => *of == gateway,
        };
        let orders = match self.orders {
            MapOrders::All => true,
            MapOrders::NewSales => !recurring,
            MapOrders::Recurring => recurring,
        };
        scope && orders
    }

    /// Greater is more specific. The id comes last so that no two maps are equal.
    fn rank(&self) -> (bool, bool, usize, Timestamp, DeclineMapId) {
        (
            matches!(self.scope, MapScope::Gateway(_)),
            self.orders != MapOrders::All,
            self.fragment.chars().count(),
            self.created_at,
            self.id,
        )
    }
}

/// The one map that rules a decline with this `text`, as the gateway sent it: one gateway before its kind, the exact order
/// type before all, the longer fragment before the shorter, then the newest.
pub fn decide_map<'a>(
    maps: &'a [DeclineMap],
    gateway: GatewayId,
    kind: &str,
    recurring: bool,
    text: &str,
) -> Option<&'a DeclineMap> {
    let text = text.to_lowercase();
    maps.iter()
        .filter(|map| map.applies_to(gateway, kind, recurring))
        .filter(|map| !map.fragment.trim().is_empty() && text.contains(&map.fragment.to_lowercase()))
        .min_by_key(|map| Reverse(map.rank()))
}

/// The class and text of a decline after the map that rules it, if any.
pub fn apply_maps(
    reading: &Reading,
    text: &str,
    maps: &[DeclineMap],
    gateway: GatewayId,
    kind: &str,
    recurring: bool,
) -> Mapped {
    let Some(map) = decide_map(maps, gateway, kind, recurring, text) else {
        return Mapped { class: reading.class, text: None, map: None, ignored: None };
    };
    let ignored = ignored(reading.reason, reading.class, map.class);
    let class = if ignored.is_some() { reading.class } else { map.class };
    Mapped { class, text: map.text.clone(), map: Some(map.id), ignored }
}

fn ignored(reason: Reason, class: Class, mapped: Class) -> Option<MapIgnored> {
    (class != mapped && !reason.may_be_overridden()).then_some(MapIgnored::NotOverridable(reason))
}

fn is_longer(text: &str, chars_max: usize) -> bool {
    text.chars().nth(chars_max).is_some()
}
