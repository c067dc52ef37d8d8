//! `recoup keys`: the keys that seal cards and credentials.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use comfy_table::Table;
use domain::Clock as _;
use domain::ids::{CardId, GatewayId, MerchantId};
use storage::{Store, Transaction, cards, configuration};
use uuid::Uuid;
use vault::{Purpose, SystemEntropy, Vault};

use crate::clock::SystemClock;
use crate::place::Place;

/// Servers leave a heartbeat each minute; after so many seconds without one there is none.
const BEAT_SECS_MAX: i64 = 150;
/// Cards sealed anew per transaction.
const BATCH: i64 = 500;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the keys
    List,
    /// Make a new key and seal every card and credential with it; older keys stay readable until retired
    Rotate,
    /// Remove a key that seals nothing any more
    Retire {
        /// The key's number, as listed
        id: u32,
    },
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let _held = options.place.hold()?;
    let path = options.place.existing_key_path()?;
    let store = options.place.open_store().await?;
    let vault = Arc::new(options.place.open_vault(&store, &SystemClock).await?);
    if !matches!(options.action, Action::List) {
        refuse_beside_a_server(&options.place, &store).await?;
    }
    match options.action {
        Action::List => {}
        Action::Rotate => {
            let id = vault
                .rotate_saved(&path, &SystemClock, &SystemEntropy)
                .context("the new key was not saved")?;
            let (sealed, total) = reseal(&store, &vault).await?;
            println!("Key {id} is the newest; {sealed} of {total} sealed values were sealed with it now.");
        }
        Action::Retire { id } => {
            let left = count_sealed_by(&store, id).await?;
            if left > 0 {
                anyhow::bail!("key {id} still seals {left} values; run `recoup keys rotate` first");
            }
            vault.retire_saved(&path, id).context("the key was not retired")?;
            println!("Key {id} is retired.");
        }
    }
    let mut table = Table::new();
    table.set_header(["key", "made"]);
    for (id, made) in vault.list_keys() {
        table.add_row([id.to_string(), made]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

/// A server reads its keys at its start: one that still ran would seal with a key that is retired, and could not open what
/// is sealed with the new one. A folder has a lock; a PostgreSQL database has only its servers' heartbeats.
async fn refuse_beside_a_server(place: &Place, store: &Store) -> Result<()> {
    let beat = store.last_heartbeat().await?.filter(|_| place.database.is_some());
    let age_secs = beat.map(|at| SystemClock.now().duration_since(at).as_secs());
    if let Some(age_secs) = age_secs.filter(|age| *age < BEAT_SECS_MAX) {
        anyhow::bail!(
            "a server used this database {age_secs} s ago, and servers read their keys at their start: stop every node, wait {BEAT_SECS_MAX} s, and try again"
        );
    }
    Ok(())
}

/// Wraps every data key with the newest key; what is sealed already by it stays.
async fn reseal(store: &Store, vault: &Vault) -> Result<(usize, usize)> {
    let (mut sealed, mut total) = (0_usize, 0_usize);
    for merchant in store.list_merchants().await? {
        for (id, old) in credentials(store, merchant.id).await? {
            total = total.saturating_add(1);
            let purpose = Purpose::Secrets;
            if let Some(fresh) = vault.rewrap(&SystemEntropy, purpose, merchant.id, id.uuid(), &old)? {
                let step = configuration::reseal(merchant.id, id, fresh);
                store.commit(Transaction::new("reseal_credentials").with(step)).await?;
                sealed = sealed.saturating_add(1);
            }
        }
        let mut after = CardId::from_uuid(Uuid::nil());
        loop {
            let page = store.list_cards_after(merchant.id, after, BATCH).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let mut transaction = Transaction::new("reseal_cards");
            for card in &page {
                total = total.saturating_add(1);
                let purpose = Purpose::Card;
                let fresh =
                    vault.rewrap(&SystemEntropy, purpose, merchant.id, card.id.uuid(), &card.sealed)?;
                if let Some(fresh) = fresh {
                    transaction = transaction.with(cards::reseal(merchant.id, card.id, fresh));
                    sealed = sealed.saturating_add(1);
                }
            }
            store.commit(transaction).await?;
        }
    }
    Ok((sealed, total))
}

async fn count_sealed_by(store: &Store, key: u32) -> Result<usize> {
    let mut count = 0_usize;
    for merchant in store.list_merchants().await? {
        for (_, sealed) in credentials(store, merchant.id).await? {
            count = count.saturating_add(usize::from(vault::kek_of(&sealed)? == key));
        }
        let mut after = CardId::from_uuid(Uuid::nil());
        loop {
            let page = store.list_cards_after(merchant.id, after, BATCH).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for card in &page {
                count = count.saturating_add(usize::from(vault::kek_of(&card.sealed)? == key));
            }
        }
    }
    Ok(count)
}

async fn credentials(store: &Store, merchant_id: MerchantId) -> Result<Vec<(GatewayId, Vec<u8>)>> {
    let none = |_: &str| None;
    let Some(configuration) = store.find_configuration(merchant_id, &none).await? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for gateway in &configuration.gateways {
        if let Some(sealed) = store.find_sealed_credentials(merchant_id, gateway.id).await? {
            found.push((gateway.id, sealed));
        }
    }
    Ok(found)
}
