//! The counts that a test run ends with.

use std::fmt;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Ran and held.
    pub(crate) passed: u64,
    /// Ran and did not hold, ran out of time, or could not be started.
    pub(crate) failed: u64,
    /// Were not asked to run.
    pub(crate) skipped: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tests: {} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Finds the summary among a run's lines.
#[derive(Default)]
pub(crate) struct Reader {
    found: Option<Summary>,
}

impl Reader {
    /// The summary, once the run has printed one.
    pub(crate) fn summary(&self) -> Option<Summary> {
        self.found
    }

    /// Reads one line of nextest's: the run's summary is its last, so nothing that a test prints can replace it.
    pub(crate) fn see_nextest(&mut self, line: &str) {
        self.found = of_nextest(line).or(self.found);
    }

    /// Reads one line of `cargo test`, which prints one summary for each binary.
    pub(crate) fn see_cargo_test(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ").and_then(|it| it.split_once(". ")) else {
            return;
        };
        let of_binary = counted(counts.1.split("; "));
        let sum = self.found.get_or_insert_default();
        sum.passed = sum.passed.saturating_add(of_binary.passed);
        sum.failed = sum.failed.saturating_add(of_binary.failed);
        sum.skipped = sum.skipped.saturating_add(of_binary.skipped);
    }
}

/// Reads `     Summary [   0.105s] 2/3 tests run: 1 passed (1 slow), 1 failed, 1 skipped`.
fn of_nextest(line: &str) -> Option<Summary> {
    let after = line.trim_start().strip_prefix("Summary [")?;
    let (run, counts) = after.split_once("] ")?.1.split_once(" run: ")?;
    let (number, tests) = run.split_once(' ')?;
    let known = matches!(tests, "test" | "tests") && number.split('/').all(|it| it.parse::<u64>().is_ok());
    known.then(|| counted(without_brackets(counts).split(", ")))
}

/// Adds up parts such as `3 passed`, `1 failed`, `2 timed out`, `4 skipped`, `5 ignored`.
fn counted<'a>(parts: impl Iterator<Item = &'a str>) -> Summary {
    let mut summary = Summary::default();
    for (count, what) in parts.filter_map(|part| part.trim().split_once(' ')) {
        let Ok(count) = count.parse::<u64>() else { continue };
        let field = match what.trim() {
            "passed" => &mut summary.passed,
            "failed" | "timed out" | "exec failed" => &mut summary.failed,
            "skipped" | "ignored" => &mut summary.skipped,
            _ => continue,
        };
        *field = field.saturating_add(count);
    }
    summary
}

/// Leaves out details such as `(1 slow, 2 leaky)`, which are counted already.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut outside = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(character),
            _ => {}
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<Summary> {
        let mut reader = Reader::default();
        for line in lines {
            reader.see_nextest(line);
        }
        reader.summary()
    }

    #[test]
    fn a_run_where_all_passed_is_read() {
        let summary = read(&["     Summary [   0.006s] 2 tests run: 2 passed, 0 skipped"]);
        assert_eq!(summary, Some(Summary { passed: 2, failed: 0, skipped: 0 }));
    }

    #[test]
    fn every_kind_of_failure_counts_as_failed() {
        let line = "     Summary [  12.1s] 9/12 tests run: 4 passed (1 slow, 2 leaky), 2 failed (1 due to being leaky), \
                    1 exec failed, 2 timed out, 3 skipped";
        assert_eq!(read(&[line]), Some(Summary { passed: 4, failed: 5, skipped: 3 }));
    }

    #[test]
    fn what_a_test_prints_before_does_not_count() {
        let printed = "    Summary [   0.1s] 99 tests run: 99 passed, 0 skipped";
        let real = "     Summary [   0.1s] 1 test run: 0 passed, 1 failed, 0 skipped";
        assert_eq!(
            read(&[printed, real, "error: test run failed"]),
            Some(Summary { passed: 0, failed: 1, skipped: 0 })
        );
    }

    #[test]
    fn a_run_without_a_summary_has_none() {
        assert_eq!(
            read(&["error: could not compile `x`", "Summary of nothing", "Summary [ 1s] all run: 3 passed"]),
            None
        );
    }

    #[test]
    fn the_binaries_of_cargo_test_are_added_up() {
        let mut reader = Reader::default();
        reader.see_cargo_test(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        reader.see_cargo_test(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s",
        );
        assert_eq!(reader.summary(), Some(Summary { passed: 4, failed: 2, skipped: 1 }));
    }

    #[test]
    fn the_last_line_names_all_three_counts() {
        let line = Summary { passed: 7, failed: 0, skipped: 2 }.to_string();
        assert_eq!(line, "tests: 7 passed, 0 failed, 2 skipped");
    }
}
