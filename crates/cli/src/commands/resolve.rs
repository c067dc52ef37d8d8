//! `recoup resolve`: a person says what they found at a gateway about something in doubt (M18).

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use domain::ids::{AttemptId, MerchantId, OperationId};
use gateways::http::TimeLimits;
use hub::Verdict;

use crate::clock::SystemClock;
use crate::commands::user::merchant_of;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// The merchant, when there are several
    #[arg(long, global = true)]
    merchant: Option<MerchantId>,

    /// Who you are, for the audit log
    #[arg(long, global = true, default_value = "operator")]
    actor: String,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// An attempt: did the gateway take the money?
    Attempt {
        /// The attempt's id, att_…
        id: AttemptId,
        /// What the gateway shows
        verdict: Found,
        /// The gateway's transaction id, when it was approved
        #[arg(long, default_value = "")]
        reference: String,
        /// How you know
        #[arg(long)]
        note: String,
    },
    /// A capture, void or refund: was it done?
    Operation {
        /// The operation's id, opr_…
        id: OperationId,
        /// The gateway's id of it, when it was done; leave it out when it was not
        #[arg(long)]
        done: Option<String>,
        /// How you know
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Found {
    /// The gateway took the money
    Approved,
    /// The gateway refused it
    Declined,
    /// The gateway never did anything
    NotExecuted,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let (hub, _held) =
        crate::assemble::hub(&options.place, Arc::new(SystemClock), TimeLimits::default()).await?;
    let merchant = merchant_of(&hub, options.merchant).await?;
    match options.what {
        What::Attempt { id, verdict, reference, note } => {
            let verdict = match verdict {
                Found::Approved => Verdict::Approved,
                Found::Declined => Verdict::Declined,
                Found::NotExecuted => Verdict::NotExecuted,
            };
            match hub.resolve_attempt(merchant, id, verdict, &reference, &note, &options.actor).await {
                Ok(attempt) => println!("Attempt {id} is {} now.", attempt.state.name()),
                Err(error) => bail!("attempt {id} was not resolved: {error}"),
            }
        }
        What::Operation { id, done, note } => {
            let resolved = hub.resolve_operation(merchant, id, done.as_deref(), &note, &options.actor).await;
            match resolved {
                Ok(operation) => println!("The {} {id} is {} now.", operation.kind, operation.state),
                Err(error) => bail!("operation {id} was not resolved: {error}"),
            }
        }
    }
    hub.store().close().await;
    Ok(ExitCode::SUCCESS)
}
