//! Whether a declined new sale may be tried again by a person or by API (R108–R123, M24, M25, M27, M28).

use crate::configuration::{Configuration, Gateway};
use crate::declines::{Class, NoSalvage, Reason, SalvageRoute, salvage_route};
use crate::ids::{GatewayId, GatewayProfileId};
use crate::network_rules::{bars_ordinary, bars_salvage};
use crate::order::OrderStatus;
use crate::placement::{Place, may_stand, refusal};

/// Where a rerun was asked to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RerunTarget {
    /// This gateway.
    Gateway(GatewayId),
    /// Through this gateway profile.
    Profile(GatewayProfileId),
    /// Where the items themselves are sold.
    Items,
}

/// Reads the target of a rerun; the sentence says why the request is refused as a whole (R40).
pub fn decide_target(
    configuration: &Configuration,
    gateway: Option<GatewayId>,
    profile: Option<GatewayProfileId>,
) -> Result<RerunTarget, String> {
    match (gateway, profile) {
        (None, None) => Ok(RerunTarget::Items),
        (Some(_), Some(_)) => Err("Name a gateway or a gateway profile, not both.".to_owned()),
        (None, Some(id)) => match configuration.gateway_profile(id) {
            Some(_) => Ok(RerunTarget::Profile(id)),
            None => Err("There is no such gateway profile.".to_owned()),
        },
        (Some(id), None) => {
            let gateway = configuration.gateway(id).ok_or("There is no such gateway.")?;
            check_gateway(gateway, RerunTarget::Gateway(id))?;
            Ok(RerunTarget::Gateway(id))
        }
    }
}

/// A declined order, as far as the verdict needs it.
#[derive(Debug, Clone, Copy)]
pub struct RerunCase<'a> {
    /// Where it stands.
    pub order_status: OrderStatus,
    /// Whether it is a new sale, not a rebill.
    pub is_new_sale: bool,
    /// Whether a test card was used (R149).
    pub is_test: bool,
    /// The state word of an attempt of it that is live, when there is one (R120).
    pub live_attempt: Option<&'a str>,
    /// The decline that is salvaged and its class under today's maps (Q19); none: nothing was ever declined, the request
    /// did not reach a gateway.
    pub declined: Option<(Reason, Class)>,
    /// The reason word of the lock on the card, when there is one.
    pub card_lock: Option<&'a str>,
    /// Why the card may not be attempted anywhere now (a hard cap of its budget); none: it may.
    pub cap_bar: Option<&'a str>,
    /// Whether the card's number is still stored (R148).
    pub has_card: bool,
    /// Whether the customer has a later pending or complete order with the same product (M24).
    pub bought_since: bool,
    /// Whether a person decided to try it even so.
    pub allow_bought_since: bool,
    /// Where it was asked to go.
    pub target: RerunTarget,
    /// The gateway that this leads to; none: no usable one.
    pub gateway: Option<&'a Gateway>,
}

/// The verdict on one order of a rerun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Attempt it.
    Submit,
    /// Leave it alone; the sentence says why (R118).
    Skip(String),
}

/// Judges one order; others of the same batch are judged on their own (R118).
pub fn judge_rerun(case: &RerunCase<'_>) -> Verdict {
    let judged = check_order(case)
        .and_then(|()| case.gateway.ok_or_else(|| "No gateway can take it now.".to_owned()))
        .and_then(|gateway| check_gateway(gateway, case.target).map(|()| gateway))
        .and_then(|gateway| check_decline(case, gateway));
    match judged {
        Ok(()) => Verdict::Submit,
        Err(why) => Verdict::Skip(why),
    }
}

fn check_order(case: &RerunCase<'_>) -> Result<(), String> {
    if !case.is_new_sale {
        return Err("Only new sales are rerun; a rebill is recycled or force-billed.".to_owned());
    }
    if let Some(state) = case.live_attempt {
        return Err(format!("An attempt of it is {state}; it is rerun only when that one has ended."));
    }
    if case.order_status != OrderStatus::Declined {
        return Err(format!("Only declined orders are rerun; this one is {}.", case.order_status.as_str()));
    }
    if case.is_test {
        return Err("It was made with a test card.".to_owned());
    }
    if !case.has_card {
        return Err("No card number is stored; the customer must pay again.".to_owned());
    }
    if case.bought_since && !case.allow_bought_since {
        return Err("bought since: the customer has a later order with the same product.".to_owned());
    }
    Ok(())
}

fn check_gateway(gateway: &Gateway, target: RerunTarget) -> Result<(), String> {
    let number = gateway.number;
    if !gateway.enabled {
        return Err(format!("Gateway {number} is disabled."));
    }
    let place = match target {
        RerunTarget::Gateway(_) => Place::DirectRerun,
        // Only by its own name is a salvage gateway ever reached (R39, R111).
        RerunTarget::Profile(_) => Place::GatewayProfile,
        RerunTarget::Items => Place::Offer,
    };
    if may_stand(&gateway.capabilities, place) { Ok(()) } else { Err(refusal(gateway, place)) }
}

fn check_decline(case: &RerunCase<'_>, gateway: &Gateway) -> Result<(), String> {
    let is_salvage = gateway.capabilities.is_salvage_only();
    if let Some(lock) =
        case.card_lock.filter(|lock| if is_salvage { bars_salvage(lock) } else { bars_ordinary(lock) })
    {
        return Err(format!("This card is locked ({lock}); the customer must pay with another one."));
    }
    if let Some(words) = case.cap_bar {
        return Err(format!("Not now: {words}."));
    }
    let Some((reason, class)) = case.declined else {
        if is_salvage {
            return Err("Nothing was declined, so there is nothing to salvage.".to_owned());
        }
        return Ok(());
    };
    let word = reason.as_str();
    match salvage_route(reason, class) {
        SalvageRoute::SalvageGatewayOnly if is_salvage => Ok(()),
        SalvageRoute::SalvageGatewayOnly => Err(format!(
            "The network forbids another attempt on your own gateways ({word}); only a salvage gateway may take it."
        )),
        SalvageRoute::None { why: NoSalvage::NotADecline } if is_salvage => {
            Err(format!("{word} is not a decline, so there is nothing to salvage."))
        }
        SalvageRoute::Any | SalvageRoute::None { why: NoSalvage::NotADecline } => Ok(()),
        SalvageRoute::None { why: NoSalvage::Hard } if is_salvage => {
            Err(format!("Hard decline ({word}); only soft declines are handed to a salvage gateway."))
        }
        SalvageRoute::None { why: NoSalvage::Hard } => {
            Err(format!("Hard decline ({word}); the customer must pay again."))
        }
        SalvageRoute::None { why: NoSalvage::NotOverridable } => Err(format!(
            "Hard decline ({word}): no decline map may change the class of this reason; the customer must pay again."
        )),
    }
}

#[cfg(test)]
mod tests;
