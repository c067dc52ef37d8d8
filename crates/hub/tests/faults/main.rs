//! Lost answers, crashes and people: nothing is charged twice, nothing stays unknown without being worked on.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod cascade;
mod doubt;
mod drivers;
mod hooks;
mod imports;
mod not_sent;
mod operations;
mod overtaken;
mod people;
mod racing_refunds;

use std::sync::Arc;

use domain::attempt::Route;
use domain::configuration::Target;
use gateways::fake::FakeGateway;
use recoup_hub::OrderView;
use storage::testing::On;

use support::TestHub;

/// Minor units that the gateway took and kept.
fn kept(gateway: &FakeGateway) -> i64 {
    gateway.booked().iter().map(|one| one.minor).sum()
}

async fn one_gateway(on: On) -> (TestHub, Arc<FakeGateway>) {
    let app = TestHub::new(on).await;
    let (id, gateway) = app.gateway(1, "first").await;
    app.campaign(Target::Gateway(id)).await;
    (app, gateway)
}

/// An ordinary gateway whose soft declines go to a salvage gateway.
async fn with_salvage(on: On) -> (TestHub, Arc<FakeGateway>, Arc<FakeGateway>) {
    let app = TestHub::new(on).await;
    let (id, gateway) = app.gateway(1, "first").await;
    let (salvage_id, salvage) = app.salvage(2, "salvage").await;
    let cascade = app.cascade(1, &[salvage_id], 1).await;
    app.edit_gateway(id, |gateway| gateway.direct_cascade = Some(cascade)).await;
    app.campaign(Target::Gateway(id)).await;
    (app, gateway, salvage)
}

fn routes(view: &OrderView) -> Vec<Route> {
    view.attempts.iter().map(|attempt| attempt.route).collect()
}
