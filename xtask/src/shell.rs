//! Where the project lies, and how its tools are started.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};

/// The project's root folder.
pub(crate) fn root() -> PathBuf {
    // Cargo names the crate's folder anew at each run, so a clone that was moved still finds itself.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// The folder that holds what is built and what is installed for the gate only.
pub(crate) fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The Cargo that runs us, started in the project's root without standard input.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Cargo's arguments that choose these packages, or the whole workspace when there are none.
pub(crate) fn selection(packages: &[String]) -> Vec<String> {
    if packages.is_empty() {
        return vec!["--workspace".to_owned()];
    }
    packages.iter().flat_map(|package| ["-p".to_owned(), package.clone()]).collect()
}

/// Whether a command can be started and ends well; what it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// What a command prints on standard output.
///
/// # Errors
/// It cannot be started, fails (its standard error is then part of the message), or prints other than UTF-8.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed ({}): {}", output.status, printed.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed other than UTF-8"))
}

/// Which of a command's two outputs is read and passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output; passed on to ours.
    Out,
    /// Standard error; passed on to ours.
    Err,
}

/// Runs a command, passes one of its outputs on line by line as it comes, and shows each line, without colours, to `see`.
pub(crate) fn tee(command: &mut Command, stream: Stream, mut see: impl FnMut(&str)) -> Result<ExitStatus> {
    match stream {
        Stream::Out => command.stdout(Stdio::piped()),
        Stream::Err => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    match stream {
        Stream::Out => pass_on(child.stdout.take(), &mut std::io::stdout(), &mut see)?,
        Stream::Err => pass_on(child.stderr.take(), &mut std::io::stderr(), &mut see)?,
    }
    child.wait().with_context(|| format!("cannot wait for {command:?}"))
}

fn pass_on(
    from: Option<impl std::io::Read>,
    to: &mut impl std::io::Write,
    see: &mut impl FnMut(&str),
) -> Result<()> {
    let mut reader = BufReader::new(from.context("the output was not piped")?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        see(without_colours(String::from_utf8_lossy(&line).trim_end()).as_str());
        line.clear();
    }
    Ok(())
}

/// A line without the escape sequences that colour it.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // A colour is `ESC [ numbers m`; everything up to the closing letter goes.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Runs a command to its end with our own outputs and passes its exit code on.
pub(crate) fn hand_over(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out_of_a_line() {
        assert_eq!(without_colours("\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s]"), "     Summary [ 0.1s]");
        assert_eq!(without_colours("plain"), "plain");
    }

    #[test]
    fn a_command_s_lines_are_seen_and_its_exit_code_is_kept() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let status = tee(&mut command, Stream::Out, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_failed_command_says_why() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken >&2; exit 1"]);
        assert!(output_of(&mut command).unwrap_err().to_string().ends_with("broken"));
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(std::fs::read_to_string(root().join("Cargo.toml")).unwrap().contains("[workspace]"));
    }
}
