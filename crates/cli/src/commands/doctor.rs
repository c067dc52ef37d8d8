//! `recoup doctor`: every invariant over a database, by the same questions that tests and demo ask.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use comfy_table::Table;

use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    options.place.require_database()?;
    let _held = options.place.hold()?;
    let store = options.place.open_store().await?;
    let (broken, checked) = crate::assemble::broken_invariants(&store).await?;
    if options.json {
        let rows: Vec<_> = broken
            .iter()
            .map(|one| serde_json::json!({ "invariant": one.invariant, "what": one.what, "id": one.id }))
            .collect();
        println!(
            "{}",
            serde_json::json!({ "checked": checked, "invariants_broken": rows.len(), "broken": rows })
        );
    } else if broken.is_empty() {
        println!("{checked} invariants checked, none broken.");
    } else {
        let mut table = Table::new();
        table.set_header(["invariant", "what is wrong", "id"]);
        for one in &broken {
            table.add_row([&one.invariant, &one.what, &one.id]);
        }
        println!("{table}");
        println!(
            "{checked} invariants checked, {} rows break one. Look at each before charging goes on.",
            broken.len()
        );
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
