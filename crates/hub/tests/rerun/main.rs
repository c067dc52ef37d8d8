//! Reruns: a declined new sale is tried again by a person or by API, one by one or in a batch.
#![cfg(test)]

#[expect(dead_code, reason = "the support of all tests of the hub; this suite uses a part")]
#[path = "../support/mod.rs"]
mod support;

mod batch;
mod eligible;
mod lost;
mod meanwhile;
mod open;
mod ordinary;
mod resume;

use std::sync::Arc;

use domain::attempt::Attempt;
use domain::configuration::Target;
use domain::ids::GatewayId;
use domain::order::OrderStatus;
use gateways::fake::{Act, FakeGateway};
use recoup_hub::{OrderView, Rerun, RerunAnswer, Skip};
use storage::testing::On;

use support::{TestHub, tea};

/// A shop with an ordinary and a salvage gateway, and no cascade between them.
pub(crate) struct Shop {
    pub(crate) app: TestHub,
    pub(crate) first: (GatewayId, Arc<FakeGateway>),
    pub(crate) salvage: (GatewayId, Arc<FakeGateway>),
}

impl Shop {
    pub(crate) async fn new(on: On) -> Self {
        let app = TestHub::new(on).await;
        let first = app.gateway(1, "first").await;
        let salvage = app.salvage(2, "salvage").await;
        app.campaign(Target::Gateway(first.0)).await;
        Self { app, first, salvage }
    }

    /// A declined order.
    pub(crate) async fn declined(&self, act: Act) -> OrderView {
        self.first.1.script([act]);
        let view = self.app.import(tea()).await;
        assert_eq!(view.order.status, OrderStatus::Declined);
        view
    }

    /// At the salvage gateway, named directly.
    pub(crate) fn at_salvage(&self) -> Rerun {
        Rerun { gateway: Some(self.salvage.0), ..Rerun::default() }
    }

    /// At the order's own gateway.
    pub(crate) fn at_own() -> Rerun {
        Rerun::default()
    }

    pub(crate) async fn rerun(&self, view: &OrderView, rerun: &Rerun) -> RerunAnswer {
        self.app.hub.rerun_order(self.app.merchant, view.order.id, rerun, "ann").await.unwrap()
    }

    /// A rerun that was sent: the order and the attempt as they stand.
    pub(crate) async fn attempted(&self, view: &OrderView, rerun: &Rerun) -> (OrderView, Attempt) {
        match self.rerun(view, rerun).await {
            RerunAnswer::Attempted { view, attempt } => (*view, *attempt),
            RerunAnswer::Skipped(skip) => panic!("skipped: {skip:?}"),
        }
    }

    /// A rerun that was not sent.
    pub(crate) async fn skipped(&self, view: &OrderView, rerun: &Rerun) -> Skip {
        match self.rerun(view, rerun).await {
            RerunAnswer::Skipped(skip) => skip,
            RerunAnswer::Attempted { attempt, .. } => panic!("sent: {attempt:?}"),
        }
    }

    /// A salvage that the gateway works on.
    pub(crate) async fn open(&self, view: &OrderView) -> (OrderView, Attempt) {
        self.salvage.1.script([Act::Pend]);
        let (view, attempt) = self.attempted(view, &self.at_salvage()).await;
        assert_eq!(view.salvage_status(), "pending");
        (view, attempt)
    }

    pub(crate) async fn events(&self, view: &OrderView) -> Vec<String> {
        let events = self.app.hub.store().list_events_of_order(self.app.merchant, view.order.id).await;
        events.unwrap().into_iter().map(|event| event.kind).collect()
    }

    pub(crate) async fn fulfilments(&self, view: &OrderView) -> usize {
        let store = self.app.hub.store();
        store.list_fulfilments_of_order(self.app.merchant, view.order.id).await.unwrap().len()
    }

    pub(crate) async fn alerts(&self) -> Vec<String> {
        let alerts = self.app.hub.store().list_open_alerts(self.app.merchant, 10).await.unwrap();
        alerts.into_iter().map(|alert| alert.kind).collect()
    }
}

/// Minor units that a gateway took and kept.
pub(crate) fn kept(gateway: &FakeGateway) -> i64 {
    gateway.booked().iter().map(|one| one.minor).sum()
}

/// The test's clock.
pub(crate) fn now(app: &TestHub) -> jiff::Timestamp {
    app.hub.minter().now()
}
