//! `recoup resolve`: a person says what they found at a gateway about something in doubt (M18).

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use charging::{Charging, Consequences, Found, Verdict};
use clap::{Args, Subcommand, ValueEnum};
use domain::ids::{AttemptId, MerchantId, OperationId};
use gateways::http::TimeLimits;
use hub::Hub;
use platform::Settings;

use crate::clock::SystemClock;
use crate::commands::platform::platform_over;
use crate::commands::user::merchant_of;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// The merchant or the platform's account, when there are several
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
        verdict: Shown,
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
enum Shown {
    /// The gateway took the money
    Approved,
    /// The gateway refused it
    Declined,
    /// The gateway never did anything
    NotExecuted,
}

impl Shown {
    fn verdict(self) -> Verdict {
        match self {
            Self::Approved => Verdict::Approved,
            Self::Declined => Verdict::Declined,
            Self::NotExecuted => Verdict::NotExecuted,
        }
    }
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let assembled =
        crate::assemble::assemble(&options.place, Arc::new(SystemClock), TimeLimits::default()).await?;
    let charging = assembled.charging;
    let merchant = merchant_of(&charging.store, options.merchant).await?;
    let consequences = consequences_of(&charging, merchant).await?;
    match options.what {
        What::Attempt { id, verdict, reference, note } => {
            let found = Found {
                verdict: verdict.verdict(),
                gateway_reference: &reference,
                note: &note,
                actor: &options.actor,
            };
            match charging.decide_attempt(merchant, id, found, consequences.as_ref()).await {
                Ok(attempt) => println!("Attempt {id} is {} now.", attempt.state.name()),
                Err(error) => bail!("attempt {id} was not resolved: {error}"),
            }
        }
        What::Operation { id, done, note } => {
            let by = (note.as_str(), options.actor.as_str());
            let resolved =
                charging.decide_operation(merchant, id, done.as_deref(), by, consequences.as_ref()).await;
            match resolved {
                Ok(operation) => println!("The {} {id} is {} now.", operation.kind, operation.state),
                Err(error) => bail!("operation {id} was not resolved: {error}"),
            }
        }
    }
    charging.store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What follows from an outcome: the platform's recoveries for its accounts, the hub's orders for everybody else.
async fn consequences_of(charging: &Charging, merchant: MerchantId) -> Result<Arc<dyn Consequences>> {
    if charging.store.find_platform_account(merchant).await?.is_some() {
        return Ok(platform_over(charging, Settings::production()).consequences());
    }
    Ok(Hub::new(charging.clone()).aftermath())
}
