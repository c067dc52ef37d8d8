//! Works on a kept report: believes or refuses it, applies it, and ends it.

use std::sync::Arc;

use charging::NoGateway;
use gateways::{Gateway, RawReport, Report, ReportError};
use jiff::Timestamp;
use storage::inbound_reports::{self, Ended, InboundReport, Named, ReportState};
use storage::{StoreError, Transaction, alerts, chargebacks, late_approvals, operations};
use uuid::Uuid;

use super::{Case, Effect, Received, later, word};
use crate::{Hub, HubError};

/// Refused reports that are kept of each gateway.
const REFUSED_MAX: i64 = 1_000;
/// Tried again after so many seconds; then every [`SLOWLY_SECS`], with an alert.
const TRY_AFTER_SECS: [i64; 6] = [5, 15, 60, 300, 1_800, 7_200];
const SLOWLY_SECS: i64 = 21_600;
/// Seconds that a lease lasts at least.
const LEASE_SECS_MIN: i64 = 120;
/// Most calls to a gateway while one report is worked on, and the seconds around them.
const CALLS_MAX: i64 = 6;
const MARGIN_SECS: i64 = 30;
/// How often a report is applied anew when something else changed meanwhile.
const ROUNDS_MAX: usize = 4;

/// Steps in whose conflict somebody else was faster: what a report leads to is decided anew.
const OVERTAKEN: [&str; 7] = [
    chargebacks::MARKED_BEFORE,
    late_approvals::RECORDED_BEFORE,
    operations::BOOKED_BEFORE,
    operations::GIVEN_BACK_SINCE,
    operations::NOT_APPROVED,
    operations::MORE_THAN_TAKEN,
    "reverse_attempt",
];

impl Hub {
    /// When a lease on a report or a late approval, taken now, ends: after every call of its work.
    pub(super) fn report_lease_until(&self) -> Timestamp {
        let calls = self.charging.connections.call_secs_max().saturating_mul(CALLS_MAX);
        later(self.minter().now(), calls.saturating_add(MARGIN_SECS).max(LEASE_SECS_MIN))
    }

