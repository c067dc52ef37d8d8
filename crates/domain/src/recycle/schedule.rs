//! Which slot comes next, how long after the attempt before it, and on which gateway (R82, R83, Q20).

use super::{RecycleProfile, Slot};
use crate::attempt::FINAL_SLOT;
use crate::ids::GatewayId;

impl RecycleProfile {
    /// The slot with this number: 1 to 9, and [`FINAL_SLOT`].
    pub fn slot(&self, number: i64) -> Option<&Slot> {
        if number == FINAL_SLOT {
            return self.final_slot.as_ref();
        }
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.slots.get(index).filter(|_| number < FINAL_SLOT)
    }

    /// The slot after this one (0: the rebill itself) that is not skipped; none: all are used up.
    pub fn next_slot(&self, after: i64) -> Option<i64> {
        let first = after.saturating_add(1).max(1);
        (first..=FINAL_SLOT).find(|number| self.slot(*number).is_some_and(|slot| !slot.skip))
    }

    /// Days from the attempt before it to this slot, at least 1; none: there is no such slot, or it is skipped. Days of
    /// skipped slots do not count.
    pub fn days_to(&self, slot: i64) -> Option<i64> {
        self.slot(slot).filter(|slot| !slot.skip).map(|slot| slot.days.max(1))
    }

    /// The gateway of a slot: 1 to 3 run on the subscription's own, the later groups on theirs if they have one.
    pub fn gateway_of(&self, slot: i64, own: GatewayId) -> GatewayId {
        let chosen = match slot {
            4..=6 => self.gateway_4_to_6,
            7..=9 => self.gateway_7_to_9,
            FINAL_SLOT => self.gateway_final,
            _ => None,
        };
        chosen.unwrap_or(own)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ids::RecycleProfileId;
    use crate::recycle::Reduction;
    use uuid::Uuid;

    pub(in crate::recycle) fn gateway(number: u128) -> GatewayId {
        GatewayId::from_uuid(Uuid::from_u128(number))
    }

    pub(in crate::recycle) fn slot(days: i64, reduction: i64) -> Slot {
        Slot { days, reduction, skip: false }
    }

    /// Serves gateway 1 in nine slots and a final one, each five days after the other, ten percent less each.
    pub(in crate::recycle) fn profile() -> RecycleProfile {
        RecycleProfile {
            id: RecycleProfileId::from_uuid(Uuid::nil()),
            number: 1,
            title: "Rebills".into(),
            reduction: Reduction::Percent,
            minimum_price: None,
            bill_on_saturday: false,
            hold_recycle_price: false,
            gateways: vec![gateway(1)],
            slots: vec![slot(5, 10); 9],
            final_slot: Some(slot(5, 0)),
            gateway_4_to_6: None,
            gateway_7_to_9: None,
            gateway_final: None,
        }
    }

    #[test]
    fn slots_follow_each_other_and_the_final_one_ends_them() {
        let profile = profile();
        let walked: Vec<i64> = std::iter::successors(Some(0), |slot| profile.next_slot(*slot)).collect();
        assert_eq!(walked, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!((profile.slot(0), profile.slot(11), profile.slot(-3)), (None, None, None));
    }

    #[test]
    fn skipped_and_missing_slots_are_passed_over() {
        let mut profile = profile();
        profile.slots.truncate(3);
        profile.slots[1].skip = true;
        let walked: Vec<i64> = std::iter::successors(Some(0), |slot| profile.next_slot(*slot)).collect();
        assert_eq!(walked, [0, 1, 3, 10]);
        assert_eq!([1, 2, 4].map(|slot| profile.days_to(slot)), [Some(5), None, None]);
        profile.final_slot = None;
        assert_eq!(profile.next_slot(3), None);
    }

    #[test]
    fn a_tenth_row_never_stands_in_for_the_final_attempt() {
        let mut profile = profile();
        profile.slots.extend([slot(1, 0), slot(1, 0)]);
        profile.final_slot = None;
        assert_eq!((profile.next_slot(9), profile.slot(10), profile.slot(11)), (None, None, None));
    }

    #[test]
    fn a_slot_is_at_least_a_day_after_the_attempt_before_it() {
        let profile = RecycleProfile { slots: vec![slot(0, 0), slot(-2, 0), slot(1, 0)], ..profile() };
        assert_eq!([1, 2, 3].map(|slot| profile.days_to(slot)), [Some(1); 3]);
    }

    #[test]
    fn r33_r34_r35_r82_r83_each_later_group_has_its_gateway_and_the_first_three_slots_never() {
        let mut profile = profile();
        profile.gateway_4_to_6 = Some(gateway(4));
        profile.gateway_7_to_9 = Some(gateway(7));
        profile.gateway_final = Some(gateway(10));
        let of = |slot| profile.gateway_of(slot, gateway(1)).uuid().as_u128();
        assert_eq!((1..=10).map(of).collect::<Vec<_>>(), [1, 1, 1, 4, 4, 4, 7, 7, 7, 10]);
        profile.gateway_7_to_9 = None;
        assert_eq!(profile.gateway_of(8, gateway(1)), gateway(1));
    }
}
