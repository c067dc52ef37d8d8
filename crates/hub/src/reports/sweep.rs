//! Takes up reports and late approvals that are due: after a crash, and when their time has come.

use std::sync::Arc;

use domain::ids::MerchantId;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Hub, HubError};

/// Most merchants of one sweep.
const MERCHANTS_MAX: i64 = 1_000;
/// Most rows of one merchant in one sweep: nobody starves another.
const ROWS_MAX: usize = 64;
/// Most merchants worked on at once: a slow gateway holds up only its own.
const AT_ONCE_MAX: usize = 16;

/// What is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Reports,
    LateApprovals,
}

impl Hub {
    /// Works on every report that is due, merchant by merchant, in the order in which they came; how many there were. A
    /// step that fails is logged and comes again when its lease ends.
    pub async fn sweep_reports(&self, now: Timestamp) -> Result<usize, HubError> {
        let merchants = self.store().list_merchants_with_due_reports(now, MERCHANTS_MAX).await?;
        Ok(self.sweep_merchants(Due::Reports, merchants, now).await)
    }

    /// Gives back every late approval whose time has come; how many were worked on.
    pub async fn sweep_late_approvals(&self, now: Timestamp) -> Result<usize, HubError> {
        let merchants = self.store().list_merchants_with_due_late_approvals(now, MERCHANTS_MAX).await?;
        Ok(self.sweep_merchants(Due::LateApprovals, merchants, now).await)
    }

    async fn sweep_merchants(&self, due: Due, merchants: Vec<MerchantId>, now: Timestamp) -> usize {
        let permits = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let mut working = JoinSet::new();
        for merchant_id in merchants {
            let (hub, permits) = (self.clone(), Arc::clone(&permits));
            working.spawn(async move {
                let _permit = permits.acquire_owned().await;
                hub.sweep_merchant(due, merchant_id, now).await
            });
        }
        let mut count = 0_usize;
        while let Some(ended) = working.join_next().await {
            match ended {
                Ok(done) => count = count.saturating_add(done),
                Err(error) => {
                    tracing::error!(error = %error, "A step of a sweep ended badly; its work comes again");
                }
            }
        }
        count
    }

    async fn sweep_merchant(&self, due: Due, merchant_id: MerchantId, now: Timestamp) -> usize {
        let mut count = 0_usize;
        while count < ROWS_MAX {
            let worked = match due {
                Due::Reports => self.next_report(merchant_id, now).await,
                Due::LateApprovals => self.next_late_approval(merchant_id, now).await,
            };
            match worked {
                Ok(true) => count = count.saturating_add(1),
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(merchant.id = %merchant_id, error = %error, "{due:?}: a step failed; it comes again");
                    break;
                }
            }
        }
        count
    }

    async fn next_report(&self, merchant_id: MerchantId, now: Timestamp) -> Result<bool, HubError> {
        let (fence, until) = (self.minter().uuid(), self.report_lease_until());
        let claimed = self.store().acquire_due_reports(merchant_id, now, until, fence, 1).await?;
        let Some(report) = claimed.into_iter().next() else { return Ok(false) };
        self.work_on_report(&report, fence).await?;
        Ok(true)
    }

    async fn next_late_approval(&self, merchant_id: MerchantId, now: Timestamp) -> Result<bool, HubError> {
        let (fence, until) = (self.minter().uuid(), self.report_lease_until());
        let claimed = self.store().acquire_due_late_approvals(merchant_id, now, until, fence, 1).await?;
        let Some(late) = claimed.into_iter().next() else { return Ok(false) };
        self.give_back(&late, fence).await?;
        Ok(true)
    }
}
