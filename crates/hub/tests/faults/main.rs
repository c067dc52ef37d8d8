//! Lost answers, crashes, restored backups and people: nothing is charged or given back twice, nothing stays unknown
//! without being worked on, and what fails again and again is shown to a person.
#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

#[expect(dead_code, reason = "the support of all tests of subscriptions; this suite uses a part")]
#[path = "../support/subscriptions.rs"]
mod subscriptions;

mod cascade;
mod doubt;
mod drivers;
mod faulty;
mod holds;
mod hooks;
mod imports;
mod nmi;
mod not_sent;
mod operations;
mod overtaken;
mod partial;
mod people;
mod racing_refunds;
mod restored;
mod stuck;

use std::sync::Arc;

use domain::attempt::Route;
use domain::configuration::Target;
use gateways::fake::FakeGateway;
use recoup_hub::OrderView;
use storage::operations::Operation;
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

impl TestHub {
    /// Kinds of the open alerts.
    async fn alert_kinds(&self) -> Vec<String> {
        let all = self.hub.store().list_open_alerts(self.merchant, 50).await.unwrap();
        all.into_iter().map(|alert| alert.kind).collect()
    }

    /// The operations of an order, as kind and state.
    async fn operations(&self, view: &OrderView) -> Vec<(String, String)> {
        let all: Vec<Operation> =
            self.hub.store().list_operations_of_order(self.merchant, view.order.id).await.unwrap();
        all.into_iter().map(|one| (one.kind, one.state)).collect()
    }
}
