//! Recycle profiles: which gateways they serve, and which gateways their slots name (R33–R36, R46, R47). What a profile
//! says of itself, [`RecycleProfile::check`] judges.

use super::{Place, Problem, may_stand, refusal};
use crate::configuration::Configuration;
use crate::ids::GatewayId;
use crate::recycle::RecycleProfile;

pub(super) fn check_recycle_profiles(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let mut served: Vec<(GatewayId, i64)> = Vec::new();
    for profile in &configuration.recycle_profiles {
        let path = format!("recycle_profiles[{}]", profile.number);
        check_served(configuration, profile, &path, &mut served, problems);
        check_chosen(configuration, profile, &path, problems);
        problems.extend(profile.check());
    }
}

/// The gateways that a profile applies to: ordinary ones, each in one profile only.
fn check_served(
    configuration: &Configuration,
    profile: &RecycleProfile,
    path: &str,
    served: &mut Vec<(GatewayId, i64)>,
    problems: &mut Vec<Problem>,
) {
    for (at, id) in profile.gateways.iter().enumerate() {
        let field = format!("{path}.gateways[{at}]");
        let other = served.iter().find(|(one, _)| one == id).map(|(_, number)| *number);
        served.push((*id, profile.number));
        match (configuration.gateway(*id), other) {
            (None, _) => problems.push(Problem::new(field, "there is no such gateway")),
            (Some(gateway), _) if !may_stand(&gateway.capabilities, Place::RecycleApplies) => {
                problems.push(Problem::new(field, refusal(gateway, Place::RecycleApplies)));
            }
            (Some(gateway), Some(number)) if number != profile.number => {
                let words = format!(
                    "gateway {} is in recycle profile {number} already; a gateway is in one profile only",
                    gateway.number
                );
                problems.push(Problem::new(field, words));
            }
            (Some(_), Some(_) | None) => {}
        }
    }
}

/// The gateways of the later slots: able to stand there, and with a slot to run in.
fn check_chosen(
    configuration: &Configuration,
    profile: &RecycleProfile,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    let final_slot = profile.final_slot.as_slice();
    for (name, id, slots) in [
        ("gateway_4_to_6", profile.gateway_4_to_6, profile.slots.get(3..).unwrap_or_default()),
        ("gateway_7_to_9", profile.gateway_7_to_9, profile.slots.get(6..).unwrap_or_default()),
        ("gateway_final", profile.gateway_final, final_slot),
    ] {
        let Some(id) = id else { continue };
        let field = format!("{path}.{name}");
        match configuration.gateway(id) {
            None => problems.push(Problem::new(field, "there is no such gateway")),
            Some(gateway) if !may_stand(&gateway.capabilities, Place::RecycleLater) => {
                problems.push(Problem::new(field, refusal(gateway, Place::RecycleLater)));
            }
            Some(_) if slots.is_empty() => {
                problems
                    .push(Problem::new(field, "no slot runs there; add the slot or leave the gateway out"));
            }
            Some(_) => {}
        }
    }
}
