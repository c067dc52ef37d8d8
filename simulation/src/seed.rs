//! One seed, from an empty database to rest.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use storage::{Statement, Store};

use crate::checks::Checks;
use crate::databases::Databases;
use crate::dice::Dice;
use crate::faults::Counts;
use crate::planted::{Bug, Planted};
use crate::play::Play;
use crate::rest::rest;
use crate::scheduler::Scheduler;
use crate::world::{ROLES, World};

const PAYMENTS: &str = "-- count_payments
SELECT COUNT(*) AS payments FROM payments";

/// What is played.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// Whether its trace is printed, and everything is checked after every step.
    pub is_printed: bool,
    /// The bug that is planted.
    pub bug: Option<Bug>,
}

/// What became of a seed.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The hub's payments.
    pub payments: u64,
    /// The platform's payments.
    pub rescues: u64,
    /// What went wrong on purpose.
    pub counts: Counts,
    /// Invariants asked about.
    pub checked: u64,
    /// What is broken; empty when all is well.
    pub broken: Vec<String>,
    /// The hash of its trace.
    pub hash: u64,
    /// The trace's last lines.
    pub last: Vec<String>,
}

/// Plays seeds: holds a migrated database to copy, and the folder for all of them. Dropped outside of a runtime.
#[derive(Debug)]
pub struct Simulator {
    folder: tempfile::TempDir,
    databases: Databases,
}

impl Simulator {
    /// A simulator whose databases are SQLite files; in memory where the system offers a folder for that.
    pub fn new() -> Result<Self> {
        let folder = in_memory()?;
        let databases = runtime()?.block_on(Databases::sqlite(folder.path()))?;
        Ok(Self { folder, databases })
    }

    /// A simulator whose databases are a PostgreSQL server's; its address names any database of it. No database is put
    /// back to an earlier copy there: that is played with files.
    pub fn on_postgres(server: &str) -> Result<Self> {
        let databases = runtime()?.block_on(Databases::postgres(server))?;
        Ok(Self { folder: in_memory()?, databases })
    }

    /// Plays a seed. An error is a fault of the simulation, or a panic of what it plays: broken as well.
    pub fn play(&self, run: Run) -> Outcome {
        let scheduler = Arc::new(Scheduler::new(run.seed, run.is_printed));
        let mut checks = Checks::default();
        checks.is_thorough = run.is_printed;
        let played = self.try_play(run, &scheduler, &mut checks);
        let (payments, rescues) = match played {
            Ok(counted) => counted,
            Err(error) => {
                checks.broken.push(format!("the seed was not played to its end: {error:#}"));
                (0, 0)
            }
        };
        let (hash, last) = scheduler.trace();
        let counts = scheduler.counts();
        Outcome {
            seed: run.seed,
            payments,
            rescues,
            counts,
            checked: checks.count,
            broken: checks.broken,
            hash,
            last,
        }
    }

    /// Plays seeds with a planted bug until its invariant finds it: the seed and the line. Otherwise what else was broken.
    pub fn find(&self, bug: Bug, seeds: Range<u64>) -> Result<(u64, String), BTreeSet<String>> {
        let mut others = BTreeSet::new();
        for seed in seeds {
            let outcome = self.play(Run { seed, bug: Some(bug), ..Run::default() });
            for line in outcome.broken {
                if line.starts_with(bug.found_as) {
                    return Ok((seed, line.lines().next().unwrap_or_default().to_owned()));
                }
                others.extend(line.split_whitespace().next().map(str::to_owned));
            }
        }
        Err(others)
    }

    fn try_play(&self, run: Run, scheduler: &Arc<Scheduler>, checks: &mut Checks) -> Result<(u64, u64)> {
        let folder = tempfile::tempdir_in(self.folder.path()).context("no folder for the seed")?;
        runtime()?.block_on(async {
            let scheduler = Arc::clone(scheduler);
            let played = self.play_in(run, folder.path(), scheduler, checks).await;
            for role in ROLES {
                self.databases.remove(folder.path(), role).await?;
            }
            played
        })
    }

    async fn play_in(
        &self,
        run: Run,
        folder: &Path,
        scheduler: Arc<Scheduler>,
        checks: &mut Checks,
    ) -> Result<(u64, u64)> {
        let plant = Planted::of(run.bug);
        let mut world = World::new(run.seed, folder, &self.databases, scheduler, plant).await?;
        let restored = Play::new(run.seed, self.databases.can_restore()).run(&mut world, checks).await?;
        if checks.broken.is_empty() {
            match &restored {
                Some(restored) => restored.end(&mut world, checks).await?,
                None => rest(&mut world, &Dice::new(run.seed ^ 0x4E57), checks).await?,
            }
        }
        if checks.broken.is_empty() {
            checks.whole(&world).await?;
        }
        // After a restored backup a person settles what the books differ in.
        if checks.broken.is_empty() && restored.is_none() {
            checks.books(&world).await?;
        }
        let lost = restored.map_or(0, |restored| restored.lost_payments);
        let ours = payments(&world.hub_role.store).await?.saturating_add(lost);
        let counted = (ours, payments(&world.platform_role.store).await?);
        world.close().await;
        Ok(counted)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // What is left behind is an empty database.
        let _ = runtime().and_then(|runtime| runtime.block_on(self.databases.close()));
    }
}

fn in_memory() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }?)
}

/// How many payments a database knows.
pub(crate) async fn payments(store: &Store) -> Result<u64> {
    let rows = store.backend().query(Statement::new(PAYMENTS, vec![])).await?;
    let count = rows.first().map_or(Ok(0), |row| row.int("payments"))?;
    Ok(u64::try_from(count)?)
}

/// A seed has a runtime of its own, in one thread, and one for what blocks: what runs next is decided by nobody but the
/// scheduler.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?)
}
