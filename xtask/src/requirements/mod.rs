//! Which requirements (R1 to R159) and money rules (M1 to M36) the tests prove.

mod names;
mod report;
mod results;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::nextest::Runner;
use crate::postgres::{ADDRESS_VARIABLE, TestServer};

/// Runs all tests, reads their names, and prints each requirement's state and the two counts.
///
/// # Errors
/// The tests do not build, or nextest is missing.
pub(crate) fn run(json: bool) -> Result<ExitCode> {
    let runner = Runner::find_or_install();
    let server = TestServer::start()?;
    let mut tests = Vec::new();
    let status = runner
        .list_results((ADDRESS_VARIABLE, &server.url()), |line| tests.extend(results::of_line(line)))?;
    if tests.is_empty() {
        bail!("no test ran ({status}); see above");
    }
    let report = report::Report::of(&tests);
    if json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    Ok(if report.has_failing() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
