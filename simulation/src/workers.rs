//! Workers: whatever is due, in the hub's processes and on the platform.

use std::sync::Arc;

use charging::Driver;
use domain::Clock as _;

use crate::operations::Operations;
use crate::world::World;

/// One pass of a hub process over everything that is due.
pub(crate) fn hub_pass(world: &World, at: usize, operations: &mut Operations) {
    let life = world.hub(at);
    let (hub, name) = (life.hub.clone(), life.process.name);
    let now = world.clock.now();
    operations.begin(name, async move {
        let driver = Driver::new(hub.charging().clone(), hub.aftermath());
        let settled = driver.sweep().await.map(|swept| swept.attempts + swept.operations);
        let reports = hub.sweep_reports(now).await;
        let late = hub.sweep_late_approvals(now).await;
        let billed = hub.sweep_subscriptions().await.map(|swept| swept.subscriptions);
        let runs = hub.sweep_runs(now).await.map(hub::RunsSwept::is_idle);
        format!(
            "worked on {:?} open, {:?} reports, {:?} late, {:?} subscriptions, runs idle {:?}",
            settled.ok(),
            reports.ok(),
            late.ok(),
            billed.ok(),
            runs.ok()
        )
    });
}

/// The daily comparison with the gateways' books, and the purge of cards.
pub(crate) fn hub_daily(world: &World, at: usize, operations: &mut Operations) {
    let life = world.hub(at);
    let hub = life.hub.clone();
    operations.begin("daily", async move {
        let compared = hub.charging().reconcile_due().await.ok().flatten();
        let purged = hub.purge_cards_due().await.ok();
        format!("compared {:?}, purged {purged:?}", compared.map(|found| (found.approvals, found.unknown)))
    });
}

/// One pass of the platform.
pub(crate) fn platform_pass(world: &World, operations: &mut Operations) {
    let platform = Arc::clone(&world.platform.platform);
    let charging = world.platform.charging.clone();
    operations.begin("platform", async move {
        let driver = Driver::new(charging, platform.consequences());
        let settled = driver.sweep().await.map(|swept| swept.attempts + swept.operations);
        let worked = platform.sweep().await.map(|swept| (swept.recoveries, swept.events));
        format!("worked on {:?} open, {:?} recoveries and events", settled.ok(), worked.ok())
    });
}

/// A report that was kept back arrives.
pub(crate) fn late_report(world: &World, operations: &mut Operations) {
    if let Some(request) = world.network.take_late() {
        let network = Arc::clone(&world.network);
        operations.begin("late report", async move {
            network
                .deliver(request)
                .await
                .map_or_else(|_| "not taken".to_owned(), |answer| answer.status.to_string())
        });
    }
}
