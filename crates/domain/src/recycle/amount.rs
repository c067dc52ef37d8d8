//! What a re-attempt asks for (R89, crm.md section 8).

use super::{RecycleProfile, Reduction};
use crate::money::Money;

impl RecycleProfile {
    /// What this slot asks for of a bill of `original`: less by the reductions of the slots up to it, skipped ones apart;
    /// not below the minimum price, which never raises a bill above the original.
    ///
    /// Parts of a minor unit are dropped from what is asked, in the customer's favour. A slot that was passed over
    /// because of its gateway still reduces: the price of a slot does not depend on how it was reached. A minimum price
    /// in another currency does not count.
    pub fn amount_of(&self, slot: i64, original: Money) -> Money {
        let full = i128::from(original.minor().max(0));
        let off = i128::from(self.reduced_by(slot));
        let reduced = match self.reduction {
            Reduction::Flat => full.saturating_sub(off),
            // Dividing drops the fraction: 8.99 less 10 percent is 8.09, not 8.10.
            Reduction::Percent => {
                full.saturating_mul(i128::from(100_i8).saturating_sub(off)).checked_div(100).unwrap_or(full)
            }
        };
        let minimum = self.minimum_price.filter(|least| least.currency() == original.currency());
        let floor = minimum.map_or(0, |least| i128::from(least.minor()).clamp(0, full));
        let minor = i64::try_from(reduced.clamp(floor, full)).unwrap_or(original.minor());
        Money::new(minor, original.currency())
    }

    /// Reductions up to a slot, in what the profile counts them in.
    fn reduced_by(&self, slot: i64) -> i64 {
        (1..=slot.min(crate::attempt::FINAL_SLOT))
            .filter_map(|number| self.slot(number))
            .filter(|one| !one.skip)
            .fold(0, |sum: i64, one| sum.saturating_add(one.reduction.max(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{profile, slot};
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn r89_percentages_are_of_the_original_add_up_and_drop_fractions_in_the_customers_favour() {
        let profile = profile();
        let asked = |slot| profile.amount_of(slot, usd(899)).minor();
        assert_eq!([0, 1, 2, 9].map(asked), [899, 809, 719, 89]);
        assert_eq!(asked(10), 89, "the final attempt reduces by nothing more");
    }

    #[test]
    fn r89_flat_reductions_add_up_and_end_at_the_minimum_price() {
        let mut profile = profile();
        profile.reduction = Reduction::Flat;
        profile.slots = vec![slot(1, 200), slot(1, 300), slot(1, 900)];
        profile.minimum_price = Some(usd(600));
        assert_eq!(
            [1, 2, 3, 10].map(|slot| profile.amount_of(slot, usd(1_000)).minor()),
            [800, 600, 600, 600]
        );
        profile.minimum_price = None;
        assert_eq!(profile.amount_of(3, usd(1_000)), usd(0), "never below nothing");
    }

    #[test]
    fn skipped_slots_do_not_reduce() {
        let mut profile = profile();
        profile.slots[0].skip = true;
        assert_eq!(profile.amount_of(2, usd(1_000)), usd(900));
    }

    #[test]
    fn a_minimum_price_above_the_bill_leaves_the_bill_alone_and_one_in_other_money_is_ignored() {
        let mut profile = profile();
        profile.minimum_price = Some(usd(5_000));
        assert_eq!(profile.amount_of(3, usd(1_000)), usd(1_000));
        profile.minimum_price = Money::parse("5000", "JPY").ok();
        assert_eq!(profile.amount_of(3, usd(1_000)), usd(700));
    }

    fn any_slot() -> impl Strategy<Value = crate::recycle::Slot> {
        (1..40_i64, -5..5_000_i64, any::<bool>()).prop_map(|(days, reduction, skip)| crate::recycle::Slot {
            days,
            reduction,
            skip,
        })
    }

    proptest! {
        #[test]
        fn r89_amounts_only_fall_and_stay_between_the_floor_and_the_original(
            slots in prop::collection::vec(any_slot(), 0..=9),
            last in prop::option::of(any_slot()),
            flat: bool,
            minimum in prop::option::of(-10..200_000_i64),
            original in 0..=i64::MAX,
        ) {
            let reduction = if flat { Reduction::Flat } else { Reduction::Percent };
            let minimum_price = minimum.map(usd);
            let profile = RecycleProfile { slots, final_slot: last, reduction, minimum_price, ..profile() };
            let amounts: Vec<i64> = (0..=10).map(|slot| profile.amount_of(slot, usd(original)).minor()).collect();
            prop_assert_eq!(amounts[0], original);
            prop_assert!(amounts.windows(2).all(|pair| pair[1] <= pair[0]), "{:?}", amounts);
            let floor = minimum.unwrap_or(0).clamp(0, original);
            prop_assert!(amounts.iter().all(|minor| (floor..=original).contains(minor)), "{:?}", amounts);
        }
    }
}
