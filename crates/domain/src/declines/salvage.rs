//! Which routes a declined payment may still take (money rule M27).

use std::fmt;

use super::{reason::Reason, words::Class};

/// Where a declined payment may be offered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SalvageRoute {
    /// Any gateway.
    Any,
    /// A salvage gateway only, never the merchant's own acquirers: the network forbids the merchant another attempt.
    SalvageGatewayOnly,
    /// None.
    None {
        /// Why not, for the order's history.
        why: NoSalvage,
    },
}

/// Why a payment is not salvaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSalvage {
    /// Nothing was refused: the outcome is unknown, or the request was one too many.
    NotADecline,
    /// The decline is hard after maps.
    Hard,
    /// A map calls it soft, but no map may change this reason.
    NotOverridable,
}

impl NoSalvage {
    /// The name that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotADecline => "not_a_decline",
            Self::Hard => "hard",
            Self::NotOverridable => "not_overridable",
        }
    }
}

impl fmt::Display for NoSalvage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotADecline => "this answer is not a decline",
            Self::Hard => "the decline is hard",
            Self::NotOverridable => "no decline map may change the class of this reason",
        })
    }
}

/// Where a payment refused for `reason` may go, given its class after maps. The class alone decides; the table's
/// salvage columns only advise.
pub fn salvage_route(reason: Reason, mapped_class: Class) -> SalvageRoute {
    if !reason.is_decline() {
        return SalvageRoute::None { why: NoSalvage::NotADecline };
    }
    match (mapped_class, reason.facts().class) {
        (Class::Hard, _) => SalvageRoute::None { why: NoSalvage::Hard },
        (Class::Soft, Class::Hard) if !reason.may_be_overridden() => {
            SalvageRoute::None { why: NoSalvage::NotOverridable }
        }
        (Class::Soft, _) if reason.is_never() => SalvageRoute::SalvageGatewayOnly,
        (Class::Soft, _) => SalvageRoute::Any,
    }
}
