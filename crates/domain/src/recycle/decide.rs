//! What follows a declined rebill (R83–R97, M27).

use super::RecycleProfile;
use crate::declines::{Class, NoSalvage, Reason, SalvageRoute, salvage_route};
use crate::ids::GatewayId;

/// A declined rebill, as far as the decision needs it.
#[derive(Debug, Clone, Copy)]
pub struct RecycleCase<'a> {
    /// The recycle profile that serves the subscription's gateway.
    pub profile: Option<&'a RecycleProfile>,
    /// The campaign's declined rebills are not tried again.
    pub campaign_disables: bool,
    /// Why it was declined.
    pub reason: Reason,
    /// Its class after maps.
    pub class: Class,
    /// The slot that was declined; 0: the rebill itself.
    pub slot: i64,
    /// The declined attempt was in the hands of a salvage gateway (R95).
    pub was_salvage: bool,
    /// The gateway that the subscription rests on.
    pub own_gateway: GatewayId,
    /// Its number, for people.
    pub own_gateway_number: i64,
    /// Why no ordinary gateway may be asked about this card again (a never-lock); none: it may.
    pub ordinary_bar: Option<&'a str>,
    /// The merchant's enabled salvage gateways.
    pub salvage_gateways: &'a [GatewayId],
}

/// What follows a declined rebill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterDecline {
    /// Tried again.
    Retry {
        /// The slot, 1 to 9 or [`crate::attempt::FINAL_SLOT`].
        slot: i64,
        /// Local days after the declined attempt, at least 1.
        days: i64,
        /// The gateway of that slot.
        gateway_id: GatewayId,
        /// Why then and there: one sentence.
        why: String,
    },
    /// Not tried any more; the sentence says why.
    Fail(String),
}

/// Where a slot may be, given what the decline said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doors {
    /// Any gateway.
    Any,
    /// Salvage gateways only: the merchant's own acquirers may not ask again.
    SalvageOnly,
    /// The subscription's own gateway only: it asked for patience, and nothing was declined.
    OwnOnly,
}

/// Decides what follows a declined rebill.
pub fn decide_recycle(case: &RecycleCase<'_>) -> AfterDecline {
    match find_slot(case) {
        Ok(retry) => retry,
        Err(why) => AfterDecline::Fail(why),
    }
}

fn find_slot(case: &RecycleCase<'_>) -> Result<AfterDecline, String> {
    let reason = case.reason.as_str();
    if case.was_salvage {
        return Err(format!("The salvage gateway could not recover it ({reason})."));
    }
    let doors = doors(case)?;
    if case.campaign_disables {
        return Err("The campaign does not try declined rebills again.".to_owned());
    }
    let profile = case.profile.ok_or_else(|| {
        format!("No recycle profile serves gateway {}, so nothing is tried again.", case.own_gateway_number)
    })?;
    let mut slot = case.slot;
    let mut passed_over = 0_i64;
    while let Some(number) = profile.next_slot(slot) {
        let gateway_id = profile.gateway_of(number, case.own_gateway);
        let is_salvage = case.salvage_gateways.contains(&gateway_id);
        let open = match doors {
            Doors::Any => true,
            Doors::SalvageOnly => is_salvage,
            Doors::OwnOnly => gateway_id == case.own_gateway && !is_salvage,
        };
        if open {
            let days = profile.days_to(number).unwrap_or(1);
            let title = &profile.title;
            let over = if passed_over == 0 { String::new() } else { format!(" after {passed_over} barred") };
            let why = format!(
                "Declined softly ({reason}): recycle profile {title}, slot {number}{over}, {days} day(s) later."
            );
            return Ok(AfterDecline::Retry { slot: number, days, gateway_id, why });
        }
        passed_over = passed_over.saturating_add(1);
        slot = number;
    }
    Err(match (passed_over, doors) {
        (0, Doors::Any | Doors::SalvageOnly | Doors::OwnOnly) | (_, Doors::Any) => {
            format!("All re-attempts are used up ({reason}).")
        }
        (_, Doors::SalvageOnly) => format!(
            "{}, and no later slot has a salvage gateway.",
            case.ordinary_bar.map_or_else(
                || format!("This card may only go to a salvage gateway ({reason})"),
                |words| format!("This card may not be asked again at an ordinary gateway: {words}")
            )
        ),
        (_, Doors::OwnOnly) => {
            format!("Only its own gateway may be asked again ({reason}), and no later slot has it.")
        }
    })
}

