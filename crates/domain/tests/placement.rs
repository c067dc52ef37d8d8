//! Where gateways may stand in recycle profiles and under subscriptions, and what plans may say.
#![cfg(test)]

use std::collections::BTreeMap;

use recoup_domain::configuration::{
    Billing, Campaign, CampaignProduct, Capabilities, Configuration, Gateway, ProductKind, RecycleSlots,
    Target,
};
use recoup_domain::ids::{CampaignId, CampaignProductId, GatewayId, MerchantId, RecycleProfileId};
use recoup_domain::placement::{Place, Unusable, check, may_stand, usable};
use recoup_domain::plan::{Cycle, Plan, Trial};
use recoup_domain::recycle::{RecycleProfile, Reduction, Slot};
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
const SALVAGE: Capabilities =
    Capabilities { first_charge: false, recycle_slots: RecycleSlots::Later, ..ORDINARY };

fn id(number: i64) -> GatewayId {
    GatewayId::from_uuid(Uuid::from_u128(number.unsigned_abs().into()))
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn gateway(number: i64, capabilities: Capabilities) -> Gateway {
    Gateway {
        id: id(number),
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

/// Gateway 1's profile with all ten attempts, the later ones at salvage gateway 9.
fn profile(number: i64) -> RecycleProfile {
    let slot = Slot { days: 3, reduction: 5, skip: false };
    RecycleProfile {
        id: RecycleProfileId::from_uuid(Uuid::from_u128(number.unsigned_abs().into())),
        number,
        title: "P".into(),
        reduction: Reduction::Percent,
        minimum_price: None,
        bill_on_saturday: false,
        hold_recycle_price: false,
        gateways: vec![id(1)],
        slots: vec![slot.clone(); 9],
        final_slot: Some(slot),
        gateway_4_to_6: Some(id(9)),
        gateway_7_to_9: Some(id(9)),
        gateway_final: Some(id(9)),
    }
}

/// Ordinary gateways 1 and 2, salvage gateway 9.
fn configuration(profiles: Vec<RecycleProfile>) -> Configuration {
    let mut configuration = Configuration::empty(MerchantId::from_uuid(Uuid::nil()));
    configuration.gateways = vec![gateway(1, ORDINARY), gateway(2, ORDINARY), gateway(9, SALVAGE)];
    configuration.recycle_profiles = profiles;
    configuration
}

fn fields(configuration: &Configuration) -> Vec<String> {
    check(configuration).into_iter().map(|problem| problem.field).collect()
}

fn of_profile(profile: RecycleProfile) -> Vec<String> {
    fields(&configuration(vec![profile]))
}

#[test]
fn r33_r34_r35_a_salvage_gateway_stands_in_the_later_groups_and_the_final_attempt() {
    assert!(of_profile(profile(1)).is_empty());
    assert!(may_stand(&SALVAGE, Place::RecycleLater) && may_stand(&ORDINARY, Place::RecycleLater));
    let never = Capabilities { recycle_slots: RecycleSlots::None, ..SALVAGE };
    assert!(!may_stand(&never, Place::RecycleLater));
}

#[test]
fn r36_a_salvage_gateway_never_stands_in_the_first_three_slots() {
    assert!(!may_stand(&SALVAGE, Place::RecycleEarly));
    assert!(may_stand(&ORDINARY, Place::RecycleEarly));
    let refused = usable(&configuration(vec![]), id(9), Place::RecycleEarly).unwrap_err().to_string();
    assert!(refused.contains("Re-Attempts 1 to 3"), "{refused}");
}

#[test]
fn r43_no_subscription_rests_on_a_salvage_gateway() {
    let all = configuration(vec![]);
    assert!(usable(&all, id(1), Place::Subscription).is_ok());
    let refused = usable(&all, id(9), Place::Subscription).unwrap_err();
    assert_eq!(refused, Unusable::Misplaced(all.gateway(id(9)).unwrap(), Place::Subscription));
    assert!(refused.to_string().contains("the gateway that a subscription rests on"), "{refused}");
}

#[test]
fn r46_a_recycle_profile_applies_to_ordinary_gateways_each_in_one_profile() {
    assert_eq!(
        of_profile(RecycleProfile { gateways: vec![id(1), id(9), id(5)], ..profile(1) }),
        ["recycle_profiles[1].gateways[1]", "recycle_profiles[1].gateways[2]"]
    );
    let second = RecycleProfile { gateways: vec![id(2), id(1)], ..profile(2) };
    let both = configuration(vec![profile(1), second]);
    assert_eq!(fields(&both), ["recycle_profiles[2].gateways[1]"]);
    assert!(check(&both)[0].message.contains("in recycle profile 1 already"));
    let twice = RecycleProfile { gateways: vec![id(1), id(1)], ..profile(1) };
    assert_eq!(of_profile(twice), ["recycle_profiles[1].gateways[1]"]);
    assert_eq!(
        fields(&configuration(vec![profile(1), RecycleProfile { gateways: vec![], ..profile(1) }])),
        ["recycle_profiles[1].number"]
    );
}

#[test]
fn r47_a_slot_that_names_a_deleted_gateway_is_reported_and_passed_over_at_run_time() {
    let mut all = configuration(vec![profile(1)]);
    all.gateways.retain(|gateway| gateway.number != 9);
    assert_eq!(
        fields(&all),
        [
            "recycle_profiles[1].gateway_4_to_6",
            "recycle_profiles[1].gateway_7_to_9",
            "recycle_profiles[1].gateway_final"
        ]
    );
    assert_eq!(usable(&all, id(9), Place::RecycleLater), Err(Unusable::Gone));
    all.gateways.push(Gateway { enabled: false, ..gateway(9, SALVAGE) });
    assert!(check(&all).is_empty(), "what is switched off may be named");
    assert!(matches!(usable(&all, id(9), Place::RecycleLater), Err(Unusable::Disabled(_))));
    all.gateways.pop();
    all.gateways.push(gateway(9, SALVAGE));
    assert_eq!(usable(&all, id(9), Place::RecycleLater).unwrap().number, 9);
}

#[test]
fn a_gateway_of_a_group_without_a_slot_is_reported() {
    let short = RecycleProfile {
        slots: profile(1).slots.into_iter().take(3).collect(),
        final_slot: None,
        ..profile(1)
    };
    assert_eq!(
        of_profile(short),
        [
            "recycle_profiles[1].gateway_4_to_6",
            "recycle_profiles[1].gateway_7_to_9",
            "recycle_profiles[1].gateway_final"
        ]
    );
}

#[test]
fn a_profile_is_checked_itself_too() {
    let mut wrong = profile(1);
    wrong.slots[1] = Slot { days: 0, reduction: -1, skip: false };
    assert_eq!(
        of_profile(wrong),
        ["recycle_profiles[1].slots[1].days", "recycle_profiles[1].slots[1].reduction"]
    );
}

/// Campaign 1 with product 7 at 9.99 on gateway 1.
fn with_plan(billing: Billing, plan: Option<Plan>) -> Vec<String> {
    let mut all = configuration(vec![]);
    let product = CampaignProduct {
        id: CampaignProductId::from_uuid(Uuid::nil()),
        number: 7,
        name: "N".into(),
        sku: String::new(),
        kind: ProductKind::Offer,
        billing,
        plan,
        price: usd(999),
        shipping: usd(0),
        is_shippable: true,
        target: Target::Gateway(id(1)),
    };
    all.campaigns.push(Campaign {
        id: CampaignId::from_uuid(Uuid::nil()),
        number: 1,
        title: "C".into(),
        currency: Currency::USD,
        single_transaction: false,
        disable_recycle_billing: false,
        products: vec![product],
    });
    let path = "campaigns[1].products[7].";
    fields(&all).into_iter().map(|field| field.strip_prefix(path).unwrap().to_owned()).collect()
}

fn monthly() -> Plan {
    Plan::every(30, usd(999), usd(0))
}

#[test]
fn a_product_has_a_plan_exactly_when_something_is_billed_after_the_checkout() {
    assert!(with_plan(Billing::OneTime, None).is_empty());
    assert!(with_plan(Billing::Recurring, Some(monthly())).is_empty());
    assert_eq!(with_plan(Billing::OneTime, Some(monthly())), ["plan"]);
    assert_eq!(with_plan(Billing::Recurring, None), ["plan"]);
    assert_eq!(with_plan(Billing::MultiPay, None), ["plan"]);
    let default = |billing| CampaignProduct::default_plan(billing, usd(999), usd(0));
    assert_eq!(default(Billing::Recurring), Some(monthly()));
    assert_eq!((default(Billing::OneTime), default(Billing::MultiPay)), (None, None));
}

#[test]
fn instalments_end_and_ship_once() {
    let instalments = Plan { final_cycle: Some(3), ships_once: true, ..monthly() };
    assert!(with_plan(Billing::MultiPay, Some(instalments)).is_empty());
    assert_eq!(with_plan(Billing::MultiPay, Some(monthly())), ["plan.final_cycle", "plan.ships_once"]);
}

#[test]
fn the_first_cycle_is_what_the_checkout_charges_and_all_are_in_the_campaigns_currency() {
    let cycle = |price| Cycle { delay_days: 14, price, shipping: usd(0) };
    let trial = |first, second| Plan {
        cycles: vec![cycle(first), cycle(second)],
        trial: Some(Trial::Standard),
        ..monthly()
    };
    assert!(with_plan(Billing::Recurring, Some(trial(usd(999), usd(2_999)))).is_empty());
    assert_eq!(with_plan(Billing::Recurring, Some(trial(usd(1), usd(2_999)))), ["plan.cycles[0].price"]);
    let euro = Money::new(2_999, Currency::parse("EUR").unwrap());
    assert_eq!(with_plan(Billing::Recurring, Some(trial(usd(999), euro))), ["plan.cycles[1].price"]);
}
