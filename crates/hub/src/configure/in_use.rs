//! What keeps a gateway from being removed (R49).

use domain::configuration::{Configuration, Target};
use domain::ids::GatewayId;
use domain::placement::Problem;

/// What depends on a gateway beside the configuration.
pub(super) struct Work {
    /// An attempt there is still open.
    pub(super) has_open_attempt: bool,
    /// How many running subscriptions rest on it.
    pub(super) subscription_count: i64,
}

/// Everything that still depends on a gateway.
pub(super) fn in_use(configuration: &Configuration, id: GatewayId, work: &Work) -> Vec<Problem> {
    let number = configuration.gateway(id).map_or(0, |gateway| gateway.number);
    let mut words = Vec::new();
    if work.has_open_attempt {
        words.push("an attempt at this gateway is still open; resolve it first".to_owned());
    }
    if work.subscription_count > 0 {
        words.push(format!(
            "{} running subscriptions rest on it; move or cancel them first",
            work.subscription_count
        ));
    }
    words.extend(profiles(configuration, id));
    words.extend(recycle_profiles(configuration, id));
    for product in configuration.campaigns.iter().flat_map(|campaign| &campaign.products) {
        if product.target == Target::Gateway(id) {
            words.push(format!("product {} still names it; change it there first", product.number));
        }
    }
    words.into_iter().map(|words| Problem::new(format!("gateways[{number}]"), words)).collect()
}

fn profiles(configuration: &Configuration, id: GatewayId) -> Vec<String> {
    let cascades = configuration.cascade_profiles.iter();
    let cascades = cascades.map(|profile| ("cascade", profile.number, &profile.members));
    let routes = configuration.gateway_profiles.iter();
    let routes = routes.map(|profile| ("gateway", profile.number, &profile.members));
    cascades
        .chain(routes)
        .filter(|(_, _, members)| members.iter().any(|member| member.gateway_id == id))
        .map(|(noun, number, _)| format!("{noun} profile {number} still names it; remove it there first"))
        .collect()
}

fn recycle_profiles(configuration: &Configuration, id: GatewayId) -> Vec<String> {
    let mut words = Vec::new();
    for profile in &configuration.recycle_profiles {
        let number = profile.number;
        let chosen = [profile.gateway_4_to_6, profile.gateway_7_to_9, profile.gateway_final];
        if chosen.contains(&Some(id)) {
            words.push(format!("a slot of recycle profile {number} still names it; change it there first"));
        }
        if profile.gateways.contains(&id) {
            words.push(format!("recycle profile {number} still applies to it; remove it there first"));
        }
    }
    words
}
