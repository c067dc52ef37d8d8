//! What a gateway charged against what we recorded.

use std::collections::BTreeMap;

/// A movement: a reference, and minor units (negative when given back).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// Our reference of the attempt, as the gateway has it.
    pub reference: String,
    /// Net minor units.
    pub minor: i64,
}

/// A reference on which the two sides differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Our reference of the attempt.
    pub reference: String,
    /// Net minor units at the gateway.
    pub theirs: i64,
    /// Net minor units with us.
    pub ours: i64,
}

/// Every reference whose net differs; references with a net of nothing on both sides agree.
pub fn reconcile(theirs: &[LedgerLine], ours: &[LedgerLine]) -> Vec<Mismatch> {
    let mut net: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for line in theirs {
        let sum = &mut net.entry(&line.reference).or_default().0;
        *sum = sum.saturating_add(line.minor);
    }
    for line in ours {
        let sum = &mut net.entry(&line.reference).or_default().1;
        *sum = sum.saturating_add(line.minor);
    }
    net.into_iter()
        .filter(|(_, (theirs, ours))| theirs != ours)
        .map(|(reference, (theirs, ours))| Mismatch { reference: reference.to_owned(), theirs, ours })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reference: &str, minor: i64) -> LedgerLine {
        LedgerLine { reference: reference.to_owned(), minor }
    }

    #[test]
    fn sums_are_compared_per_reference() {
        let theirs = [line("a", 100), line("b", 50), line("b", -50), line("c", 7)];
        let ours = [line("a", 100), line("c", 9)];
        let expected = Mismatch { reference: "c".into(), theirs: 7, ours: 9 };
        assert_eq!(reconcile(&theirs, &ours), [expected]);
    }
}
