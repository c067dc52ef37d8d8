//! Driving a step to its end, one call at a time.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::SignedDuration;
use tokio::runtime::Handle;

use crate::checks::Checks;
use crate::operations::Operations;
use crate::world::World;

/// A caller who waits for another process sleeps so long at most; longer is a hang.
const NAPS_MAX: u32 = 30_000;
/// Real time of a nap.
const NAP: Duration = Duration::from_millis(1);
/// Calls of one step; more is a loop without an end.
const CALLS_MAX: u32 = 100_000;

/// Drives everything under way to its end.
pub(crate) async fn drive(world: &mut World, operations: &mut Operations, checks: &mut Checks) -> Result<()> {
    let (mut naps, mut calls) = (0_u32, 0_u32);
    world.scheduler.settle().await;
    operations.set_off();
    loop {
        world.scheduler.settle().await;
        for line in operations.reap() {
            if line.contains("PANIC") {
                bail!("{line}");
            }
            world.scheduler.note(line);
        }
        world.restart_dead();
        if checks.is_thorough {
            checks.touched(world).await?;
        }
        if world.scheduler.has_waiting() {
            amid(world, operations);
            world.scheduler.release();
            (naps, calls) = (0, calls + 1);
        } else if operations.len() == 0
            && Handle::current().metrics().num_alive_tasks() <= world.resting_tasks
        {
            return Ok(());
        } else {
            naps += 1;
            nap().await;
        }
        if naps > NAPS_MAX || calls > CALLS_MAX {
            bail!("a step does not end: {} under way after {calls} calls and {naps} naps", operations.len());
        }
    }
}

/// What happens while calls wait: time passes, a caller hangs up.
fn amid(world: &World, operations: &Operations) {
    let (dice, rates) = (world.scheduler.dice(), world.scheduler.rates());
    if world.scheduler.is_only_waiting() {
        world.clock.advance(SignedDuration::from_secs(30));
    }
    if dice.per_mille(rates.delay) {
        world.scheduler.count(|counts| counts.delayed += 1);
        let millis = if dice.one_in(20) { dice.between(1_000, 90_000) } else { dice.between(1, 900) };
        world.clock.advance(SignedDuration::from_millis(millis));
    }
    if dice.per_mille(rates.hang_up) && operations.hang_up() {
        world.scheduler.count(|counts| counts.hung_up += 1);
    }
}

/// Lets real time pass.
#[expect(
    clippy::disallowed_methods,
    reason = "real time passes in another thread, or for a caller who sleeps"
)]
pub(crate) async fn nap() {
    tokio::time::sleep(NAP).await;
}
