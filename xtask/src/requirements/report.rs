//! What the tests come to, rule by rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::names::{Claim, Database, MONEY_RULES, REQUIREMENTS, Rule};
use super::results::TestResult;

/// The cases of one test function.
#[derive(Default)]
struct Function {
    cases: u32,
    passed: u32,
    on_sqlite: bool,
    on_postgres: bool,
}

impl Function {
    fn add(&mut self, database: Option<Database>, passed: bool) {
        self.cases = self.cases.saturating_add(1);
        self.passed = self.passed.saturating_add(u32::from(passed));
        match database {
            Some(Database::Sqlite) => self.on_sqlite = true,
            Some(Database::Postgres) => self.on_postgres = true,
            None => {}
        }
    }

    /// Why this function proves nothing; nothing when it does.
    fn objection(&self) -> Option<&'static str> {
        match (self.on_sqlite, self.on_postgres) {
            _ if self.passed < self.cases => Some("failed or was skipped"),
            (true, false) => Some("did not run on PostgreSQL"),
            (false, true) => Some("did not run on SQLite"),
            (true, true) | (false, false) => None,
        }
    }
}

/// One rule's state.
struct Line<'a> {
    rule: Rule,
    tests: Vec<&'a str>,
    objections: Vec<String>,
}

impl Line<'_> {
    fn state(&self) -> &'static str {
        match (self.tests.is_empty(), self.objections.is_empty()) {
            (true, _) => "missing",
            (false, true) => "covered",
            (false, false) => "failing",
        }
    }
}

/// The state of every rule.
pub(super) struct Report<'a> {
    lines: Vec<Line<'a>>,
}

impl<'a> Report<'a> {
    /// Groups the results by function and the functions by rule.
    pub(super) fn of(results: &'a [TestResult]) -> Self {
        let mut functions: BTreeMap<&str, Function> = BTreeMap::new();
        let mut by_rule: BTreeMap<Rule, BTreeSet<&str>> = BTreeMap::new();
        for result in results {
            let Some(claim) = Claim::of(&result.name) else { continue };
            functions.entry(claim.function).or_default().add(claim.database, result.passed);
            for rule in claim.rules {
                by_rule.entry(rule).or_default().insert(claim.function);
            }
        }
        let line = |rule| {
            let tests: Vec<_> = by_rule.get(&rule).into_iter().flatten().copied().collect();
            let objection = |test: &&str| Some(format!("{test} {}", functions.get(*test)?.objection()?));
            let objections = tests.iter().filter_map(objection).collect();
            Line { rule, tests, objections }
        };
        Self { lines: Rule::all().map(line).collect() }
    }

    /// Whether a rule has tests that do not prove it.
    pub(super) fn has_failing(&self) -> bool {
        self.lines.iter().any(|line| line.state() == "failing")
    }

    fn covered(&self, kind: impl Fn(Rule) -> bool) -> usize {
        self.lines.iter().filter(|line| kind(line.rule) && line.state() == "covered").count()
    }

    fn requirements_covered(&self) -> usize {
        self.covered(|rule| matches!(rule, Rule::Requirement(_)))
    }

    fn money_rules_covered(&self) -> usize {
        self.covered(|rule| matches!(rule, Rule::Money(_)))
    }

    /// One object: the counts, and each rule with its state, tests and objections.
    pub(super) fn to_json(&self) -> Value {
        let rule = |line: &Line<'_>| {
            let (name, state) = (line.rule.to_string(), line.state());
            json!({ "rule": name, "state": state, "tests": line.tests, "objections": line.objections })
        };
        json!({
            "requirements_covered": self.requirements_covered(), "requirements": REQUIREMENTS,
            "money_rules_covered": self.money_rules_covered(), "money_rules": MONEY_RULES,
            "rules": self.lines.iter().map(rule).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let tests = line.tests.len();
            match line.state() {
                "missing" => writeln!(f, "{:<5} missing", line.rule.to_string())?,
                state => writeln!(f, "{:<5} {state} ({tests} {})", line.rule.to_string(), noun(tests))?,
            }
            for objection in &line.objections {
                writeln!(f, "      {objection}")?;
            }
        }
        let (requirements, money) = (self.requirements_covered(), self.money_rules_covered());
        writeln!(f, "covered {requirements}/{REQUIREMENTS}, money rules {money}/{MONEY_RULES}")
    }
}

fn noun(tests: usize) -> &'static str {
    if tests == 1 { "test" } else { "tests" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(of: &[(&str, bool)]) -> Vec<TestResult> {
        of.iter().map(|(name, passed)| TestResult { name: format!("x {name}"), passed: *passed }).collect()
    }

    fn state(rule: Rule, of: &[(&str, bool)]) -> &'static str {
        let results = results(of);
        Report::of(&results).lines.iter().find(|line| line.rule == rule).unwrap().state()
    }

    const R1: Rule = Rule::Requirement(1);

    #[test]
    fn a_rule_counts_when_its_test_passed_on_both_databases() {
        assert_eq!(state(R1, &[("r1_a::case_1_sqlite", true), ("r1_a::case_2_postgres", true)]), "covered");
    }

    #[test]
    fn a_rule_does_not_count_on_one_database() {
        assert_eq!(state(R1, &[("r1_a::case_1_sqlite", true)]), "failing");
        assert_eq!(state(R1, &[("r1_a::case_2_postgres", true)]), "failing");
        // Another test of the same rule does not lend it the other database.
        assert_eq!(state(R1, &[("r1_a::case_1_sqlite", true), ("r1_b::case_2_postgres", true)]), "failing");
    }

    #[test]
    fn a_rule_does_not_count_when_one_of_its_tests_did_not_hold() {
        assert_eq!(state(R1, &[("r1_a::case_1_sqlite", true), ("r1_a::case_2_postgres", false)]), "failing");
        assert_eq!(state(R1, &[("r1_a", true), ("r1_r2_b", false)]), "failing");
        assert_eq!(state(Rule::Requirement(2), &[("r1_a", true), ("r1_r2_b", false)]), "failing");
    }

    #[test]
    fn a_test_without_cases_counts_by_itself() {
        assert_eq!(state(R1, &[("r1_a", true)]), "covered");
        assert_eq!(state(Rule::Money(1), &[("r1_m1_a", true)]), "covered");
        assert_eq!(state(Rule::Requirement(2), &[("r1_a", true)]), "missing");
    }

    #[test]
    fn the_last_line_holds_both_counts() {
        let results = results(&[("r1_r2_a", true), ("m3_b", true), ("r9_c", false)]);
        let report = Report::of(&results);
        assert!(report.to_string().ends_with("\ncovered 2/159, money rules 1/36\n"));
        assert!(
            report.to_string().contains("\nR9    failing (1 test)\n      x r9_c failed or was skipped\n")
        );
        assert!(report.has_failing());
        assert_eq!(report.to_json()["requirements_covered"], 2);
    }
}