    /// Works on a report that is leased to `fence`. Safe to run twice.
    pub(super) async fn work_on_report(
        &self,
        kept: &InboundReport,
        fence: Uuid,
    ) -> Result<Received, HubError> {
        let (gateway, read) = match self.read_kept(kept).await? {
            Ok(read) => read,
            Err(words) => {
                self.report_waits(kept, &words, fence).await?;
                return Ok(Received::Later);
            }
        };
        let report = match read {
            Ok(report) => report,
            Err(error) => return self.refuse_report(kept, error, fence).await,
        };
        if !self.name_report(kept, &report, fence).await? {
            return Ok(Received::Again);
        }
        let case = Case { kept, report: &report, gateway: &gateway };
        for _ in 0..ROUNDS_MAX {
            match self.apply_case(&case).await? {
                Effect::Wait(words) => {
                    self.report_waits(kept, &words, fence).await?;
                    return Ok(Received::Accepted);
                }
                Effect::End(ended, steps) => {
                    let end = inbound_reports::end(kept.merchant_id, kept.id, &ended, fence);
                    let transaction = Transaction::new("end_report").with(end).with_all(steps);
                    match self.store().commit(transaction).await {
                        Ok(_) => {
                            tell_end(kept, &ended);
                            return Ok(Received::Accepted);
                        }
                        Err(error) if error.is_conflict_in(inbound_reports::LEASE_LOST) => {
                            return Ok(Received::Accepted);
                        }
                        Err(error) if OVERTAKEN.iter().any(|step| error.is_conflict_in(step)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        self.report_waits(kept, "Other changes of the same attempt were always faster.", fence).await?;
        Ok(Received::Accepted)
    }

    /// The gateway of a report and its reading; a sentence when the gateway cannot be used now.
    async fn read_kept(
        &self,
        kept: &InboundReport,
    ) -> Result<Result<(Arc<dyn Gateway>, Result<Report, ReportError>), String>, HubError> {
        let raw = RawReport {
            headers: kept.headers.clone(),
            host: kept.host.clone(),
            body: kept.body.clone(),
            received_at: kept.received_at,
        };
        let mut configuration = self.configuration(kept.merchant_id).await?;
        // Another process may have changed a key or an option.
        if self.store().find_config_version(kept.merchant_id).await? != Some(configuration.version) {
            configuration = self.reload(kept.merchant_id).await?;
        }
        let Some(configured) = configuration.gateway(kept.gateway_id) else {
            return Ok(Err("Its gateway is not configured any more.".to_owned()));
        };
        let connections = &self.charging.connections;
        match connections.gateway(kept.merchant_id, configuration.version, configured).await {
            Ok(gateway) => {
                let read = gateway.read_report(&raw);
                Ok(Ok((gateway, read)))
            }
            Err(NoGateway::Store(error)) => Err(error.into()),
            Err(error @ (NoGateway::Settings(_) | NoGateway::Vault(_) | NoGateway::MovableClock)) => {
                Ok(Err(format!("Its gateway cannot be used: {error}.")))
            }
        }
    }

    /// Keeps what a report tells; false when the same one was here before, which is then forgotten.
    async fn name_report(
        &self,
        kept: &InboundReport,
        report: &Report,
        fence: Uuid,
    ) -> Result<bool, StoreError> {
        let named = Named {
            signature: &report.signature,
            kind: word(&report.kind),
            reference: &report.reference,
            gateway_reference: &report.gateway_reference,
        };
        let steps = inbound_reports::name(kept.merchant_id, kept.gateway_id, kept.id, named, fence);
        match self.store().commit(Transaction::new("name_report").with_all(steps)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict_in(inbound_reports::SEEN_BEFORE) => {
                let discard = inbound_reports::discard(kept.merchant_id, kept.id, fence);
                self.store().commit(Transaction::new("discard_report").with(discard)).await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn refuse_report(
        &self,
        kept: &InboundReport,
        error: ReportError,
        fence: Uuid,
    ) -> Result<Received, HubError> {
        let ended = Ended {
            state: ReportState::Refused,
            effect: format!("Refused: {error}."),
            attempt_id: None,
            operation_id: None,
        };
        let transaction = Transaction::new("refuse_report")
            .with(inbound_reports::end(kept.merchant_id, kept.id, &ended, fence))
            .with(inbound_reports::trim_refused(kept.merchant_id, kept.gateway_id, REFUSED_MAX));
        match self.store().commit(transaction).await {
            Ok(_) => tell_end(kept, &ended),
            Err(error) if error.is_conflict_in(inbound_reports::LEASE_LOST) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(match error {
            ReportError::Unreadable => Received::Unreadable,
            ReportError::Unsupported | ReportError::Unsigned | ReportError::WrongSignature => {
                Received::Refused
            }
        })
    }

    /// When what waits for a person is looked at again.
    pub(super) fn slowly(&self) -> Timestamp {
        later(self.minter().now(), SLOWLY_SECS)
    }

    /// Tries a report again later; after the ladder a person is told, and it is still tried.
    pub(super) async fn report_waits(
        &self,
        kept: &InboundReport,
        words: &str,
        fence: Uuid,
    ) -> Result<(), StoreError> {
        let now = self.minter().now();
        let rung = usize::try_from(kept.tries).ok().and_then(|place| TRY_AFTER_SECS.get(place).copied());
        let at = later(now, rung.unwrap_or(SLOWLY_SECS));
        let wait = inbound_reports::wait(kept.merchant_id, kept.id, words, at, fence);
        let mut transaction = Transaction::new("report_waits").with(wait);
        if rung.is_none() {
            transaction = transaction.with(inbound_reports::alert_once(&alerts::Alert {
                merchant_id: kept.merchant_id,
                id: self.minter().mint(),
                kind: "report_waits".to_owned(),
                order_id: None,
                attempt_id: None,
                words: format!("Report {} could not be applied for hours. {words}", kept.id),
                created_at: now,
            }));
        }
        self.store().commit(transaction).await.map(|_| ())
    }
}

fn tell_end(kept: &InboundReport, ended: &Ended) {
    let (id, state) = (kept.id, ended.state.as_str());
    tracing::info!(report.id = %id, gateway.id = %kept.gateway_id, report.state = state, "Report {id} is {state}: {}", ended.effect);
}
