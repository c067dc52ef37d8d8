//! The invariants of DESIGN.md section 4, as the doctor knows them and as the acquirers' books show them.

use anyhow::Result;

use crate::world::World;
use crate::{ledger, targeted};

/// The whole database is checked after so many steps.
const STEPS_BETWEEN: u64 = 20;
/// Kinds of gateways that only salvage.
const SALVAGE_KINDS: [&str; 1] = ["flexfactor"];

/// What was checked, and what is broken.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// Invariants asked about so far.
    pub(crate) count: u64,
    /// What is broken; the seed ends with the first.
    pub(crate) broken: Vec<String>,
    /// Whether everything is checked after every step, and what was touched after every call: slower, and a broken seed
    /// ends where it breaks.
    pub(crate) is_thorough: bool,
    steps: u64,
    known: usize,
}

impl Checks {
    /// The payments that were touched since the last call.
    pub(crate) async fn touched(&mut self, world: &World) -> Result<()> {
        for role in [&world.hub_role, &world.platform_role] {
            let ids = role.touched.take();
            if !ids.is_empty() {
                self.add(targeted::COUNT, targeted::broken(&role.store, &ids).await?);
            }
        }
        Ok(())
    }

    /// A step has ended: what it touched, and no charge without an intent; every so often everything.
    pub(crate) async fn step(&mut self, world: &World) -> Result<()> {
        self.steps += 1;
        self.touched(world).await?;
        let orphans = ledger::without_intent(world, &mut self.known).await?;
        self.add(1, orphans);
        if self.is_thorough || self.steps.is_multiple_of(STEPS_BETWEEN) {
            self.whole(world).await?;
        }
        Ok(())
    }

    /// Everything the doctor asks about, in both databases.
    pub(crate) async fn whole(&mut self, world: &World) -> Result<()> {
        for store in [&world.hub_role.store, &world.platform_role.store] {
            let (broken, count) = store.list_broken_invariants(&SALVAGE_KINDS).await?;
            self.add(count, broken.iter().map(|one| format!("{} {}: {}", one.invariant, one.id, one.what)));
            let (broken, count) = store.list_broken_recoveries().await?;
            self.add(count, broken.iter().map(|one| format!("{} {}: {}", one.invariant, one.id, one.what)));
        }
        Ok(())
    }

    /// Everything is at rest: the books are the same.
    pub(crate) async fn books(&mut self, world: &World) -> Result<()> {
        let differences = ledger::differences(world).await?;
        self.add(ledger::COUNT, differences);
        Ok(())
    }

    /// Adds what was found.
    pub(crate) fn add(&mut self, count: usize, broken: impl IntoIterator<Item = String>) {
        self.count = self.count.saturating_add(u64::try_from(count).unwrap_or(0));
        self.broken.extend(broken);
    }
}
