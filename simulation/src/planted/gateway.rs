//! Gateways that say what is not so; and bugs of ours: they guess where they should doubt.

use std::sync::Arc;

use domain::attempt::RawDecline;
use domain::configuration::{Capabilities, Provider};
use domain::doubt::{FenceAnswer, Finding};
use gateways::{
    BookedApproval, ChargeOutcome, ChargeRequest, Connect, Gateway, GatewayError, InquireRequest,
    OperationFinding, OperationOutcome, OperationRequest, RawReport, Reply, Report, ReportError, Settings,
    SettingsError, Standing,
};
use jiff::Timestamp;

use super::Plant;
use crate::scheduler::Scheduler;

/// A catalogue of gateways that lie now and then, maybe with a bug.
#[derive(Debug)]
pub(super) struct PlantedConnect {
    pub(super) inner: Arc<dyn Connect>,
    pub(super) plant: Plant,
    pub(super) scheduler: Arc<Scheduler>,
}

impl Connect for PlantedConnect {
    fn providers(&self) -> Vec<Provider> {
        self.inner.providers()
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        let inner = self.inner.connect(kind, settings)?;
        Ok(Arc::new(PlantedGateway { inner, plant: self.plant, scheduler: Arc::clone(&self.scheduler) }))
    }
}

#[derive(Debug)]
struct PlantedGateway {
    inner: Arc<dyn Gateway>,
    plant: Plant,
    scheduler: Arc<Scheduler>,
}

impl PlantedGateway {
    /// Now and then a service says that it has given up, and goes on: an approval comes late (M17).
    fn lies(&self) -> bool {
        let is_lie = self.scheduler.dice().per_mille(self.scheduler.rates().lie);
        if is_lie {
            self.scheduler.count(|counts| counts.lies += 1);
        }
        is_lie
    }
}

fn guessed() -> RawDecline {
    RawDecline { code: "200".to_owned(), text: "DECLINE".to_owned(), ..RawDecline::default() }
}

impl Gateway for PlantedGateway {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn time_limit_secs(&self) -> i64 {
        self.inner.time_limit_secs()
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(async move {
            match (self.inner.charge(request).await, self.plant) {
                (Err(GatewayError::InDoubt(..)), Plant::GuessesDeclined) => {
                    Ok(ChargeOutcome::Declined(guessed()))
                }
                (Err(GatewayError::InDoubt(_, error)), Plant::GuessesNotSent) => {
                    Err(GatewayError::NotSent(error))
                }
                (answer, _) => answer,
            }
        })
    }

    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        self.inner.inquire(request)
    }

    fn fence<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        self.inner.fence(request)
    }

    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        Box::pin(async move {
            match (self.inner.operate(request).await, self.plant) {
                (Err(GatewayError::InDoubt(..)), Plant::GuessesDone) => {
                    Ok(OperationOutcome::Done { reference: "guessed".to_owned(), text: String::new() })
                }
                (answer, _) => answer,
            }
        })
    }

    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        self.inner.inquire_operation(request)
    }

    fn salvage_days(&self) -> Option<i64> {
        self.inner.salvage_days()
    }

    fn look_up<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Standing> {
        Box::pin(async move {
            if self.plant == Plant::GuessesCancelled {
                return Standing::Cancelled;
            }
            match self.inner.look_up(request).await {
                Standing::Working(_) if self.lies() => Standing::Cancelled,
                standing => standing,
            }
        })
    }

    fn read_report(&self, raw: &RawReport) -> Result<Report, ReportError> {
        self.inner.read_report(raw)
    }

    fn list_approvals(&self, since: Timestamp) -> Reply<'_, Result<Vec<BookedApproval>, String>> {
        // The daily comparison guards these a second time: it shows them to a person.
        if matches!(self.plant, Plant::GuessesCancelled | Plant::Drops("insert_late_approval")) {
            return Box::pin(async { Ok(Vec::new()) });
        }
        self.inner.list_approvals(since)
    }

    fn takes_chargebacks(&self) -> bool {
        self.inner.takes_chargebacks()
    }

    fn equal_charge_spacing_secs(&self) -> i64 {
        self.inner.equal_charge_spacing_secs()
    }
}
