//! NMI's classic Payment API (`transact.php`) and Query API (`query.php`).
//!
//! Sources, read 2026-11-21: <https://docs.nmi.com>, <https://support.nmi.com>, and the public client
//! <https://github.com/activemerchant/active_merchant> (`nmi.rb` and its tests).

mod books;
mod charge;
mod duplicates;
mod inquire;
mod link;
mod map;
mod operate;
mod operation_inquiry;
mod record;
mod settings;
mod wire;

use std::sync::Arc;

use domain::Clock;
use domain::attempt::Doubt;
use domain::configuration::Capabilities;
use domain::declines::Reason;
use domain::doubt::{FenceAnswer, Finding};
use gateways::{
    BookedApproval, ChargeOutcome, ChargeRequest, Gateway, GatewayError, InquireRequest, OperationFinding,
    OperationKind, OperationOutcome, OperationRequest, Reply, Settings, SettingsError, Transport,
};
use jiff::Timestamp;

use crate::patience::Patience;
use crate::spans;
use link::Link;
use settings::Options;
pub(crate) use settings::{KIND, PROVIDER};

/// Longest wait, seconds, for the query that proves a processor's error to be a decline (M13).
const PROOF_SECS_MAX: u32 = 5;

/// One merchant account at NMI.
#[derive(Debug)]
pub(crate) struct Nmi {
    link: Link,
    options: Options,
    clock: Arc<dyn Clock>,
}

impl Nmi {
    /// A gateway with these settings, which have been checked against [`PROVIDER`].
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        settings: &Settings,
    ) -> Result<Self, SettingsError> {
        Ok(Self { link: Link::new(transport, settings)?, options: Options::read(settings), clock })
    }

    async fn charge_once(&self, request: &ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        if request.amount.is_negative() {
            return Err(map::rejected(Reason::InvalidRequest, "", "an amount to charge is not negative"));
        }
        let form = charge::form(&self.options, request);
        let reply = self.link.transact(form).await?;
        let outcome = map::charge(&reply, request.amount);
        if map::needs_proof(&reply) { self.proven(request, outcome).await } else { outcome }
    }

    /// Codes 400 and 421 are declines only when the query shows the attempt as failed (M13): another attempt follows them.
    async fn proven(
        &self,
        request: &ChargeRequest,
        outcome: Result<ChargeOutcome, GatewayError>,
    ) -> Result<ChargeOutcome, GatewayError> {
        let filters = [("order_id", request.reference.as_str())];
        let search = self.link.query(&filters);
        let found = Patience::of_secs(PROOF_SECS_MAX).wait(search).await;
        let asked = inquire::Asked {
            reference: &request.reference,
            purpose: request.purpose,
            amount: request.amount,
        };
        match (found.map(|records| records.map(|records| inquire::judge(&records, &asked))), outcome) {
            (Some(Ok(Finding::Declined(seen))), Ok(ChargeOutcome::Declined(mut raw))) => {
                raw.network_code = raw.network_code.or(seen.network_code);
                Ok(ChargeOutcome::Declined(raw))
            }
            _ => Err(GatewayError::InDoubt(
                Doubt::Unclear,
                anyhow::anyhow!(
                    "the processor reported an error and the query does not show a failed transaction"
                ),
            )),
        }
    }

    async fn find(&self, request: &InquireRequest) -> Finding {
        let asked = inquire::Asked {
            reference: &request.reference,
            purpose: request.purpose,
            amount: request.amount,
        };
        let finding = match self.link.query(&[("order_id", &request.reference)]).await {
            Ok(records) => inquire::judge(&records, &asked),
            Err(words) => return Finding::Unreachable(words),
        };
        if finding != Finding::NotFound || request.doubt != Doubt::Duplicate {
            return finding;
        }
        let since = duplicates::window_start(request.sent_at);
        let filters = [("cc_number", request.card_last_four.as_str()), ("start_date", since.as_str())];
        match self.link.query_all(&filters).await {
            Ok(records) => duplicates::judge(&records, request),
            Err(words) => Finding::Unreachable(words),
        }
    }

    async fn operate_once(&self, request: &OperationRequest) -> Result<OperationOutcome, GatewayError> {
        if request.gateway_reference.is_empty() {
            return Err(map::rejected(
                Reason::InvalidRequest,
                "",
                "the gateway's id of the transaction is missing",
            ));
        }
        if request.kind != OperationKind::Void && request.amount.minor() <= 0 {
            // NMI reads a missing or zero amount of a refund as "everything".
            return Err(map::rejected(Reason::InvalidRequest, "", "the amount is more than zero"));
        }
        let reply = self.link.transact(operate::form(request)).await?;
        map::operation(&reply)
    }

    async fn find_operation(&self, request: &OperationRequest) -> OperationFinding {
        let mut records = match self.link.query(&[("transaction_id", &request.gateway_reference)]).await {
            Ok(records) => records,
            Err(words) => return OperationFinding::Unknown(words),
        };
        if request.kind == OperationKind::Refund {
            match self.link.query(&[("order_id", &request.reference)]).await {
                Ok(more) => records.extend(more),
                Err(words) => return OperationFinding::Unknown(words),
            }
        }
        operation_inquiry::judge(&records, request, self.clock.now())
    }
}

impl Gateway for Nmi {
    fn capabilities(&self) -> Capabilities {
        PROVIDER.capabilities
    }

    fn is_local(&self) -> bool {
        self.link.is_local()
    }

    fn time_limit_secs(&self) -> i64 {
        self.link.time_limit_secs().saturating_add(i64::from(PROOF_SECS_MAX))
    }

    fn list_approvals(&self, since: Timestamp) -> Reply<'_, Result<Vec<BookedApproval>, String>> {
        Box::pin(async move {
            let until = self.clock.now().saturating_add(books::AHEAD).unwrap_or(Timestamp::MAX);
            let records = spans::read(since, until, |from, to| {
                Box::pin(async move {
                    let (from, to) = (books::moment(from), books::moment(to));
                    self.link.query_pages(&[("start_date", &from), ("end_date", &to)]).await
                })
            });
            Ok(books::approvals(records.await?))
        })
    }

    fn equal_charge_spacing_secs(&self) -> i64 {
        self.options.equal_charge_spacing_secs
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Reply<'a, Result<ChargeOutcome, GatewayError>> {
        Box::pin(self.charge_once(request))
    }

    fn inquire<'a>(&'a self, request: &'a InquireRequest) -> Reply<'a, Finding> {
        Box::pin(self.find(request))
    }

    /// NMI has nothing that makes it refuse a reference (M13).
    fn fence<'a>(&'a self, _: &'a InquireRequest) -> Reply<'a, FenceAnswer> {
        Box::pin(async { FenceAnswer::Failed })
    }

    fn operate<'a>(
        &'a self,
        request: &'a OperationRequest,
    ) -> Reply<'a, Result<OperationOutcome, GatewayError>> {
        Box::pin(self.operate_once(request))
    }

    fn inquire_operation<'a>(&'a self, request: &'a OperationRequest) -> Reply<'a, OperationFinding> {
        Box::pin(self.find_operation(request))
    }
}
