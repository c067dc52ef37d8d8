//! Decision records are numbered, each once, and named by their title.

use super::{Finding, SourceFile, has_extension};

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let records = files.iter().filter_map(|file| Some((file, file.path.strip_prefix("docs/decisions/")?)));
    let mut findings = Vec::new();
    let mut numbers = Vec::new();
    for (file, name) in records.filter(|(_, name)| has_extension(name, "md")) {
        match number_of(name) {
            None => {
                let what = "a decision is named NNNN-title.md, in lower case and with hyphens: rename it";
                findings.push(Finding::new(&file.path, 1, what.to_owned()));
            }
            Some(number) if numbers.contains(&number) => {
                let what = format!("another decision has the number {number}: take the next free one");
                findings.push(Finding::new(&file.path, 1, what));
            }
            Some(number) => numbers.push(number),
        }
    }
    findings
}

/// The number of a file named `0007-like-this.md`.
fn number_of(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_number = number.len() == 4 && number.chars().all(|it| it.is_ascii_digit());
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    (is_number && title.split('-').all(is_word)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_record_with_another_name_is_found() {
        for name in ["7-short.md", "0007.md", "0007-Title.md", "0007-a_b.md", "notes.md", "0007-.md"] {
            assert_eq!(check(&[file(&format!("docs/decisions/{name}"), "")]).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_number_taken_twice_is_found() {
        let found = check(&[file("docs/decisions/0001-a.md", ""), file("docs/decisions/0001-b.md", "")]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "docs/decisions/0001-b.md");
    }

    #[test]
    fn numbered_records_are_fine() {
        assert_eq!(
            check(&[file("docs/decisions/0001-one-binary.md", ""), file("docs/performance.md", "")]),
            []
        );
    }
}
