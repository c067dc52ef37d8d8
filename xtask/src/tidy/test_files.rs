//! Files of tests say what they prove, and are compiled as tests only, which relaxes the lints for them.

use super::{Finding, SourceFile, has_extension};

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    files.iter().filter(|file| is_test_file(&file.path)).flat_map(check_file).collect()
}

/// Whether a path is `crates/*/tests/*.rs`.
fn is_test_file(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    matches!(parts.as_slice(), ["crates", _, "tests", file] if has_extension(file, "rs"))
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.starts_with("//!") {
        let what = "a file of tests begins with `//!` and a sentence: say there what it proves";
        findings.push(Finding::new(&file.path, 1, what.to_owned()));
    }
    if !file.text.lines().any(|line| line.trim() == "#![cfg(test)]") {
        let what = "`#![cfg(test)]` is missing: add it below the first sentence";
        findings.push(Finding::new(&file.path, 1, what.to_owned()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_file_of_tests_without_its_sentence_is_found() {
        let found = check(&[file("crates/hub/tests/a.rs", "#![cfg(test)]\n")]);
        assert!(found.len() == 1 && found[0].what.contains("`//!`"));
    }

    #[test]
    fn a_file_of_tests_without_its_attribute_is_found() {
        let found = check(&[file("crates/hub/tests/a.rs", "//! Proves it.\n")]);
        assert!(found.len() == 1 && found[0].what.contains("#![cfg(test)]"));
    }

    #[test]
    fn other_files_and_complete_ones_are_fine() {
        let complete = file("crates/hub/tests/a.rs", "//! Proves it.\n#![cfg(test)]\n");
        assert_eq!(
            check(&[complete, file("crates/hub/src/tests/a.rs", ""), file("crates/hub/tests/a/b.rs", "")]),
            []
        );
    }
}
