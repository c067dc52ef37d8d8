//! The code table, generated from `data/decline-codes.csv`, and its look-up.

use super::{
    reason::Reason,
    words::{Class, RetryClass},
};

/// One code of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeFacts {
    /// Who speaks the code, e.g. `"nmi"`, `"visa"`; one of [`SOURCES`].
    pub source: &'static str,
    /// The code as received. Leading zeros matter.
    pub code: &'static str,
    /// What the source says it means, shortened.
    pub message: &'static str,
    /// Our reason; `None`: not a decline (approved, partly approved, held for review, or only information).
    pub reason: Option<Reason>,
    /// The reason's class; `None` when it is not a decline.
    pub class: Option<Class>,
    /// What a scheduler does; may be stricter than the reason's own.
    pub retry_class: RetryClass,
    /// Visa category, 1 to 4: the rule book's for `visa`, implied by the reason for gateways.
    pub visa_category: Option<u8>,
    /// Remarks separated by `"; "`; tokens with `=` are for machines.
    pub notes: &'static str,
}

impl CodeFacts {
    /// Does the source itself call this refusal final?
    pub fn source_says_hard(&self) -> bool {
        self.notes.split("; ").any(|note| note == "source_verdict=hard")
    }
}

include!(concat!(env!("OUT_DIR"), "/decline_codes.rs"));

/// The row of `source` and `code`, both exact; a numeric code inside a range row finds that row. `None`: not in the table.
pub fn lookup(source: &str, code: &str) -> Option<&'static CodeFacts> {
    exact(source, code).or_else(|| {
        let number = number(code)?;
        let (_, _, _, row) =
            RANGES.iter().find(|(of, low, high, _)| *of == source && (*low..=*high).contains(&number))?;
        exact(source, row)
    })
}

fn exact(source: &str, code: &str) -> Option<&'static CodeFacts> {
    let at = CODES.binary_search_by(|row| (row.source, row.code).cmp(&(source, code))).ok()?;
    CODES.get(at)
}

/// The code as a number, if it is written as one: `+2110` and `02110` are other codes.
fn number(code: &str) -> Option<u32> {
    let plain = code.bytes().all(|b| b.is_ascii_digit()) && !code.starts_with('0');
    if plain { code.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_strictly_sorted_so_that_binary_search_finds_every_row() {
        assert!(CODES.is_sorted_by(|a, b| (a.source, a.code) < (b.source, b.code)));
        for row in &CODES {
            assert_eq!(lookup(row.source, row.code), Some(row));
        }
    }

    #[test]
    fn a_code_inside_braintrees_reserved_range_finds_the_range_row() {
        for code in ["2109", "2500", "2999"] {
            let row = lookup("braintree", code).unwrap();
            assert_eq!((row.code, row.reason), ("2109-2999", Some(Reason::GenericDecline)));
        }
        for (source, code) in
            [("braintree", "3001"), ("braintree", "02110"), ("braintree", "+2110"), ("nmi", "2110")]
        {
            assert_eq!(lookup(source, code), None, "{source} {code}");
        }
    }
}
