//! The commands that build the `recoup` binary and pass on to it.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::postgres::{Durability, Server};
use crate::shell;

/// Builds and runs `recoup demo`.
pub(crate) fn demo(arguments: &[String]) -> Result<ExitCode> {
    let mut command = run(&["demo"]);
    // The demo serves until a person ends it, and may ask that person something.
    command.args(arguments).stdin(std::process::Stdio::inherit());
    shell::hand_over(&mut command)
}

/// Builds a release and runs `recoup bench NAME` with the address of a durable PostgreSQL.
pub(crate) fn bench(name: &str, arguments: &[String]) -> Result<ExitCode> {
    // Built before the server starts, so that nothing compiles beside the measurement.
    let built = shell::hand_over(&mut shell::cargo(&["build", "-q", "--release", "-p", "recoup"]))?;
    if built != ExitCode::SUCCESS {
        return Ok(built);
    }
    let server = Server::start(Durability::Durable)?;
    let mut command = shell::cargo(&["run", "-q", "--release", "-p", "recoup", "--", "bench", name]);
    command.args(["--postgres", &server.url()]).args(arguments);
    shell::hand_over(&mut command)
}

/// Writes what `recoup openapi` prints to `docs/openapi.json`.
pub(crate) fn openapi() -> Result<ExitCode> {
    let folder = shell::root().join("docs");
    let path = folder.join("openapi.json");
    let document = openapi_document()?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote docs/openapi.json");
    Ok(ExitCode::SUCCESS)
}

/// The API's description as `recoup openapi` prints it; an error when that is not JSON.
pub(crate) fn openapi_document() -> Result<String> {
    let document = shell::output_of(&mut run(&["openapi"]))?;
    serde_json::from_str::<serde_json::Value>(&document)
        .context("`recoup openapi` printed other than JSON")?;
    Ok(document)
}

/// Whether the binary has a subcommand, found by asking for its help.
///
/// # Errors
/// The binary does not build.
pub(crate) fn has_subcommand(name: &str) -> Result<bool> {
    shell::output_of(&mut shell::cargo(&["build", "-q", "-p", "recoup"]))?;
    let help = shell::output_of(&mut run(&[name, "--help"]));
    Ok(help.is_ok_and(|text| text.contains("Usage") && text.contains(name)))
}

/// `recoup` of the dev profile with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Command {
    let mut command = shell::cargo(&["run", "-q", "-p", "recoup", "--"]);
    command.args(arguments);
    command
}
