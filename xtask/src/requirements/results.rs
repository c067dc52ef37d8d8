//! The lines by which nextest tells how each test ended.

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestResult {
    /// Binary and test, as `recoup-hub::orders r62_a_fact::case_1_sqlite`.
    pub(super) name: String,
    /// Whether it ran and held.
    pub(super) passed: bool,
}

/// Reads `        PASS [   0.004s] (1/2) binary module::test`; nothing when the line tells of no test's end.
pub(super) fn of_line(line: &str) -> Option<TestResult> {
    let (state, rest) = line.trim_start().split_once(" [")?;
    let passed = match state.split(' ').next()? {
        "PASS" | "LEAK" | "FLAKY" => true,
        "FAIL" | "TIMEOUT" | "ABORT" | "SKIP" | "XFAIL" | "LEAK-FAIL" => false,
        signal if signal.starts_with("SIG") => false,
        _ => return None,
    };
    let after_time = rest.split_once("] ")?.1.trim_start();
    let named = after_time.strip_prefix('(').and_then(|it| it.split_once(") ")).map_or(after_time, |it| it.1);
    let (binary, test) = named.trim_start().split_once(' ')?;
    Some(TestResult { name: format!("{binary} {}", test.trim()), passed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, bool)> {
        of_line(line).map(|it| (it.name, it.passed))
    }

    #[test]
    fn a_test_that_held_is_read() {
        let line = "        PASS [   0.011s] ( 2/31) recoup-hub::orders r62_a_fact::case_1_sqlite";
        assert_eq!(read(line).unwrap(), ("recoup-hub::orders r62_a_fact::case_1_sqlite".to_owned(), true));
        assert_eq!(read("        PASS [   0.011s] xtask a::b").unwrap(), ("xtask a::b".to_owned(), true));
    }

    #[test]
    fn failed_crashed_and_skipped_tests_have_not_held() {
        for state in ["FAIL", "SIGABRT", "TIMEOUT"] {
            assert_eq!(
                read(&format!("  {state} [   0.1s] (1/3) x a::r1_b")).unwrap(),
                ("x a::r1_b".to_owned(), false)
            );
        }
        assert_eq!(
            read("        SKIP [         ] (────) x a::r1_b").unwrap(),
            ("x a::r1_b".to_owned(), false)
        );
    }

    #[test]
    fn other_lines_tell_of_no_test() {
        for line in [
            "     Summary [   0.1s] 3 tests run: 1 passed",
            "        SLOW [> 60.000s] x a::b",
            "",
            "    Starting 3 tests",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
