//! The table of steps and seconds that a run of the gate ends with.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use super::steps::Outcome;
use crate::nextest::Summary;

/// One step's line.
struct Row {
    name: &'static str,
    took: Duration,
    note: String,
}

/// The lines of all steps that ran.
#[derive(Default)]
pub(super) struct Report {
    rows: Vec<Row>,
    tests: Option<Summary>,
}

impl Report {
    /// Adds a step's line, and returns why the step failed if it did.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        outcome: &Result<Outcome>,
        took: Duration,
    ) -> Option<String> {
        let (note, failure) = match outcome {
            Ok(Outcome::Passed) => (String::new(), None),
            Ok(Outcome::Tested { summary, succeeded }) => {
                self.tests = Some(*summary);
                (summary.to_string(), objection(*summary, *succeeded))
            }
            Ok(Outcome::Skipped(why)) => (format!("skipped: {why}"), None),
            Ok(Outcome::Failed(why)) => ("failed".to_owned(), Some(why.clone())),
            Err(error) => ("failed".to_owned(), Some(format!("{error:#}"))),
        };
        self.rows.push(Row { name, took, note });
        failure
    }

    /// What the tests came to, once they ran.
    pub(super) fn tests(&self) -> Option<Summary> {
        self.tests
    }
}

/// A run of tests passes only when its counts and its exit code both say so, and when there was something to run.
fn objection(summary: Summary, succeeded: bool) -> Option<String> {
    match summary {
        Summary { failed: 1.., .. } => Some(format!("failed tests: {}", summary.failed)),
        Summary { passed: 0, .. } => Some("no test ran".to_owned()),
        _ if !succeeded => Some("the test runner failed".to_owned()),
        _ => None,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<10}{:>8}", "step", "seconds")?;
        for row in &self.rows {
            let line = format!("{:<10}{:>8.1}  {}", row.name, row.took.as_secs_f64(), row.note);
            writeln!(f, "{}", line.trim_end())?;
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        writeln!(f, "{:<10}{:>8.1}\n", "total", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(passed: u64, failed: u64, succeeded: bool) -> Option<String> {
        let outcome = Ok(Outcome::Tested { summary: Summary { passed, failed, skipped: 0 }, succeeded });
        Report::default().add("tests", &outcome, Duration::ZERO)
    }

    #[test]
    fn a_run_passes_only_when_both_the_counts_and_the_exit_code_say_so() {
        assert_eq!(tested(3, 0, true), None);
        assert_eq!(tested(3, 1, true).unwrap(), "failed tests: 1");
        assert_eq!(tested(3, 0, false).unwrap(), "the test runner failed");
        assert_eq!(tested(0, 0, true).unwrap(), "no test ran");
    }

    #[test]
    fn the_table_names_each_step_and_the_sum() {
        let mut report = Report::default();
        report.add("fmt", &Ok(Outcome::Passed), Duration::from_millis(1250));
        report.add("demo", &Ok(Outcome::Skipped("no demo".to_owned())), Duration::from_millis(250));
        let rows = "fmt            1.2\ndemo           0.2  skipped: no demo\ntotal          1.5\n\n";
        assert_eq!(report.to_string(), format!("\nstep       seconds\n{rows}"));
    }

    #[test]
    fn a_step_that_could_not_run_says_why() {
        let why = Report::default().add("tests", &Err(anyhow::anyhow!("no server")), Duration::ZERO);
        assert_eq!(why.unwrap(), "no server");
    }
}
