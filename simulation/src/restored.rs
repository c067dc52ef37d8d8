//! The hub's database is put back to an earlier copy: nothing charges by itself until the books have been compared, and
//! what was charged since the copy is shown (M31).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use domain::Clock as _;
use domain::ids::AttemptId;
use jiff::{SignedDuration, Timestamp};
use storage::{Statement, Transaction, Value, marks};

use crate::checks::Checks;
use crate::drive::drive;
use crate::faults::Rates;
use crate::operations::Operations;
use crate::seed::payments;
use crate::world::World;
use crate::{ledger, workers};

/// A copy that is at least so old is seen to be one, hours.
const AGE_HOURS: i64 = 2;

const CHARGED: &str = "-- charged_while_held
SELECT lower(hex(id)) AS id FROM attempts
WHERE route IN ('rebill', 'recycle') AND created_at >= $1";

const SHOWN: &str = "-- shown_by_reconciliation
SELECT words FROM alerts
WHERE kind = 'reconciliation'";

/// A copy of the hub's database.
#[derive(Debug)]
pub(crate) struct Backup {
    path: PathBuf,
    payments: u64,
}

/// The hub's processes over the copy.
#[derive(Debug)]
pub(crate) struct Restored {
    at: Timestamp,
    /// Payments that the copy does not know.
    pub(crate) lost_payments: u64,
}

impl Backup {
    /// Copies the file and its log, as a tool for backups does. Nothing is under way.
    pub(crate) async fn take(world: &World) -> Result<Self> {
        let store = &world.hub_role.store;
        // Processes beat every minute; here only the last beat before the copy matters.
        store.commit(Transaction::new("beat").with(marks::beat("hub", world.clock.now()))).await?;
        let path = world.folder.join("backup.sqlite");
        for end in ["", "-wal"] {
            let from = world.folder.join(format!("hub.sqlite{end}"));
            if from.exists() {
                fs::copy(from, world.folder.join(format!("backup.sqlite{end}")))?;
            }
        }
        Ok(Self { path, payments: payments(store).await? })
    }

    /// Ends the hub's processes and begins others over the copy.
    pub(crate) async fn restore(self, world: &mut World, checks: &mut Checks) -> Result<Restored> {
        let lost_payments = payments(&world.hub_role.store).await?.saturating_sub(self.payments);
        world.clock.advance(SignedDuration::from_hours(AGE_HOURS));
        world.replace_hub_database(&self.path).await?;
        let held = charging::hold_after_restore(&world.hub_role.store, world.clock.as_ref()).await?;
        checks.add(1, held.is_none().then(|| "restored_not_held: automatic charging goes on".to_owned()));
        world.scheduler.note("== restored".to_owned());
        world.scheduler.count(|counts| counts.restored += 1);
        Ok(Restored { at: world.clock.now(), lost_payments })
    }
}

impl Restored {
    /// Nothing has charged by itself, unless the hold has been lifted.
    pub(crate) async fn step(&self, world: &World, checks: &mut Checks) -> Result<()> {
        let store = &world.hub_role.store;
        let mut charged = Vec::new();
        if store.find_mark(charging::CHARGING_HELD).await?.is_some() {
            for row in store.backend().query(Statement::new(CHARGED, vec![Value::from(self.at)])).await? {
                charged.push(format!("charged_while_held {}", row.text("id")?));
            }
        }
        checks.add(1, charged);
        Ok(())
    }

    /// The books are compared: whatever was charged and is not known has been shown, and holds charging still.
    pub(crate) async fn end(&self, world: &mut World, checks: &mut Checks) -> Result<()> {
        world.clock.advance(SignedDuration::from_hours(AGE_HOURS));
        let mut operations = Operations::default();
        world.scheduler.hold(Rates::default());
        workers::hub_daily(world, 0, &mut operations);
        drive(world, &mut operations, checks).await?;
        world.scheduler.free();
        let orphans = orphans(world).await?;
        let mut wrong = Vec::new();
        if !orphans.is_empty() {
            let mark = world.hub_role.store.find_mark(charging::CHARGING_HELD).await?;
            wrong.extend(mark.is_none().then(|| "lifted_over_unknown: charges are unknown".to_owned()));
        }
        let shown = shown(world).await?;
        let is_shown = |reference: &String| shown.iter().any(|words| words.contains(reference));
        let missed = orphans.iter().filter(|reference| !is_shown(reference));
        wrong.extend(missed.map(|reference| format!("unknown_not_shown {reference}")));
        checks.add(2, wrong);
        checks.step(world).await
    }
}

async fn shown(world: &World) -> Result<Vec<String>> {
    let rows = world.hub_role.store.backend().query(Statement::new(SHOWN, vec![])).await?;
    rows.iter().map(|row| row.text("words").context("an alert has words")).collect()
}

/// References of charges that stand at the acquirers or the platform and that no database knows.
async fn orphans(world: &World) -> Result<BTreeSet<String>> {
    let known = ledger::attempts(world).await?;
    let charged = ledger::charged(&world.sandbox.ledger());
    let mut found: BTreeSet<String> = charged.into_iter().collect();
    found.extend(ledger::recovered(world).await?);
    found.retain(|reference| reference.parse::<AttemptId>().is_ok() && !known.contains(reference));
    Ok(found)
}
