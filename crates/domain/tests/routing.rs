//! Which gateway an initial sale goes to: the four algorithms, caps, and what placement forbids.
#![cfg(test)]

use std::collections::BTreeMap;

use recoup_domain::configuration::{
    Algorithm, Capabilities, Configuration, Gateway, GatewayProfile, Member, RecycleSlots, Target,
};
use recoup_domain::ids::{GatewayId, GatewayProfileId, MerchantId};
use recoup_domain::placement::check;
use recoup_domain::routing::{Choice, NoRoute, Standing, decide_route};
use recoup_domain::{Currency, Money};
use uuid::Uuid;

const ORDINARY: Capabilities = Capabilities {
    first_charge: true,
    cascade: true,
    recycle_slots: RecycleSlots::All,
    direct_rerun: true,
    needs_ip: false,
    asynchronous: false,
    inquire: true,
    fence: false,
    idempotent_replay: false,
    account_check: true,
    hold: true,
    void: true,
    refund: true,
    partial_refund: true,
};
const SALVAGE: Capabilities = Capabilities { first_charge: false, ..ORDINARY };

fn id(number: u128) -> GatewayId {
    GatewayId::from_uuid(Uuid::from_u128(number))
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn gateway(number: i64, capabilities: Capabilities) -> Gateway {
    Gateway {
        id: id(number.unsigned_abs().into()),
        number,
        kind: "test".into(),
        title: format!("G{number}"),
        enabled: true,
        settings: BTreeMap::new(),
        direct_cascade: None,
        monthly_cap: None,
        cascade_all: false,
        capabilities,
    }
}

fn member(number: u128) -> Member {
    Member {
        gateway_id: id(number),
        weight: 0,
        stars: 1,
        monthly_cap: None,
        max_total_declines: None,
        max_hard_declines: None,
    }
}

/// Gateways 1 to 3 in one profile.
fn configuration(algorithm: Algorithm) -> Configuration {
    let mut configuration = Configuration::empty(MerchantId::from_uuid(Uuid::nil()));
    configuration.gateways = (1..=3).map(|number| gateway(number, ORDINARY)).collect();
    configuration.gateway_profiles.push(GatewayProfile {
        id: profile_id(),
        number: 1,
        title: "P".into(),
        algorithm,
        members: (1..=3).map(member).collect(),
        cascade: None,
    });
    configuration
}

fn profile_id() -> GatewayProfileId {
    GatewayProfileId::from_uuid(Uuid::from_u128(99))
}

fn route(configuration: &Configuration, standing: &Standing) -> Result<Choice, NoRoute> {
    decide_route(configuration, Target::Profile(profile_id()), usd(1_000), standing)
}

fn chosen(configuration: &Configuration, standing: &Standing) -> u128 {
    route(configuration, standing).unwrap().gateway_id.uuid().as_u128()
}

#[test]
fn round_robin_moves_to_the_next_gateway_with_every_sale() {
    let configuration = configuration(Algorithm::RoundRobin);
    let order: Vec<u128> =
        (0..7).map(|ticket| chosen(&configuration, &Standing { ticket, ..Standing::default() })).collect();
    assert_eq!(order, [1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn a_priority_queue_stays_on_a_gateway_until_its_cap_is_reached() {
    let mut configuration = configuration(Algorithm::PriorityQueue);
    configuration.gateways[0].monthly_cap = Some(usd(5_000));
    let taken = |minor| Standing { month_minor: vec![(id(1), minor)], ..Standing::default() };
    assert_eq!(chosen(&configuration, &taken(4_000)), 1, "exactly up to the cap");
    assert_eq!(chosen(&configuration, &taken(4_001)), 2);
    let choice = route(&configuration, &taken(4_001)).unwrap();
    assert!(choice.why.contains("gateway 1 has reached its monthly cap"), "{}", choice.why);
    assert_eq!(choice.next, [id(3)]);
}

#[test]
fn weights_are_percentages_of_the_draws() {
    let mut configuration = configuration(Algorithm::Weighted);
    for (member, weight) in configuration.gateway_profiles[0].members.iter_mut().zip([50, 30, 20]) {
        member.weight = weight;
    }
    let mut counts = [0_u32; 3];
    for draw in 0..1_000 {
        let number = chosen(&configuration, &Standing { draw, ..Standing::default() });
        counts[usize::try_from(number).unwrap() - 1] += 1;
    }
    assert_eq!(counts, [500, 300, 200]);
    configuration.gateway_profiles[0].members[0].weight = 40;
    let problems = check(&configuration);
    assert!(problems[0].message.contains("they total 90"), "{problems:?}");
}

#[test]
fn intelligent_uses_more_stars_first_and_more_room_within_them() {
    let mut configuration = configuration(Algorithm::Intelligent);
    let members = &mut configuration.gateway_profiles[0].members;
    for (member, (stars, cap)) in members.iter_mut().zip([(2, 9_000), (3, 2_000), (3, 8_000)]) {
        member.stars = stars;
        member.monthly_cap = Some(usd(cap));
    }
    let taken = |minor| Standing { profile_month_minor: vec![(id(3), minor)], ..Standing::default() };
    assert_eq!(chosen(&configuration, &taken(0)), 3);
    assert_eq!(chosen(&configuration, &taken(6_500)), 2, "2,000 left beats 1,500 left");
    assert_eq!(chosen(&configuration, &taken(7_500)), 2);
}

#[test]
fn a_gateway_disabled_after_too_many_declines_is_passed_over() {
    let configuration = configuration(Algorithm::PriorityQueue);
    let standing = Standing { disabled_in_profile: vec![id(1)], ..Standing::default() };
    assert_eq!(chosen(&configuration, &standing), 2);
}

#[test]
fn r28_r47_a_salvage_gateway_in_a_profile_is_reported_and_passed_over_at_run_time() {
    let mut configuration = configuration(Algorithm::PriorityQueue);
    configuration.gateways[0] = gateway(1, SALVAGE);
    let problems = check(&configuration);
    assert_eq!(problems[0].field, "gateway_profiles[1].members[0].gateway");
    assert!(problems[0].message.contains("salvages declines only"), "{problems:?}");
    assert_eq!(chosen(&configuration, &Standing::default()), 2);
}

#[test]
fn r25_a_product_that_names_a_salvage_gateway_is_not_charged_there() {
    let mut configuration = configuration(Algorithm::PriorityQueue);
    configuration.gateways[0] = gateway(1, SALVAGE);
    let target = Target::Gateway(id(1));
    let refused = decide_route(&configuration, target, usd(1), &Standing::default()).unwrap_err();
    assert!(refused.0.contains("never makes a first charge"), "{refused}");
}

#[test]
fn without_a_usable_gateway_every_reason_is_named() {
    let mut configuration = configuration(Algorithm::RoundRobin);
    configuration.gateways[0].enabled = false;
    configuration.gateways[1].monthly_cap = Some(usd(10));
    let standing = Standing { disabled_in_profile: vec![id(3)], ..Standing::default() };
    let refused = route(&configuration, &standing).unwrap_err().0;
    for words in ["gateway 1 is disabled", "gateway 2 has reached", "gateway 3 was disabled"] {
        assert!(refused.contains(words), "{refused}");
    }
}
