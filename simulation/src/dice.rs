//! Chance that follows from a seed.

use domain::clock::SeededEntropy;

/// A sequence of decisions; the same seed makes the same ones.
#[derive(Debug)]
pub(crate) struct Dice {
    entropy: SeededEntropy,
}

impl Dice {
    /// The decisions of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { entropy: SeededEntropy::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66) }
    }

    /// From 0 to `n - 1`; 0 when `n` is 0.
    pub(crate) fn below(&self, n: u64) -> u64 {
        self.entropy.next_u64().checked_rem(n).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).saturating_add(1).max(1).unsigned_abs();
        low.saturating_add(i64::try_from(self.below(width)).unwrap_or(0))
    }

    /// Whether something happens that happens once in `n` times.
    pub(crate) fn one_in(&self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }

    /// Whether something happens that happens so often in a thousand times.
    pub(crate) fn per_mille(&self, often: u64) -> bool {
        self.below(1_000) < often
    }

    /// A place in a list of this length.
    pub(crate) fn place(&self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(1))).unwrap_or(0)
    }

    /// One of these; none when there are none.
    pub(crate) fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.place(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_decides_alike_and_another_one_does_not() {
        let rolls = |seed| {
            (0..32)
                .map({
                    let dice = Dice::new(seed);
                    move |_| dice.below(1_000)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
    }

    #[test]
    fn decisions_keep_their_bounds() {
        let dice = Dice::new(1);
        for _ in 0..1_000 {
            assert!((-3..=3).contains(&dice.between(-3, 3)));
            assert!(dice.below(5) < 5);
        }
        assert_eq!((dice.below(0), dice.pick::<u8>(&[])), (0, None));
    }
}
