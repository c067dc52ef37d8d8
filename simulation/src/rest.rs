//! Driving everything open to rest on the moved clock.

use anyhow::Result;
use jiff::SignedDuration;
use storage::subscriptions::SubscriptionFilter;
use storage::{Statement, Store};

use crate::checks::Checks;
use crate::dice::Dice;
use crate::drive::drive;
use crate::faults::Rates;
use crate::operations::Operations;
use crate::world::World;
use crate::{decisions, workers};

/// Days in which everything goes on by itself.
const DAYS_ON: i64 = 14;
/// Days after the last cancellation: the longest salvage is asked to stop, and reports are tried for three days.
const DAYS_AFTER: i64 = 26;
/// Hours between two looks for due work.
const HOURS: i64 = 24;
/// Passes over everything due of one look.
const PASSES_MAX: usize = 4;

const OPEN: &str = "-- open_work
SELECT (SELECT COUNT(*) FROM attempts WHERE state IN ('sending', 'in_doubt', 'pending'))
    + (SELECT COUNT(*) FROM operations WHERE state IN ('sending', 'in_doubt') AND NOT ($1 AND needs_person))
    + (SELECT COUNT(*) FROM late_approvals a WHERE a.state NOT IN ('given_back', 'kept') AND NOT (a.state = 'in_doubt' AND EXISTS (
        SELECT 1 FROM alerts l WHERE l.merchant_id = a.merchant_id AND l.attempt_id = a.attempt_id
            AND l.kind = 'late_approval_stuck' AND l.closed_at IS NULL))) AS open";

const SHOWN: &str = "-- open_shown
SELECT 'attempt ' || state || ' ' || route || ' at ' || gateway_kind || ', doubt ' || COALESCE(doubt, '-') || ', checks '
    || checks || ', person ' || needs_person || ', due ' || COALESCE(CAST(next_check_at AS TEXT), '-') || ' ' || lower(hex(id)) AS line
FROM attempts
WHERE state IN ('sending', 'in_doubt', 'pending')
UNION ALL
SELECT kind || ' ' || state || ', checks ' || checks || ', person ' || needs_person
FROM operations
WHERE state IN ('sending', 'in_doubt')
UNION ALL
SELECT 'late approval ' || state || ', due ' || COALESCE(CAST(next_action_at AS TEXT), '-') || ' ' || lower(hex(attempt_id))
FROM late_approvals
WHERE state NOT IN ('given_back', 'kept')";

/// What is open, in words.
async fn shown(store: &Store) -> Result<Vec<String>> {
    let rows = store.backend().query(Statement::new(SHOWN, vec![])).await?;
    rows.iter().map(|row| Ok(row.text("line")?)).collect()
}

/// How much is open: attempts, operations, late approvals. What waits for people at the platform is at rest: nobody plays
/// them.
async fn open(store: &Store, is_platform: bool) -> Result<i64> {
    let rows = store.backend().query(Statement::new(OPEN, vec![is_platform.into()])).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.int("open"))?)
}

/// Nothing goes wrong any more, and nobody buys. What is still open after 40 days is broken.
pub(crate) async fn rest(world: &mut World, dice: &Dice, checks: &mut Checks) -> Result<()> {
    days(world, dice, checks, DAYS_ON, false).await?;
    cancel_all(world, checks).await?;
    days(world, dice, checks, DAYS_AFTER, true).await?;
    for (name, store) in [("hub", &world.hub_role.store), ("platform", &world.platform_role.store)] {
        let left = open(store, name == "platform").await?;
        let shown = if left > 0 { shown(store).await? } else { Vec::new() };
        let words =
            (left > 0).then(|| format!("never_at_rest {left} open on the {name} after 40 days: {shown:?}"));
        checks.add(1, words);
    }
    Ok(())
}

async fn days(
    world: &mut World,
    dice: &Dice,
    checks: &mut Checks,
    days: i64,
    until_rest: bool,
) -> Result<()> {
    for day in 0..days * 24 / HOURS {
        if !checks.broken.is_empty() {
            return Ok(());
        }
        world.clock.advance(SignedDuration::from_hours(HOURS));
        for _ in 0..PASSES_MAX {
            let before = world.scheduler.acts();
            let mut operations = Operations::default();
            world.scheduler.hold(Rates::default());
            workers::hub_pass(world, 0, &mut operations);
            workers::platform_pass(world, &mut operations);
            workers::late_report(world, &mut operations);
            // Each comparison reads the books of two days.
            if day % 2 == 0 {
                workers::hub_daily(world, 0, &mut operations);
            }
            decisions::decide(world, dice, &mut operations).await?;
            drive(world, &mut operations, checks).await?;
            world.scheduler.free();
            if world.scheduler.acts() == before {
                break;
            }
        }
        checks.step(world).await?;
        let left = open(&world.hub_role.store, false).await? + open(&world.platform_role.store, true).await?;
        if until_rest && left == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// Nobody is billed any more.
async fn cancel_all(world: &mut World, checks: &mut Checks) -> Result<()> {
    for merchant in world.merchants.clone() {
        let filter = SubscriptionFilter::default();
        for one in world.hub_role.store.list_subscriptions(merchant, &filter, 1_000, 0).await? {
            let hub = world.hub(0).hub.clone();
            // Those that have ended refuse.
            let _ = hub.cancel_subscription(merchant, one.id, false, "the end", "operator").await;
        }
    }
    checks.step(world).await
}
