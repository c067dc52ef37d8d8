//! What each step of the gate does.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Context;
use crate::nextest::{Runner, Summary};
use crate::postgres::{ADDRESS_VARIABLE, TestServer};
use crate::{recoup, shell, tidy};

/// How a step ended.
pub(super) enum Outcome {
    /// Well.
    Passed,
    /// The tests ran.
    Tested {
        /// What they came to.
        summary: Summary,
        /// Whether the runner itself called it a success.
        succeeded: bool,
    },
    /// There is nothing to check yet, and why.
    Skipped(String),
    /// Badly, and why.
    Failed(String),
}

/// The package that a person means by its own name or by its folder's.
pub(super) fn package_named(name: &str) -> String {
    if name == "cli" {
        return "recoup".to_owned();
    }
    let is_folder = shell::root().join("crates").join(name).is_dir();
    if is_folder { format!("recoup-{name}") } else { name.to_owned() }
}

pub(super) fn fmt(context: &Context) -> Result<Outcome> {
    require_component("fmt", "rustfmt")?;
    let mut command = shell::cargo(&["fmt", "--check"]);
    if context.packages.is_empty() {
        command.arg("--all");
    } else {
        command.args(shell::selection(&context.packages));
    }
    check(&mut command)
}

pub(super) fn tidy(_: &Context) -> Result<Outcome> {
    let findings = tidy::findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    Ok(if findings.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("{} findings", findings.len()))
    })
}

pub(super) fn clippy(context: &Context) -> Result<Outcome> {
    require_component("clippy", "clippy")?;
    let mut command = shell::cargo(&["clippy", "--all-targets"]);
    check(command.args(shell::selection(&context.packages)).args(["--", "-D", "warnings"]))
}

pub(super) fn tests(context: &Context) -> Result<Outcome> {
    let runner = Runner::find_or_install();
    let server = TestServer::start()?;
    let url = server.url();
    eprintln!("{ADDRESS_VARIABLE}={url}");
    let (status, summary) = runner.run(&context.packages, (ADDRESS_VARIABLE, &url))?;
    Ok(Outcome::Tested { summary, succeeded: status.success() })
}

pub(super) fn doctests(_: &Context) -> Result<Outcome> {
    check(&mut shell::cargo(&["test", "-q", "--doc", "--workspace"]))
}

pub(super) fn docs(_: &Context) -> Result<Outcome> {
    check(shell::cargo(&["doc", "-q", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

pub(super) fn openapi(_: &Context) -> Result<Outcome> {
    if !recoup::has_subcommand("openapi")? {
        return Ok(Outcome::Skipped("the binary has no `openapi` yet".to_owned()));
    }
    let path = shell::root().join("docs/openapi.json");
    if !path.exists() {
        return Ok(Outcome::Skipped(
            "there is no docs/openapi.json yet; `cargo xtask openapi` writes it".to_owned(),
        ));
    }
    let committed = fs::read_to_string(&path).context("cannot read docs/openapi.json")?;
    let is_current = committed == recoup::openapi_document()?;
    Ok(if is_current { Outcome::Passed } else { Outcome::Failed("docs/openapi.json is stale".to_owned()) })
}

pub(super) fn demo(_: &Context) -> Result<Outcome> {
    if !recoup::has_subcommand("demo")? {
        return Ok(Outcome::Skipped("the binary has no `demo` yet".to_owned()));
    }
    check(&mut recoup::run(&["demo", "--once", "--json"]))
}

fn check(command: &mut Command) -> Result<Outcome> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed(status.to_string()) })
}

fn require_component(subcommand: &str, component: &str) -> Result<()> {
    if shell::succeeds(&mut shell::cargo(&[subcommand, "--version"])) {
        return Ok(());
    }
    bail!("`cargo {subcommand}` is missing: `rustup component add {component}` installs it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_may_be_called_by_its_folder() {
        assert_eq!(package_named("storage"), "recoup-storage");
        assert_eq!(package_named("recoup-storage"), "recoup-storage");
        assert_eq!(package_named("cli"), "recoup");
        assert_eq!(package_named("xtask"), "xtask");
    }

    #[test]
    fn a_missing_component_is_named_with_its_remedy() {
        let error = require_component("no-such-subcommand", "rustfmt").unwrap_err();
        assert!(error.to_string().contains("rustup component add rustfmt"));
    }
}
