//! Every reason for which an order is left alone, and what is submitted.

use std::collections::BTreeMap;

use super::*;
use crate::configuration::{Algorithm, Capabilities, GatewayProfile, RecycleSlots};
use crate::ids::MerchantId;
use uuid::Uuid;

fn gateway(number: u128, salvage: bool) -> Gateway {
    let capabilities = Capabilities {
        first_charge: !salvage,
        cascade: true,
        recycle_slots: if salvage { RecycleSlots::Later } else { RecycleSlots::All },
        direct_rerun: true,
        needs_ip: salvage,
        asynchronous: salvage,
        inquire: true,
        fence: salvage,
        idempotent_replay: false,
        account_check: false,
        hold: true,
        void: true,
        refund: true,
        partial_refund: true,
    };
    Gateway {
        id: GatewayId::from_uuid(Uuid::from_u128(number)),
        number: i64::try_from(number).unwrap(),
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

fn profile_id() -> GatewayProfileId {
    GatewayProfileId::from_uuid(Uuid::from_u128(7))
}

/// A soft decline on the way to this gateway, named directly.
fn case(gateway: &Gateway) -> RerunCase<'_> {
    RerunCase {
        order_status: OrderStatus::Declined,
        is_new_sale: true,
        is_test: false,
        live_attempt: None,
        declined: Some((Reason::DoNotHonor, Class::Soft)),
        card_lock: None,
        cap_bar: None,
        has_card: true,
        bought_since: false,
        allow_bought_since: false,
        target: RerunTarget::Gateway(gateway.id),
        gateway: Some(gateway),
    }
}

fn skipped(case: &RerunCase<'_>) -> String {
    match judge_rerun(case) {
        Verdict::Skip(why) => why,
        Verdict::Submit => panic!("submitted"),
    }
}

#[test]
fn r108_r109_r110_a_soft_decline_is_submitted_to_the_gateway_that_is_named() {
    for salvage in [false, true] {
        assert_eq!(judge_rerun(&case(&gateway(1, salvage))), Verdict::Submit);
    }
}

#[test]
fn r119_only_declined_orders_are_rerun() {
    let ordinary = gateway(1, false);
    for status in OrderStatus::ALL.iter().copied().filter(|status| *status != OrderStatus::Declined) {
        let why = skipped(&RerunCase { order_status: status, ..case(&ordinary) });
        assert_eq!(why, format!("Only declined orders are rerun; this one is {}.", status.as_str()));
    }
}

#[test]
fn r120_an_order_with_a_live_attempt_is_left_alone() {
    let ordinary = gateway(1, false);
    let open = RerunCase { live_attempt: Some("pending"), ..case(&ordinary) };
    assert!(skipped(&open).starts_with("An attempt of it is pending"));
}

#[test]
fn m25_rebills_are_not_rerun() {
    let ordinary = gateway(1, false);
    assert!(skipped(&RerunCase { is_new_sale: false, ..case(&ordinary) }).starts_with("Only new sales"));
}

#[test]
fn m24_an_order_whose_product_was_bought_since_is_skipped_unless_a_person_decides_otherwise() {
    let ordinary = gateway(1, false);
    let bought = RerunCase { bought_since: true, ..case(&ordinary) };
    assert!(skipped(&bought).starts_with("bought since"));
    assert_eq!(judge_rerun(&RerunCase { allow_bought_since: true, ..bought }), Verdict::Submit);
}

#[test]
fn r148_r149_test_orders_and_orders_without_a_stored_card_are_skipped() {
    let salvage = gateway(9, true);
    assert!(skipped(&RerunCase { is_test: true, ..case(&salvage) }).contains("test card"));
    assert!(skipped(&RerunCase { has_card: false, ..case(&salvage) }).contains("No card number is stored"));
}

#[test]
fn r117_a_hard_decline_is_skipped_on_every_gateway_with_a_reason_of_its_own() {
    let (ordinary, salvage) = (gateway(1, false), gateway(9, true));
    let hard = Some((Reason::ExpiredCard, Class::Hard));
    assert!(
        skipped(&RerunCase { declined: hard, ..case(&salvage) }).contains("only soft declines are handed")
    );
    assert!(
        skipped(&RerunCase { declined: hard, ..case(&ordinary) }).contains("the customer must pay again")
    );
    let mapped = Some((Reason::ExpiredCard, Class::Soft));
    assert_eq!(judge_rerun(&RerunCase { declined: mapped, ..case(&salvage) }), Verdict::Submit);
}

#[test]
fn m27_a_never_reason_mapped_to_soft_goes_to_a_salvage_gateway_only_and_some_never_do() {
    let (ordinary, salvage) = (gateway(1, false), gateway(9, true));
    let never = Some((Reason::InvalidCardNumber, Class::Soft));
    assert!(skipped(&RerunCase { declined: never, ..case(&ordinary) }).contains("only a salvage gateway"));
    assert_eq!(judge_rerun(&RerunCase { declined: never, ..case(&salvage) }), Verdict::Submit);
    let stolen = Some((Reason::LostOrStolenCard, Class::Soft));
    for gateway in [&ordinary, &salvage] {
        assert!(skipped(&RerunCase { declined: stolen, ..case(gateway) }).contains("no decline map"));
    }
}

#[test]
fn what_is_no_decline_is_not_salvaged_but_may_be_tried_again() {
    let (ordinary, salvage) = (gateway(1, false), gateway(9, true));
    for declined in [None, Some((Reason::RateLimited, Class::Soft))] {
        assert_eq!(judge_rerun(&RerunCase { declined, ..case(&ordinary) }), Verdict::Submit);
        assert!(skipped(&RerunCase { declined, ..case(&salvage) }).contains("nothing to salvage"));
    }
}

#[test]
fn m28_a_locked_card_or_a_used_up_budget_is_not_rerun() {
    let (ordinary, salvage) = (gateway(1, false), gateway(9, true));
    let locked = |word| RerunCase { card_lock: Some(word), ..case(&ordinary) };
    assert!(skipped(&locked("invalid_card_number")).contains("locked (invalid_card_number)"));
    let handed =
        RerunCase { gateway: Some(&salvage), target: RerunTarget::Gateway(salvage.id), ..locked("x") };
    assert_eq!(judge_rerun(&handed), Verdict::Submit);
    let stolen = RerunCase { card_lock: Some("lost_or_stolen_card"), ..handed };
    assert!(skipped(&stolen).contains("locked"));
    for gateway in [&ordinary, &salvage] {
        let capped = RerunCase { cap_bar: Some("15 attempts in 30 days"), ..case(gateway) };
        assert_eq!(skipped(&capped), "Not now: 15 attempts in 30 days.");
    }
}

#[test]
fn r39_r111_a_salvage_gateway_is_reached_by_its_own_name_only() {
    let salvage = gateway(9, true);
    for target in [RerunTarget::Profile(profile_id()), RerunTarget::Items] {
        assert!(skipped(&RerunCase { target, ..case(&salvage) }).contains("salvages declines only"));
    }
}

#[test]
fn r24_r118_a_disabled_or_unfit_or_missing_gateway_takes_nothing() {
    let mut one = gateway(9, true);
    one.capabilities.direct_rerun = false;
    assert!(skipped(&case(&one)).contains("cannot be used as the gateway of a rerun"));
    one.enabled = false;
    assert_eq!(skipped(&case(&one)), "Gateway 9 is disabled.");
    assert_eq!(skipped(&RerunCase { gateway: None, ..case(&one) }), "No gateway can take it now.");
}

#[test]
fn r38_r40_a_request_names_one_usable_gateway_or_one_profile() {
    let mut configuration = Configuration::empty(MerchantId::from_uuid(Uuid::nil()));
    configuration.gateways = vec![gateway(1, false), gateway(9, true)];
    configuration.gateway_profiles = vec![GatewayProfile {
        id: profile_id(),
        number: 7,
        title: "P".into(),
        algorithm: Algorithm::RoundRobin,
        members: Vec::new(),
        cascade: None,
    }];
    let salvage = configuration.gateways[1].id;
    let target = |gateway, profile| decide_target(&configuration, gateway, profile);
    assert_eq!(target(Some(salvage), None), Ok(RerunTarget::Gateway(salvage)));
    assert_eq!(target(None, Some(profile_id())), Ok(RerunTarget::Profile(profile_id())));
    assert_eq!(target(None, None), Ok(RerunTarget::Items));
    assert!(target(Some(salvage), Some(profile_id())).unwrap_err().contains("not both"));
    let nobody = Uuid::from_u128(1_000);
    assert!(target(Some(GatewayId::from_uuid(nobody)), None).is_err());
    assert!(target(None, Some(GatewayProfileId::from_uuid(nobody))).is_err());
}
