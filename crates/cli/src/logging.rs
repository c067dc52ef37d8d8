//! Logs go to the standard error stream; the standard output is for results.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; a filter that cannot be read becomes `warn`, with a word about it.
pub(crate) fn start(filter: &str, json: bool) {
    let parsed = EnvFilter::try_new(filter);
    let wrong = parsed.is_err();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(parsed.unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if json {
        builder.json().init();
    } else {
        builder.init();
    }
    if wrong {
        tracing::warn!("The log filter {filter:?} cannot be read; logging warnings and errors");
    }
}
