//! `recoup sandbox`: a pretend acquirer that speaks the NMI protocol.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use tokio::net::TcpListener;

use crate::clock::SystemClock;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address to serve on
    #[arg(long, default_value = "127.0.0.1:8092")]
    listen: SocketAddr,

    /// Folder for the ledger; without it everything is forgotten at the end
    #[arg(long)]
    data: Option<PathBuf>,

    /// Print the well-known credentials as one JSON object, and end
    #[arg(long)]
    print_credentials: bool,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    if options.print_credentials {
        println!("{}", serde_json::to_string(&sandbox::credentials())?);
        return Ok(ExitCode::SUCCESS);
    }
    let settings = sandbox::Settings { data_dir: options.data, ..sandbox::Settings::default() };
    let acquirer = Arc::new(sandbox::Sandbox::new(settings, Arc::new(SystemClock))?);
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    println!("Sandbox acquirer on http://{}/api/transact.php", listener.local_addr()?);
    let stop = web::shutdown::signal()?;
    sandbox::serve(listener, acquirer, stop).await?;
    Ok(ExitCode::SUCCESS)
}
