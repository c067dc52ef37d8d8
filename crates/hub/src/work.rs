//! Everything that is due: attempts in doubt and open salvages, operations, subscriptions, reports, late approvals, runs.

use std::time::Duration;

use charging::Driver;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{Hub, HubError};

/// Seconds between two looks for what is done now and then.
const HOUSE_SECS: i64 = 60;

/// What one pass over everything that is due did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Attempts worked on.
    pub attempts: usize,
    /// Captures, voids and refunds worked on.
    pub operations: usize,
    /// Subscriptions looked at.
    pub subscriptions: usize,
    /// Reports from gateways that were applied after they had been kept.
    pub reports: usize,
    /// Late approvals given back or asked about.
    pub late_approvals: usize,
    /// Items of batch runs that were given their verdict.
    pub items: usize,
}

impl Pass {
    /// Whether nothing was due.
    pub fn is_idle(self) -> bool {
        self == Self::default()
    }
}

impl Hub {
    /// One pass over everything that is due now.
    pub async fn pass(&self) -> Result<Pass, HubError> {
        let driver = Driver::new(self.charging.clone(), self.aftermath());
        let settled = driver.sweep().await?;
        let now = self.minter().now();
        Ok(Pass {
            attempts: settled.attempts,
            operations: settled.operations,
            subscriptions: self.sweep_subscriptions().await?.subscriptions,
            reports: self.sweep_reports(now).await?,
            late_approvals: self.sweep_late_approvals(now).await?,
            items: self.sweep_runs(now).await?.items,
        })
    }

    /// Bills, applies reports and carries on runs until told to stop. The attempt driver has loops of its own: a long
    /// billing run must not keep doubt waiting, and slow gateways' books no bills.
    #[expect(clippy::disallowed_methods, reason = "a loop over due work is what waits")]
    pub async fn run_billing(self, poll: Duration, stop: CancellationToken) {
        let mut kept_house: Option<Timestamp> = None;
        while !stop.is_cancelled() {
            // Also when there is always something due.
            let now = self.minter().now();
            if kept_house.is_none_or(|at| now.duration_since(at).as_secs() >= HOUSE_SECS) {
                self.keep_house().await;
                kept_house = Some(now);
            }
            match self.due_once().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(error = %error, "A pass over due work failed"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    /// Reports first: what they settle need not be asked about, and a customer's bill may wait for it.
    /// What fails ends its own part of the pass, and no other's.
    async fn due_once(&self) -> Result<bool, HubError> {
        let now = self.minter().now();
        let parts = [
            self.sweep_reports(now).await,
            self.sweep_late_approvals(now).await,
            self.sweep_subscriptions().await.map(|swept| swept.subscriptions),
            self.sweep_runs(now).await.map(|swept| swept.items),
        ];
        let mut any = false;
        for part in parts {
            any |= part? > 0;
        }
        Ok(any)
    }

    /// Card numbers that nothing needs are erased now and then.
    async fn keep_house(&self) {
        match self.purge_cards_due().await {
            Ok(0) => {}
            Ok(erased) => tracing::info!(cards.count = erased, "Erased {erased} card numbers"),
            Err(error) => tracing::error!(error = %error, "Card numbers were not erased"),
        }
    }
}
