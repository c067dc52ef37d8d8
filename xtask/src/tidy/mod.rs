//! The rules that no compiler checks. Each finding says where, what, and how to repair it.

mod arrows;
mod decisions;
mod readmes;
mod statements;
mod test_files;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::shell;

/// A text file of the project.
pub(crate) struct SourceFile {
    /// From the root, with `/`.
    path: String,
    text: String,
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: String) -> Self {
        Self { path: path.to_owned(), line, what }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Prints the findings and fails when there are any.
pub(crate) fn run() -> Result<ExitCode> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} findings", findings.len());
    Ok(ExitCode::FAILURE)
}

/// All findings, by path and line.
///
/// # Errors
/// Git or Cargo cannot say what the project consists of.
pub(crate) fn findings() -> Result<Vec<Finding>> {
    let files = files()?;
    let metadata = shell::output_of(&mut shell::cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let mut findings = arrows::check(&serde_json::from_str(&metadata)?, &files);
    for check in [words::check, test_files::check, readmes::check, decisions::check, statements::check] {
        findings.extend(check(&files));
    }
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(findings)
}

/// The text files that are in the repository or would be at the next `git add`.
fn files() -> Result<Vec<SourceFile>> {
    let root = shell::root();
    let mut command = Command::new("git");
    // A clone that another user made, as in some build systems, is read all the same.
    command.args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = shell::output_of(command.current_dir(&root))?;
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    // What is no text, or was deleted and is still listed, cannot break a rule about text.
    let read = paths.filter_map(|path| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        Some(SourceFile { path: path.to_owned(), text })
    });
    Ok(read.collect())
}

/// The lines of a file with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|it| it == extension)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_can_be_clicked() {
        let finding = Finding::new("docs/x.md", 7, "wrong: make it right".to_owned());
        assert_eq!(finding.to_string(), "docs/x.md:7: wrong: make it right");
    }

    #[test]
    fn the_project_s_own_files_are_found() {
        assert!(files().unwrap().iter().any(|file| file.path == "xtask/src/tidy/mod.rs"));
    }
}
