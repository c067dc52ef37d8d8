//! Decline maps and what may be salvaged after them.

use jiff::Timestamp;
use proptest::prelude::*;
use recoup_domain::{
    decline_map::{
        DeclineMap, FRAGMENT_CHARS_MAX, KIND_CHARS_MAX, MapIgnored, MapOrders, MapProblem, MapScope, Mapped,
        TEXT_CHARS_MAX, apply_maps, decide_map,
    },
    declines::{Class, NoSalvage, Reason, SalvageRoute, Signals, classify, salvage_route},
    ids::{DeclineMapId, GatewayId},
};
use uuid::Uuid;

fn gateway(number: u128) -> GatewayId {
    GatewayId::from_uuid(Uuid::from_u128(number))
}

fn id(number: u128) -> DeclineMapId {
    DeclineMapId::from_uuid(Uuid::from_u128(number))
}

fn map(fragment: &str, class: Class) -> DeclineMap {
    DeclineMap {
        id: id(1),
        scope: MapScope::Kind("nmi".into()),
        orders: MapOrders::All,
        fragment: fragment.into(),
        class,
        text: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A decline at gateway 1, kind `nmi`, after these maps.
fn mapped(code: &str, text: &str, recurring: bool, maps: &[DeclineMap]) -> Mapped {
    let reading = classify(&Signals { source: "nmi", code, text, ..Signals::default() }).unwrap();
    apply_maps(&reading, text, maps, gateway(1), "nmi", recurring)
}

#[test]
fn r141_a_hard_decline_mapped_to_soft_becomes_eligible() {
    assert_eq!(mapped("223", "Expired card", false, &[]).class, Class::Hard);
    let soft = mapped("223", "Expired card", false, &[map("expired", Class::Soft)]);
    assert_eq!((soft.class, soft.map, soft.ignored), (Class::Soft, Some(id(1)), None));
    assert_eq!(salvage_route(Reason::ExpiredCard, soft.class), SalvageRoute::Any);
}

#[test]
fn r142_a_map_leaves_other_hard_declines_ineligible() {
    let other = mapped("222", "No card number on file", false, &[map("expired", Class::Soft)]);
    assert_eq!((other.class, other.map), (Class::Hard, None));
    assert_eq!(salvage_route(Reason::NoAccount, other.class), SalvageRoute::None { why: NoSalvage::Hard });
}

#[test]
fn r143_a_kind_map_rules_all_its_gateways_and_a_gateway_map_only_one() {
    let of_kind = [map("expired", Class::Soft)];
    let of_one = [DeclineMap { scope: MapScope::Gateway(gateway(1)), ..map("expired", Class::Soft) }];
    let rules =
        |maps: &[DeclineMap], at, kind| decide_map(maps, gateway(at), kind, false, "expired").is_some();
    assert!(rules(&of_kind, 1, "nmi") && rules(&of_kind, 2, "nmi") && !rules(&of_kind, 3, "stripe"));
    assert!(rules(&of_one, 1, "nmi") && !rules(&of_one, 2, "nmi"));
}

#[test]
fn r144_a_map_for_one_order_type_leaves_the_other_alone() {
    for (orders, new_sale, rebill) in [
        (MapOrders::NewSales, Class::Soft, Class::Hard),
        (MapOrders::Recurring, Class::Hard, Class::Soft),
        (MapOrders::All, Class::Soft, Class::Soft),
    ] {
        let maps = [DeclineMap { orders, ..map("expired", Class::Soft) }];
        assert_eq!(mapped("223", "Expired card", false, &maps).class, new_sale, "{orders:?}");
        assert_eq!(mapped("223", "Expired card", true, &maps).class, rebill, "{orders:?}");
    }
}

#[test]
fn r145_a_soft_decline_mapped_to_hard_becomes_ineligible() {
    let hard = mapped("202", "Insufficient funds", false, &[map("insufficient funds", Class::Hard)]);
    assert_eq!((hard.class, hard.ignored), (Class::Hard, None));
    assert_eq!(
        salvage_route(Reason::InsufficientFunds, hard.class),
        SalvageRoute::None { why: NoSalvage::Hard }
    );
}

#[test]
fn r146_a_fragment_is_enough_in_any_case_and_is_no_pattern() {
    let rules = |fragment: &str, text: &str| {
        decide_map(&[map(fragment, Class::Soft)], gateway(1), "nmi", false, text).is_some()
    };
    assert!(rules("PIRED", "Card Expired on 10/25 REFID:1"));
    assert!(rules("carte expirée", "CARTE EXPIRÉE"));
    assert!(!rules("exp*", "expired") && rules("a*b", "A*B"));
    assert!(!rules("expired card", "expired"));
    assert!(!rules("", "anything") && !rules(" ", "any thing"), "a blank fragment matches nothing");
}

#[test]
fn r147_the_deciding_map_is_named_beside_the_class() {
    let maps = [
        DeclineMap { id: id(7), text: Some("Please use another card".into()), ..map("lost", Class::Hard) },
        DeclineMap { id: id(8), ..map("expired", Class::Soft) },
    ];
    let result = mapped("223", "Expired card", false, &maps);
    assert_eq!((result.map, result.class, result.text), (Some(id(8)), Class::Soft, None));
}

#[test]
fn the_most_specific_map_wins() {
    let base = map("card", Class::Soft);
    let ladder = [
        DeclineMap { id: id(9), ..base.clone() },
        DeclineMap { id: id(2), created_at: Timestamp::from_second(5).unwrap(), ..base.clone() },
        DeclineMap { id: id(3), fragment: "expired card".into(), ..base.clone() },
        DeclineMap { id: id(4), orders: MapOrders::NewSales, ..base.clone() },
        DeclineMap { id: id(5), scope: MapScope::Gateway(gateway(1)), ..base },
    ];
    for top in 0..ladder.len() {
        let won = decide_map(&ladder[..=top], gateway(1), "nmi", false, "Expired card").unwrap();
        assert_eq!(won.id, ladder[top].id);
    }
}

#[test]
fn m27_no_map_changes_the_class_of_a_reason_on_the_list_and_the_result_says_why() {
    let maps = [DeclineMap { text: Some("Please use another card".into()), ..map("stolen", Class::Soft) }];
    let result = mapped("252", "Stolen card", false, &maps);
    assert_eq!(result.class, Class::Hard);
    assert_eq!(result.ignored, Some(MapIgnored::NotOverridable(Reason::LostOrStolenCard)));
    assert_eq!(result.text.as_deref(), Some("Please use another card"), "its text still counts");
    assert_eq!(result.map, Some(id(1)));
    assert_eq!(
        result.ignored.unwrap().to_string(),
        "no decline map may change the class of lost_or_stolen_card"
    );
    let agreeing = mapped("252", "Stolen card", false, &[map("stolen", Class::Hard)]);
    assert_eq!((agreeing.class, agreeing.ignored), (Class::Hard, None), "nothing was ignored");
}

#[test]
fn m27_saving_a_map_without_effect_warns() {
    let warning = |fragment, class| map(fragment, class).warning();
    assert_eq!(
        warning("Stolen card", Class::Soft),
        Some(MapIgnored::NotOverridable(Reason::LostOrStolenCard))
    );
    assert_eq!(map("Stolen card", Class::Soft).check(), Ok(()), "it saves all the same");
    assert_eq!(warning("Stolen card", Class::Hard), None);
    assert_eq!(warning("Expired card", Class::Soft), None);
    assert_eq!(warning("xyz", Class::Soft), None);
}

#[test]
fn m27_the_list_holds_whichever_way_a_map_points() {
    let listed: Vec<Reason> = Reason::ALL.into_iter().filter(|reason| !reason.may_be_overridden()).collect();
    assert_eq!(listed.len(), 12);
    for name in [
        "confirmed_fraud",
        "lost_or_stolen_card",
        "pickup_card",
        "closed_account",
        "stop_payment",
        "revoked_authorization",
        "do_not_retry",
        "compliance_block",
        "customer_cancelled",
        "rate_limited",
        "in_doubt",
        "duplicate_transaction",
    ] {
        assert!(listed.contains(&Reason::parse(name).unwrap()), "{name}");
    }
    for class in [Class::Soft, Class::Hard] {
        let result = mapped("301", "Rate limit exceeded", false, &[map("rate", class)]);
        assert_eq!(result.class, Class::Soft);
    }
}

#[test]
fn m27_what_is_not_a_decline_is_never_salvaged() {
    for reason in [Reason::InDoubt, Reason::DuplicateTransaction, Reason::RateLimited] {
        assert!(!reason.is_decline());
        for class in [Class::Soft, Class::Hard] {
            let route = salvage_route(reason, class);
            assert_eq!(route, SalvageRoute::None { why: NoSalvage::NotADecline });
        }
    }
    assert_eq!(Reason::ALL.iter().filter(|reason| reason.is_decline()).count(), 37);
}

#[test]
fn m27_never_reasons_mapped_to_soft_go_to_a_salvage_gateway_only() {
    let only: Vec<Reason> = Reason::ALL
        .into_iter()
        .filter(|reason| salvage_route(*reason, Class::Soft) == SalvageRoute::SalvageGatewayOnly)
        .collect();
    assert_eq!(only, [Reason::InvalidCardNumber, Reason::TransactionNotPermitted]);
    for reason in Reason::ALL.into_iter().filter(|reason| reason.is_never()) {
        assert_ne!(salvage_route(reason, Class::Soft), SalvageRoute::Any, "{reason:?}");
    }
}

#[test]
fn m27_the_class_alone_decides_and_the_salvage_columns_only_advise() {
    for reason in Reason::ALL.into_iter().filter(|reason| reason.is_decline()) {
        assert_eq!(salvage_route(reason, Class::Hard), SalvageRoute::None { why: NoSalvage::Hard });
    }
    // Its salvage columns say no.
    assert_eq!(salvage_route(Reason::AccountInactive, Class::Soft), SalvageRoute::Any);
    let refused = salvage_route(Reason::ClosedAccount, Class::Soft);
    assert_eq!(refused, SalvageRoute::None { why: NoSalvage::NotOverridable });
}

#[test]
fn a_map_is_checked_whole_and_every_problem_is_told() {
    let bad = DeclineMap {
        scope: MapScope::Kind(" ".into()),
        text: Some("é".repeat(TEXT_CHARS_MAX + 1)),
        ..map("  ", Class::Soft)
    };
    assert_eq!(bad.check(), Err(vec![MapProblem::Kind, MapProblem::EmptyFragment, MapProblem::LongText]));
    let longest = DeclineMap {
        scope: MapScope::Kind("k".repeat(KIND_CHARS_MAX)),
        text: Some("é".repeat(TEXT_CHARS_MAX)),
        ..map(&"é".repeat(FRAGMENT_CHARS_MAX), Class::Soft)
    };
    assert_eq!(longest.check(), Ok(()));
    let long = map(&"x".repeat(FRAGMENT_CHARS_MAX + 1), Class::Soft);
    assert_eq!(long.check(), Err(vec![MapProblem::LongFragment]));
    let blank = DeclineMap { text: Some(" ".into()), ..map("x", Class::Soft) };
    assert_eq!(blank.check(), Err(vec![MapProblem::EmptyText]));
}

prop_compose! {
    fn any_map()(
        number in 0..1_000_u128,
        scope in 0..4_u8,
        orders in prop::sample::select(vec![MapOrders::All, MapOrders::NewSales, MapOrders::Recurring]),
        fragment in prop::sample::select(vec!["card", "CARD", "expired", "expired card", "lost", ""]),
        soft: bool,
        second in 0..3_i64,
    ) -> DeclineMap {
        DeclineMap {
            id: id(number),
            scope: match scope {
                0 => MapScope::Kind("nmi".into()),
                1 => MapScope::Kind("stripe".into()),
                two_or_three => MapScope::Gateway(gateway(u128::from(two_or_three) - 1)),
            },
            orders,
            fragment: fragment.into(),
            class: if soft { Class::Soft } else { Class::Hard },
            text: None,
            created_at: Timestamp::from_second(second).unwrap(),
        }
    }
}

proptest! {
    #[test]
    fn the_order_of_maps_does_not_matter(
        (maps, shuffled) in prop::collection::vec(any_map(), 0..12).prop_map(|mut maps| {
            maps.sort_by_key(|map| map.id);
            maps.dedup_by_key(|map| map.id);
            maps
        }).prop_flat_map(|maps| (Just(maps.clone()), Just(maps).prop_shuffle())),
        recurring: bool,
    ) {
        let decide = |maps| decide_map(maps, gateway(1), "nmi", recurring, "Expired Card 1");
        prop_assert_eq!(decide(&maps[..]), decide(&shuffled[..]));
    }

    #[test]
    fn m27_no_maps_make_a_listed_reason_change_class(
        maps in prop::collection::vec(any_map(), 0..6),
        recurring: bool,
    ) {
        let result = mapped("252", "Lost or stolen card", recurring, &maps);
        prop_assert_eq!(result.class, Class::Hard);
    }
}
