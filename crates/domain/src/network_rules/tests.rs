//! Each number of the networks, at its edge.

use super::*;
use rstest::rstest;

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn clean(brand: Brand) -> CardHistory {
    CardHistory { last_was_this_payment: true, ..CardHistory::new(brand) }
}

fn declined(brand: Brand, reason: Reason, advice: Option<&str>) -> CardHistory {
    CardHistory {
        attempts_in_30d: 1,
        last_declined_at: Some(at(0)),
        last_reason: Some(reason),
        last_advice_code: advice.map(str::to_owned),
        ..clean(brand)
    }
}

fn hold(history: &CardHistory, now: Timestamp) -> Hold {
    decide_hold(history, &NetworkCaps::DEFAULT, now)
}

fn hand_over(history: &CardHistory, now: Timestamp) -> Hold {
    decide_hand_over(history, &NetworkCaps::DEFAULT, now)
}

fn until(hold: &Hold) -> Timestamp {
    match hold {
        Hold::Until(at, _) => *at,
        Hold::Free | Hold::Never(_) => panic!("{hold:?}"),
    }
}

#[rstest]
#[case("02", 72)]
#[case("24", 1)]
#[case("25", 24)]
#[case("26", 48)]
#[case("27", 96)]
#[case("28", 144)]
#[case("29", 192)]
#[case("30", 240)]
fn m28_mastercards_advice_holds_an_attempt_and_not_a_hand_over(#[case] code: &str, #[case] hours: i64) {
    let history = declined(Brand::Mastercard, Reason::InsufficientFunds, Some(code));
    assert_eq!(until(&hold(&history, at(0))), at(hours));
    assert_eq!(hold(&history, at(hours)), Hold::Free);
    assert_eq!(hand_over(&history, at(0)), Hold::Free);
    let visa = CardHistory { brand: Brand::Visa, ..history };
    assert_eq!(hold(&visa, at(0)), Hold::Free, "these codes are Mastercard's");
}

#[test]
fn other_advice_asks_for_no_wait() {
    for code in ["01", "04", "05", "22", "40", "41", "43", "", "99"] {
        let history = declined(Brand::Mastercard, Reason::GenericDecline, Some(code));
        assert_eq!(hold(&history, at(0)), Hold::Free, "{code}");
    }
}

#[rstest]
#[case("03", Reason::DoNotRetry)]
#[case("21", Reason::RevokedAuthorization)]
fn a_stop_by_advice_holds_thirty_days_on_every_network(#[case] code: &str, #[case] reason: Reason) {
    for brand in [Brand::Mastercard, Brand::Visa] {
        let history = declined(brand, reason, Some(code));
        assert!(matches!(hold(&history, at(0)), Hold::Never(_)));
        assert!(matches!(hold(&history, at(30 * 24 - 1)), Hold::Never(_)));
        assert_eq!(hold(&history, at(30 * 24)), Hold::Free);
    }
}

#[test]
fn a_never_reason_holds_without_end_whatever_the_network() {
    for reason in Reason::ALL.into_iter().filter(|reason| reason.is_never() && *reason != Reason::StopPayment)
    {
        for brand in Brand::ALL {
            let forever = hold(&declined(brand, reason, None), at(1_000_000));
            assert!(matches!(forever, Hold::Never(_)), "{reason:?}");
        }
    }
}

#[rstest]
#[case("41", true)]
#[case("57", true)]
#[case("51", false)]
#[case("05", false)]
fn visas_category_1_is_read_from_the_networks_own_code(#[case] code: &str, #[case] never: bool) {
    let history = CardHistory {
        last_network_code: Some(code.to_owned()),
        ..declined(Brand::Visa, Reason::GenericDecline, None)
    };
    assert_eq!(matches!(hold(&history, at(1)), Hold::Never(_)), never);
    let amex = CardHistory { brand: Brand::Amex, ..history };
    assert_eq!(hold(&amex, at(1)), Hold::Free, "categories are Visa's");
}

