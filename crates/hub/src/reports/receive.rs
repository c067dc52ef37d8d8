//! A report comes in: its bytes are kept before anything else is done with them.

use domain::ids::GatewayId;
use storage::Transaction;
use storage::inbound_reports::{self, InboundReport, ReportState};

use crate::{Hub, HubError};

/// Headers that are not kept: they carry what other servers on the way believe the caller by.
const NOT_KEPT: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// What became of a report at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is kept and believed; it was applied, or will be.
    Accepted,
    /// The same report was here before: no effect (R135).
    Again,
    /// Its signature is wrong: kept, and nothing else.
    Refused,
    /// Its signature fits, but nothing can be read: kept.
    Unreadable,
    /// It is kept, and cannot be checked yet: its gateway cannot be used now.
    Later,
    /// There is no gateway of this id that sends reports: nothing is kept.
    UnknownGateway,
}

impl Hub {
    /// Takes in what somebody sent for a gateway. `headers` have names in lower case; `host` is the one that this
    /// installation is known by, without a port (M32). The work goes on when the caller hangs up.
    pub async fn receive_report(
        &self,
        gateway_id: GatewayId,
        headers: Vec<(String, String)>,
        host: String,
        body: Vec<u8>,
    ) -> Result<Received, HubError> {
        let Some(merchant_id) = self.store().find_merchant_of_gateway(gateway_id).await? else {
            return Ok(Received::UnknownGateway);
        };
        if !self.takes_reports(merchant_id, gateway_id).await? {
            return Ok(Received::UnknownGateway);
        }
        let headers = headers.into_iter().filter(|(name, _)| !NOT_KEPT.contains(&name.as_str())).collect();
        let report = InboundReport {
            merchant_id,
            id: self.minter().mint(),
            gateway_id,
            received_at: self.minter().now(),
            headers,
            host,
            body,
            kind: String::new(),
            reference: String::new(),
            gateway_reference: String::new(),
            state: ReportState::Received,
            effect: String::new(),
            attempt_id: None,
            operation_id: None,
            tries: 0,
            next_try_at: None,
        };
        let hub = self.clone();
        let work = self.tracker.spawn(async move {
            let fence = hub.minter().uuid();
            let keep = inbound_reports::insert(&report, hub.report_lease_until(), fence);
            hub.store().commit(Transaction::new("keep_report").with(keep)).await?;
            hub.work_on_report(&report, fence).await
        });
        work.await.map_err(|_| HubError::Interrupted)?
    }

    async fn takes_reports(
        &self,
        merchant_id: domain::ids::MerchantId,
        gateway_id: GatewayId,
    ) -> Result<bool, HubError> {
        let known = self.configuration(merchant_id).await?;
        let gateway = match known.gateway(gateway_id) {
            Some(gateway) => Some(gateway.clone()),
            // Another process may have made it.
            None => self.reload(merchant_id).await?.gateway(gateway_id).cloned(),
        };
        Ok(gateway.is_some_and(|gateway| gateway.capabilities.asynchronous))
    }
}
