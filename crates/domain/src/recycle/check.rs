//! What must hold of a recycle profile before it is saved, whatever its gateways can do.

use super::{RE_ATTEMPTS_MAX, RecycleProfile, Reduction, Slot};
use crate::money::Money;
use crate::placement::Problem;
use crate::plan::DELAY_DAYS_MAX;

impl RecycleProfile {
    /// Everything wrong with the profile itself; empty when only its gateways are left to look at.
    pub fn check(&self) -> Vec<Problem> {
        let path = format!("recycle_profiles[{}]", self.number);
        let mut problems = Vec::new();
        if self.slots.len() > RE_ATTEMPTS_MAX {
            problems.push(Problem::new(
                format!("{path}.slots"),
                format!("there are at most {RE_ATTEMPTS_MAX} re-attempts before the Final Attempt"),
            ));
        }
        for (at, slot) in self.slots.iter().enumerate() {
            check_slot(slot, &format!("{path}.slots[{at}]"), &mut problems);
        }
        if let Some(slot) = &self.final_slot {
            check_slot(slot, &format!("{path}.final_slot"), &mut problems);
        }
        if self.next_slot(0).is_none() {
            problems.push(Problem::new(
                format!("{path}.slots"),
                "add at least one re-attempt that is not skipped",
            ));
        }
        self.check_prices(&path, &mut problems);
        for (at, gateway) in self.gateways.iter().enumerate() {
            if self.gateways.iter().take(at).any(|one| one == gateway) {
                problems.push(Problem::new(
                    format!("{path}.gateways[{at}]"),
                    "this profile serves that gateway already",
                ));
            }
        }
        problems
    }

    fn check_prices(&self, path: &str, problems: &mut Vec<Problem>) {
        if self.minimum_price.is_some_and(Money::is_negative) {
            problems.push(Problem::new(format!("{path}.minimum_price"), "a price is 0 or more"));
        }
        let attempted = self.slots.iter().chain(&self.final_slot).filter(|slot| !slot.skip);
        let total = attempted.fold(0_i64, |sum, slot| sum.saturating_add(slot.reduction.max(0)));
        if self.reduction == Reduction::Percent && total > 100 {
            problems.push(Problem::new(
                format!("{path}.slots"),
                format!("reductions add up to at most 100 percent; these are {total}"),
            ));
        }
        let free = self.minimum_price.is_none_or(Money::is_zero);
        if self.reduction == Reduction::Percent && total == 100 && free {
            problems.push(Problem::new(
                format!("{path}.minimum_price"),
                "reductions of 100 percent need a minimum price: a bill of nothing cannot be tried again",
            ));
        }
    }
}

fn check_slot(slot: &Slot, path: &str, problems: &mut Vec<Problem>) {
    if !slot.skip && !(1..=DELAY_DAYS_MAX).contains(&slot.days) {
        problems.push(Problem::new(
            format!("{path}.days"),
            format!("a re-attempt is 1 to {DELAY_DAYS_MAX} days after the attempt before it"),
        ));
    }
    if slot.reduction < 0 {
        problems.push(Problem::new(format!("{path}.reduction"), "a reduction is 0 or more"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{gateway, profile, slot};
    use super::*;
    use crate::money::Currency;

    fn fields(profile: &RecycleProfile) -> Vec<String> {
        profile.check().into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_sound_profile_has_no_problem() {
        assert!(fields(&profile()).is_empty());
        let only_final = RecycleProfile { slots: Vec::new(), ..profile() };
        assert!(fields(&only_final).is_empty());
        let skipped = Slot { days: 0, reduction: 0, skip: true };
        assert!(fields(&RecycleProfile { slots: vec![skipped, slot(1, 0)], ..profile() }).is_empty());
    }

    #[test]
    fn each_fault_is_named_at_its_field_and_all_at_once() {
        let broken = RecycleProfile {
            slots: vec![slot(0, -1), slot(1, 60), slot(1, 41)],
            final_slot: Some(slot(DELAY_DAYS_MAX + 1, 0)),
            minimum_price: Some(Money::new(-1, Currency::USD)),
            gateways: vec![gateway(1), gateway(2), gateway(1)],
            ..profile()
        };
        let expected = [
            "slots[0].days",
            "slots[0].reduction",
            "final_slot.days",
            "minimum_price",
            "slots",
            "gateways[2]",
        ];
        assert_eq!(fields(&broken), expected.map(|field| format!("recycle_profiles[1].{field}")));
    }

    #[test]
    fn a_profile_tries_at_least_once_and_at_most_nine_times_and_a_last_time() {
        let never = RecycleProfile { slots: Vec::new(), final_slot: None, ..profile() };
        assert_eq!(fields(&never), ["recycle_profiles[1].slots"]);
        let ten = RecycleProfile { slots: vec![slot(1, 0); 10], ..profile() };
        assert_eq!(fields(&ten), ["recycle_profiles[1].slots"]);
    }

    #[test]
    fn reductions_to_nothing_need_a_minimum_price() {
        let mut free = RecycleProfile { slots: vec![slot(1, 100)], ..profile() };
        assert_eq!(fields(&free), ["recycle_profiles[1].minimum_price"]);
        free.minimum_price = Some(Money::new(1, Currency::USD));
        assert!(fields(&free).is_empty());
    }
}
