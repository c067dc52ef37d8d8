//! Gateway profiles and cascade profiles: their members and how they choose.

use super::{Place, Problem, may_stand, refusal};
use crate::configuration::{Algorithm, Configuration, Member};
use crate::ids::GatewayId;

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

pub(super) fn check_gateway_profiles(configuration: &Configuration, problems: &mut Vec<Problem>) {
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

pub(super) fn check_cascade_profiles(configuration: &Configuration, problems: &mut Vec<Problem>) {
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