fn doors(case: &RecycleCase<'_>) -> Result<Doors, String> {
    let reason = case.reason.as_str();
    match salvage_route(case.reason, case.class) {
        SalvageRoute::Any if case.ordinary_bar.is_some() => Ok(Doors::SalvageOnly),
        SalvageRoute::Any => Ok(Doors::Any),
        SalvageRoute::SalvageGatewayOnly => Ok(Doors::SalvageOnly),
        SalvageRoute::None { why: NoSalvage::Hard } => Err(format!("Hard decline ({reason}).")),
        SalvageRoute::None { why: NoSalvage::NotOverridable } => {
            Err(format!("Hard decline ({reason}): no decline map may change the class of this reason."))
        }
        // Nobody refused the card: the same gateway may be asked later, another door never (M27).
        SalvageRoute::None { why: NoSalvage::NotADecline } if case.reason == Reason::InDoubt => {
            Err("The outcome was never cleared up, so nothing is tried again.".to_owned())
        }
        SalvageRoute::None { why: NoSalvage::NotADecline } => match case.ordinary_bar {
            Some(words) => Err(format!("This card may not be asked again at an ordinary gateway: {words}.")),
            None => Ok(Doors::OwnOnly),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{gateway, profile};
    use super::*;

    const SALVAGE: u128 = 90;

    fn with_salvage_in_7_to_9() -> RecycleProfile {
        RecycleProfile {
            gateway_7_to_9: Some(gateway(SALVAGE)),
            gateway_final: Some(gateway(2)),
            ..profile()
        }
    }

    fn case<'a>(profile: Option<&'a RecycleProfile>, salvages: &'a [GatewayId]) -> RecycleCase<'a> {
        RecycleCase {
            profile,
            campaign_disables: false,
            reason: Reason::InsufficientFunds,
            class: Class::Soft,
            slot: 0,
            was_salvage: false,
            own_gateway: gateway(1),
            own_gateway_number: 1,
            ordinary_bar: None,
            salvage_gateways: salvages,
        }
    }

    fn retried(case: &RecycleCase<'_>) -> (i64, u128) {
        match decide_recycle(case) {
            AfterDecline::Retry { slot, gateway_id, .. } => (slot, gateway_id.uuid().as_u128()),
            AfterDecline::Fail(why) => panic!("{why}"),
        }
    }

    fn failed(case: &RecycleCase<'_>) -> String {
        match decide_recycle(case) {
            AfterDecline::Fail(why) => why,
            AfterDecline::Retry { slot, .. } => panic!("slot {slot}"),
        }
    }

    #[test]
    fn a_soft_decline_goes_on_to_the_next_slot_and_its_gateway() {
        let (profile, salvages) = (with_salvage_in_7_to_9(), [gateway(SALVAGE)]);
        let case = case(Some(&profile), &salvages);
        let walked: Vec<(i64, u128)> = (0..10).map(|slot| retried(&RecycleCase { slot, ..case })).collect();
        let gateways = [1, 1, 1, 1, 1, 1, SALVAGE, SALVAGE, SALVAGE, 2];
        assert_eq!(walked, (1..=10).zip(gateways).collect::<Vec<_>>());
        assert_eq!(
            failed(&RecycleCase { slot: 10, ..case }),
            "All re-attempts are used up (insufficient_funds)."
        );
    }

    #[test]
    fn r95_after_a_salvage_failed_no_later_slot_is_tried() {
        let (profile, salvages) = (with_salvage_in_7_to_9(), [gateway(SALVAGE)]);
        let case = RecycleCase { slot: 7, was_salvage: true, ..case(Some(&profile), &salvages) };
        assert!(failed(&case).starts_with("The salvage gateway could not recover it"));
    }

    #[test]
    fn r96_a_hard_decline_is_not_recycled_unless_it_is_mapped_to_soft() {
        let profile = profile();
        let hard =
            RecycleCase { reason: Reason::ExpiredCard, class: Class::Hard, ..case(Some(&profile), &[]) };
        assert_eq!(failed(&hard), "Hard decline (expired_card).");
        assert_eq!(retried(&RecycleCase { class: Class::Soft, ..hard }), (1, 1));
        let mapped_to_hard = RecycleCase { class: Class::Hard, ..case(Some(&profile), &[]) };
        assert_eq!(failed(&mapped_to_hard), "Hard decline (insufficient_funds).");
    }

    #[test]
    fn r97_without_a_profile_or_in_a_campaign_that_disables_it_nothing_is_recycled() {
        let profile = profile();
        assert_eq!(
            failed(&case(None, &[])),
            "No recycle profile serves gateway 1, so nothing is tried again."
        );
        let disabled = RecycleCase { campaign_disables: true, ..case(Some(&profile), &[]) };
        assert_eq!(failed(&disabled), "The campaign does not try declined rebills again.");
    }

    #[test]
    fn m27_a_never_reason_mapped_to_soft_goes_to_a_salvage_slot_only() {
        let (profile, salvages) = (with_salvage_in_7_to_9(), [gateway(SALVAGE)]);
        let never = RecycleCase { reason: Reason::InvalidCardNumber, ..case(Some(&profile), &salvages) };
        assert_eq!(retried(&never), (7, SALVAGE));
        let AfterDecline::Retry { why, days, .. } = decide_recycle(&never) else { panic!() };
        assert!(why.contains("after 6 barred") && days == 5, "{why}");
        assert!(failed(&RecycleCase { slot: 9, ..never }).contains("no later slot has a salvage gateway"));
        assert!(
            failed(&RecycleCase { salvage_gateways: &[], ..never }).contains("no later slot has a salvage")
        );
        assert!(failed(&RecycleCase { slot: 10, ..never }).starts_with("All re-attempts are used up"));
    }

    #[test]
    fn m27_a_map_does_not_recycle_a_reason_that_no_map_may_change() {
        let (profile, salvages) = (with_salvage_in_7_to_9(), [gateway(SALVAGE)]);
        for reason in Reason::OVERRIDE_NEVER.into_iter().filter(|reason| reason.is_decline()) {
            let case = RecycleCase { reason, ..case(Some(&profile), &salvages) };
            assert!(failed(&case).starts_with("Hard decline"), "{reason:?}");
        }
    }

    #[test]
    fn m27_what_is_not_a_decline_is_asked_again_at_its_own_gateway_only() {
        let (profile, salvages) = (with_salvage_in_7_to_9(), [gateway(SALVAGE)]);
        let limited = RecycleCase { reason: Reason::RateLimited, ..case(Some(&profile), &salvages) };
        assert_eq!(retried(&limited), (1, 1));
        assert!(failed(&RecycleCase { slot: 6, ..limited }).starts_with("Only its own gateway"));
        assert!(failed(&RecycleCase { reason: Reason::InDoubt, ..limited }).contains("never cleared up"));
    }

    #[test]
    fn m28_a_locked_card_passes_over_the_slots_of_ordinary_gateways() {
        let (profile, salvages) = (with_salvage_in_7_to_9(), [gateway(SALVAGE)]);
        let locked = RecycleCase { ordinary_bar: Some("closed account"), ..case(Some(&profile), &salvages) };
        assert_eq!(retried(&locked), (7, SALVAGE));
        assert!(failed(&RecycleCase { slot: 9, ..locked }).contains("closed account"));
    }
}