#[test]
fn m28_a_stopped_payment_bars_that_payment_only() {
    let history = declined(Brand::Visa, Reason::StopPayment, None);
    assert!(matches!(hold(&history, at(1)), Hold::Never(_)));
    let other = CardHistory { last_was_this_payment: false, ..history };
    assert_eq!(hold(&other, at(1)), Hold::Free);
    let by_code = CardHistory {
        last_network_code: Some("R0".to_owned()),
        last_was_this_payment: false,
        ..declined(Brand::Visa, Reason::DoNotRetry, None)
    };
    assert_eq!(hold(&by_code, at(1)), Hold::Free);
}

#[test]
fn m28_the_month_holds_fifteen_attempts_on_every_network_and_for_hand_overs_too() {
    for brand in Brand::ALL {
        let full = CardHistory { attempts_in_30d: 15, oldest_in_30d: Some(at(5)), ..clean(brand) };
        assert_eq!(until(&hold(&full, at(100))), at(5 + 720));
        assert_eq!(until(&hand_over(&full, at(100))), at(5 + 720));
        assert_eq!(hold(&CardHistory { attempts_in_30d: 14, ..full }, at(100)), Hold::Free);
    }
}

#[test]
fn mastercard_takes_three_scheduled_attempts_a_day_and_eight_in_all() {
    let busy = CardHistory {
        attempts_in_24h: 3,
        scheduled_in_24h: 3,
        oldest_in_24h: Some(at(1)),
        ..clean(Brand::Mastercard)
    };
    assert_eq!(until(&hold(&busy, at(2))), at(25));
    assert_eq!(hand_over(&busy, at(2)), Hold::Free, "three scheduled ones do not bar a hand-over");
    assert_eq!(hold(&CardHistory { scheduled_in_24h: 2, ..busy.clone() }, at(2)), Hold::Free);
    let full = CardHistory { attempts_in_24h: 8, scheduled_in_24h: 0, ..busy };
    assert_eq!(until(&hold(&full, at(2))), at(25));
    assert_eq!(until(&hand_over(&full, at(2))), at(25));
    assert_eq!(hold(&CardHistory { attempts_in_24h: 7, ..full.clone() }, at(2)), Hold::Free);
    assert_eq!(hold(&CardHistory { brand: Brand::Visa, ..full.clone() }, at(2)), Hold::Free);
    assert!(matches!(hold(&CardHistory { brand: Brand::Maestro, ..full }, at(2)), Hold::Until(..)));
}

#[test]
fn of_several_waits_the_latest_holds() {
    let history = CardHistory {
        attempts_in_24h: 8,
        oldest_in_24h: Some(at(-1)),
        ..declined(Brand::Mastercard, Reason::InsufficientFunds, Some("25"))
    };
    assert_eq!(until(&hold(&history, at(0))), at(24), "the advice is later than the window");
    let history = CardHistory { attempts_in_30d: 15, oldest_in_30d: Some(at(-600)), ..history };
    assert_eq!(until(&hold(&history, at(0))), at(120), "the month is later than both");
}

#[test]
fn a_full_window_is_never_free_even_at_its_edge() {
    let full = CardHistory { attempts_in_30d: 15, oldest_in_30d: Some(at(0)), ..clean(Brand::Visa) };
    assert!(until(&hold(&full, at(720))) > at(720));
    assert!(until(&hold(&CardHistory { oldest_in_30d: None, ..full }, at(720))) == at(1_440));
}

#[test]
fn m27_m28_a_lock_bars_ordinary_gateways_and_salvage_only_where_no_map_could_lift_its_reason() {
    for reason in Reason::ALL {
        let history = CardHistory { locked: Some(reason.as_str().to_owned()), ..clean(Brand::Visa) };
        assert_eq!(matches!(hold(&history, at(0)), Hold::Never(_)), reason != Reason::StopPayment);
        let barred = reason != Reason::StopPayment && !reason.may_be_overridden();
        assert_eq!(matches!(hand_over(&history, at(0)), Hold::Never(_)), barred, "{reason:?}");
    }
}
