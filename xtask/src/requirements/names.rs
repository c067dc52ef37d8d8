//! What a test's name says: the rules it proves, and the database it ran on.

use std::fmt;

/// A rule with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// A requirement, `R1` to `R159`.
    Requirement(u16),
    /// A money rule, `M1` to `M36`.
    Money(u16),
}

/// How many requirements there are.
pub(super) const REQUIREMENTS: u16 = 159;
/// How many money rules there are.
pub(super) const MONEY_RULES: u16 = 36;

impl Rule {
    /// All rules in order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (1..=REQUIREMENTS).map(Self::Requirement).chain((1..=MONEY_RULES).map(Self::Money))
    }

    fn named(word: &str) -> Option<Self> {
        let (kind, number) = word.split_at_checked(1)?;
        if !number.chars().all(|it| it.is_ascii_digit()) || number.starts_with('0') {
            return None;
        }
        match (kind, number.parse().ok()?) {
            ("r", number) if number <= REQUIREMENTS => Some(Self::Requirement(number)),
            ("m", number) if number <= MONEY_RULES => Some(Self::Money(number)),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requirement(number) => write!(f, "R{number}"),
            Self::Money(number) => write!(f, "M{number}"),
        }
    }
}

/// Which of the two databases a case of a test ran on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// What a name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    /// Binary, modules and function: the same for all cases of one test.
    pub(super) function: &'a str,
    /// The rules that the function's name begins with.
    pub(super) rules: Vec<Rule>,
    /// The database, when the case names one.
    pub(super) database: Option<Database>,
}

impl<'a> Claim<'a> {
    /// Reads a name; nothing when its function proves no rule. Only the last segment is the function, or the one
    /// before the segments `case_…` that rstest adds.
    pub(super) fn of(name: &'a str) -> Option<Self> {
        let cases_at = name.find("::case_").unwrap_or(name.len());
        let (function, cases) = name.split_at_checked(cases_at)?;
        let last = function.rsplit([':', ' ']).next()?;
        let rules: Vec<_> = last.split('_').map_while(Rule::named).collect();
        (!rules.is_empty()).then(|| Self { function, rules, database: database(cases) })
    }
}

fn database(cases: &str) -> Option<Database> {
    let mut words = cases.split(['_', ':']);
    words.find_map(|word| match word {
        "sqlite" => Some(Database::Sqlite),
        "postgres" => Some(Database::Postgres),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str) -> String {
        let rules = Claim::of(name).map(|it| it.rules).unwrap_or_default();
        rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_name_begins_with_the_rules_it_proves() {
        assert_eq!(rules("recoup-hub orders::tests::r62_a_fact"), "R62");
        assert_eq!(rules("recoup-hub r62_r63_m2_a_fact::case_1_sqlite"), "R62 R63 M2");
        assert_eq!(rules("recoup-hub::black_box m36_a_fact"), "M36");
    }

    #[test]
    fn other_names_prove_nothing() {
        let others = [
            "x a_fact",
            "x r62::a_fact",
            "x a_r62_fact",
            "x r160_a",
            "x m37_a",
            "x r0_a",
            "x r07_a",
            "x rerun_a",
            "x r_a",
        ];
        for name in others {
            assert_eq!(rules(name), "", "{name}");
        }
    }

    #[test]
    fn a_case_names_its_database_and_belongs_to_its_function() {
        let claim = Claim::of("recoup-hub a::r1_fact::case_2_postgres").unwrap();
        assert_eq!((claim.function, claim.database), ("recoup-hub a::r1_fact", Some(Database::Postgres)));
        assert_eq!(Claim::of("x r1_fact::case_1_sqlite::kind_2").unwrap().database, Some(Database::Sqlite));
        assert_eq!(Claim::of("x r1_postgres_only").unwrap().database, None);
        assert_eq!(Claim::of("x r1_fact::case_1_visa").unwrap().database, None);
    }

    #[test]
    fn there_are_as_many_rules_as_the_specification_numbers() {
        assert_eq!(Rule::all().count(), 195);
    }
}
