//! Reports from gateways: believed by their signature, applied once, and never more than what they prove.
#![cfg(test)]

#[path = "../support/subscriptions.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod subscriptions;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

mod again;
mod by_gateway;
mod chargebacks;
mod doubtful;
mod forged;
mod kept_bills;
mod late;
mod rebills;
mod refunds;
mod reimports;
mod results;
mod returned_bills;

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState};
use domain::configuration::Target;
use domain::ids::{AttemptId, GatewayId};
use domain::order::OrderStatus;
use gateways::RawReport;
use gateways::ReportKind;
use gateways::fake::{Act, Ending, FakeGateway, SALVAGE};
use recoup_hub::{Hub, OrderView, Received, Rerun, RerunAnswer};
use storage::inbound_reports::{InboundReport, ReportState};
use storage::testing::On;

use support::{SOFT, TestHub, tea};

/// A declined new sale, and a salvage gateway that takes it on.
struct Stage {
    app: TestHub,
    main: Arc<FakeGateway>,
    salvage_id: GatewayId,
    salvage: Arc<FakeGateway>,
    order: OrderView,
}

impl Stage {
    /// An open salvage is taken as ended without money, as after a mistake: nobody asked the gateway.
    pub(crate) async fn give_up(&self, attempt: &domain::attempt::Attempt) {
        let lapse = domain::attempt::Lapse {
            cause: domain::attempt::LapseCause::NotReceived,
            reason: None,
            code: String::new(),
            text: "given up".to_owned(),
        };
        let outcome = domain::attempt::Outcome::NotExecuted(lapse);
        let aftermath = self.app.hub.aftermath();
        let charging = self.app.hub.charging();
        charging.resolve_by_person(attempt, outcome, Vec::new(), aftermath.as_ref()).await.unwrap();
    }

    async fn new(on: On) -> Self {
        Self::with(on, |_| {}).await
    }

    /// With chargebacks that are marked.
    async fn with_chargebacks(on: On) -> Self {
        Self::with(on, |gateway| {
            gateway.settings.insert("include_chargebacks".to_owned(), "true".to_owned());
        })
        .await
    }

    async fn with(on: On, adjust: impl FnOnce(&mut domain::configuration::Gateway)) -> Self {
        let app = TestHub::new(on).await;
        let (id, main) = app.gateway(1, "first").await;
        let (salvage_id, salvage) = app.gateway_of(2, "salvage", "fake_salvage", SALVAGE, adjust).await;
        app.campaign(Target::Gateway(id)).await;
        main.script([SOFT]);
        let order = app.import(tea()).await;
        assert_eq!(order.order.status, OrderStatus::Declined);
        Self { app, main, salvage_id, salvage, order }
    }

    /// The declined sale is tried again at this gateway.
    async fn rerun(&self, gateway: GatewayId) -> Attempt {
        let rerun = Rerun { gateway: Some(gateway), ..Rerun::default() };
        match self.app.hub.rerun_order(self.app.merchant, self.order.order.id, &rerun, "ann").await.unwrap() {
            RerunAnswer::Attempted { attempt, .. } => *attempt,
            RerunAnswer::Skipped(skip) => panic!("{skip:?}"),
        }
    }

    /// The declined sale is taken on by the salvage gateway.
    async fn open(&self) -> Attempt {
        self.salvage.script([Act::Pend]);
        let attempt = self.rerun(self.salvage_id).await;
        assert_eq!(attempt.state.name(), "pending");
        attempt
    }

    /// The salvage gateway has collected it, and its report has been applied.
    async fn collected(&self) -> Attempt {
        let attempt = self.open().await;
        self.salvage.end(&attempt.id.base32(), &Ending::Completed);
        self.report(ReportKind::Completed, attempt.id).await;
        let fresh = self.attempt(attempt.id).await;
        assert!(matches!(fresh.state, AttemptState::Approved { .. }), "{fresh:?}");
        fresh
    }

    /// A report about an attempt, signed now.
    fn raw(&self, kind: ReportKind, attempt: AttemptId) -> RawReport {
        self.salvage.report(kind, &attempt.base32(), self.app.hub.minter().now())
    }

    /// Sends a new report about an attempt, which is believed.
    async fn report(&self, kind: ReportKind, attempt: AttemptId) -> InboundReport {
        let raw = self.raw(kind, attempt);
        assert_eq!(self.send(&raw).await, Received::Accepted);
        self.last().await
    }

    async fn send(&self, raw: &RawReport) -> Received {
        send(&self.app.hub, self.salvage_id, raw).await
    }

    /// Reports as they are kept, newest first.
    async fn kept(&self) -> Vec<InboundReport> {
        self.app.hub.store().list_inbound_reports(self.app.merchant, None, None, 50).await.unwrap()
    }

    async fn last(&self) -> InboundReport {
        self.kept().await.into_iter().next().expect("a report is kept")
    }

    async fn states(&self) -> Vec<ReportState> {
        self.kept().await.into_iter().rev().map(|report| report.state).collect()
    }

    async fn attempt(&self, id: AttemptId) -> Attempt {
        self.app.hub.store().find_attempt(self.app.merchant, id).await.unwrap().unwrap()
    }

    async fn fresh(&self) -> OrderView {
        self.app.fresh(&self.order).await
    }

    async fn status(&self) -> OrderStatus {
        self.fresh().await.order.status
    }

    /// Kinds of the order's events.
    async fn events(&self) -> Vec<String> {
        let id = self.order.order.id;
        let all = self.app.hub.store().list_events_of_order(self.app.merchant, id).await.unwrap();
        all.into_iter().map(|event| event.kind).collect()
    }

    /// Kinds of the open alerts.
    async fn alerts(&self) -> Vec<String> {
        let all = self.app.hub.store().list_open_alerts(self.app.merchant, 50).await.unwrap();
        all.into_iter().map(|alert| alert.kind).collect()
    }

    /// Minor units that the salvage gateway took and kept.
    fn taken(&self) -> i64 {
        self.salvage.booked().iter().map(|one| one.minor).sum()
    }

    /// Moves the clock, and works on reports and late approvals that become due, nothing else.
    async fn sweep_after(&self, secs: i64) {
        self.app.clock.advance(jiff::SignedDuration::from_secs(secs));
        let (hub, now) = (&self.app.hub, self.app.hub.minter().now());
        hub.sweep_reports(now).await.unwrap();
        hub.sweep_late_approvals(now).await.unwrap();
    }

    /// No invariant is broken, and no report is left that could be applied now.
    async fn end(self) {
        let now = self.app.hub.minter().now();
        assert_eq!(self.app.hub.sweep_reports(now).await.unwrap(), 0, "a report is left over");
        self.app.end().await;
    }
}

async fn send(hub: &Hub, gateway: GatewayId, raw: &RawReport) -> Received {
    hub.receive_report(gateway, raw.headers.clone(), raw.host.clone(), raw.body.clone()).await.unwrap()
}
