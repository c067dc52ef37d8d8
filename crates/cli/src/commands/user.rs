//! `recoup user`: users of the CRM-compatible API, keys of the native API.

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use api::v1::auth::{Scope, create_api_key};
use clap::{Args, Subcommand};
use domain::ids::MerchantId;
use gateways::http::TimeLimits;
use hub::Hub;
use secrecy::SecretString;
use storage::Store;
use web::AllowList;

use crate::clock::SystemClock;
use crate::place::Place;

/// Letters of a password that we make: no `&`, which the CRM's calls cannot carry.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
/// Characters of a password that we make.
const PASSWORD_CHARS: usize = 24;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    /// The merchant, when there are several
    #[arg(long)]
    merchant: Option<MerchantId>,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user of the CRM-compatible API (or give it a new password) and print the password once
    Add {
        /// loginId, 1 to 32 characters
        login: String,
        /// Addresses and networks that may call, comma separated; none: this machine only
        #[arg(long, value_delimiter = ',')]
        ip: Vec<String>,
        /// Read the password from the standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make a bearer key of the native API and print it once
    Key {
        /// What it is for
        title: String,
        /// What it may do
        #[arg(long, value_delimiter = ',', default_value = "read,write,operate")]
        scopes: Vec<String>,
    },
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let (hub, _held) =
        crate::assemble::hub(&options.place, Arc::new(SystemClock), TimeLimits::default()).await?;
    let merchant = merchant_of(hub.store(), options.merchant).await?;
    match options.action {
        Action::Add { login, ip, password_stdin } => {
            let password = if password_stdin { read_password()? } else { make_password(&hub) };
            let secret = SecretString::from(password.clone());
            api::auth::save_api_user(&hub, merchant, &login, &secret, &ip).await?;
            println!("loginId:  {login}");
            if !password_stdin {
                println!("password: {password}");
                println!("Keep the password now; it is not shown again.");
            }
        }
        Action::Key { title, scopes } => {
            let scopes = scopes
                .iter()
                .map(|word| {
                    Scope::parse(word)
                        .with_context(|| format!("{word:?} is no scope; they are read, write and operate"))
                })
                .collect::<Result<Vec<_>>>()?;
            let key = create_api_key(&hub, merchant, &title, &scopes, &AllowList::default()).await?;
            println!("{key}");
            println!("Keep the key now; it is not shown again.");
        }
    }
    hub.store().close().await;
    Ok(ExitCode::SUCCESS)
}

/// The merchant named, or the only one.
pub(crate) async fn merchant_of(store: &Store, named: Option<MerchantId>) -> Result<MerchantId> {
    let all = store.list_merchants().await?;
    match (named, all.as_slice()) {
        (Some(id), _) if all.iter().any(|one| one.id == id) => Ok(id),
        (Some(id), _) => bail!("there is no merchant {id}"),
        (None, [one]) => Ok(one.id),
        (None, []) => bail!("there is no merchant yet; run `recoup apply FILE` first"),
        (None, several) => {
            let listed: Vec<String> =
                several.iter().map(|one| format!("{} ({})", one.id, one.title)).collect();
            bail!("name one of several merchants by --merchant: {}", listed.join(", "))
        }
    }
}

fn make_password(hub: &Hub) -> String {
    let mut random = [0_u8; PASSWORD_CHARS];
    hub.minter().entropy().fill(&mut random);
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'x');
    random.iter().map(letter).map(char::from).collect()
}

fn read_password() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("the password cannot be read from the standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
