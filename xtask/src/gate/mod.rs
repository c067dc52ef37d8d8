//! The whole gate: steps in order, each timed, ended at the first that fails.

mod report;
mod steps;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use self::report::Report;
use self::steps::Outcome;

/// What part of the gate is run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only format, clippy and tests: the inner loop
    #[arg(long)]
    quick: bool,
    /// Only this crate, by its package's name or its folder's; may be repeated
    #[arg(short, long = "package", value_name = "CRATE", requires = "quick")]
    packages: Vec<String>,
}

/// One step of the gate.
struct Step {
    /// What the table calls it.
    name: &'static str,
    /// What to do when it fails.
    remedy: &'static str,
    run: fn(&Context) -> Result<Outcome>,
}

/// What every step may ask for.
struct Context {
    /// Package names; none means all.
    packages: Vec<String>,
}

const FMT: Step = Step { name: "fmt", remedy: "run `cargo fmt --all`", run: steps::fmt };
const TIDY: Step = Step {
    name: "tidy",
    remedy: "repair what is listed; `cargo xtask tidy` lists it again",
    run: steps::tidy,
};
const CLIPPY: Step = Step { name: "clippy", remedy: "repair what clippy names", run: steps::clippy };
const TESTS: Step = Step { name: "tests", remedy: "repair the tests that are named FAIL", run: steps::tests };
const DOCTESTS: Step =
    Step { name: "doctests", remedy: "repair the examples that fail", run: steps::doctests };
const DOCS: Step =
    Step { name: "docs", remedy: "repair the documentation that rustdoc names", run: steps::docs };
const OPENAPI: Step =
    Step { name: "openapi", remedy: "run `cargo xtask openapi` and commit", run: steps::openapi };
const DEMO: Step =
    Step { name: "demo", remedy: "run `cargo xtask demo -- --once` and look", run: steps::demo };

/// Runs the gate and prints the seconds of each step, and at the very end what the tests came to.
pub(crate) fn run(options: &Options) -> ExitCode {
    let context =
        Context { packages: options.packages.iter().map(|name| steps::package_named(name)).collect() };
    let steps: &[Step] = if options.quick {
        &[FMT, CLIPPY, TESTS]
    } else {
        &[FMT, TIDY, CLIPPY, TESTS, DOCTESTS, DOCS, OPENAPI, DEMO]
    };
    let mut report = Report::default();
    for step in steps {
        eprintln!("── {}", step.name);
        let started = Instant::now();
        let outcome = (step.run)(&context);
        if let Some(why) = report.add(step.name, &outcome, started.elapsed()) {
            eprint!("{report}");
            eprintln!("FAILED at {}: {why}; {}, then run the gate again", step.name, step.remedy);
            // Only where the tests themselves failed does their count say why the gate did.
            if let Ok(Outcome::Tested { summary, .. }) = outcome {
                println!("{summary}");
            }
            return ExitCode::FAILURE;
        }
    }
    eprint!("{report}");
    if let Some(summary) = report.tests() {
        println!("{summary}");
    }
    ExitCode::SUCCESS
}
