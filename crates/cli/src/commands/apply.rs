//! `recoup apply`: the configuration as one file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use api::apply::{Action, Plan};
use clap::Args;
use domain::ids::MerchantId;
use gateways::http::TimeLimits;
use hub::Hub;

use crate::clock::SystemClock;
use crate::commands::user::merchant_of;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// The TOML file; `recoup apply --schema` prints its JSON Schema
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,

    /// The merchant, when there are several
    #[arg(long)]
    merchant: Option<MerchantId>,

    /// Show the plan and change nothing
    #[arg(long)]
    plan: bool,

    /// Why, for the audit log
    #[arg(long, default_value = "recoup apply")]
    note: String,

    /// Print the JSON Schema of the file, and end
    #[arg(long)]
    schema: bool,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    if options.schema {
        print!("{}", api::apply::json_schema());
        return Ok(ExitCode::SUCCESS);
    }
    let path = options.file.context("name the file")?;
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let document = match api::apply::parse(&text) {
        Ok(document) => document,
        Err(problems) => {
            for problem in &problems {
                eprintln!("{}:{}: {}", path.display(), problem.line, problem.message);
            }
            bail!("{} has {} problem(s); nothing was changed", path.display(), problems.len());
        }
    };
    let (hub, _held) =
        crate::assemble::hub(&options.place, Arc::new(SystemClock), TimeLimits::default()).await?;
    let merchant = find_or_make(&hub, options.merchant).await?;
    let plan = api::apply::plan(&hub, merchant, &document).await?;
    show(&plan);
    if !options.plan && !plan.is_empty() {
        api::apply::apply(&hub, merchant, &document, "recoup apply", &options.note).await?;
        println!("Applied.");
    }
    hub.store().close().await;
    Ok(ExitCode::SUCCESS)
}

/// The plan for people: what changes, then one line of counts.
fn show(plan: &Plan) {
    for line in plan.lines.iter().filter(|line| line.action != Action::Unchanged) {
        println!("{line}");
    }
    for warning in &plan.warnings {
        println!("warning: {warning}");
    }
    let counts =
        [Action::Create, Action::Update, Action::Delete, Action::Unchanged].map(|one| plan.count(one));
    let [made, changed, removed, same] = counts;
    println!("{made} to create, {changed} to update, {removed} to delete, {same} unchanged.");
}

/// The only merchant, or a new one in an empty database.
pub(crate) async fn find_or_make(hub: &Hub, named: Option<MerchantId>) -> Result<MerchantId> {
    if named.is_none() && hub.store().list_merchants().await?.is_empty() {
        let id = hub.minter().mint();
        hub.create_merchant(id, "My shop").await?;
        return Ok(id);
    }
    merchant_of(hub.store(), named).await
}
