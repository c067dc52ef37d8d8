//! Takes up reports and late approvals that are due: after a crash, and when their time has come.

use std::sync::Arc;

use charging::is_outage;
use domain::ids::{InboundReportId, MerchantId};
use jiff::Timestamp;
use storage::{StoreError, Transaction, inbound_reports};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

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

    /// Gives back every late approval whose time has come; how many were worked on. After a restored backup none is
    /// before the comparison with the gateways' books has passed: it may have been given back since (M31).
    pub async fn sweep_late_approvals(&self, now: Timestamp) -> Result<usize, HubError> {
        if self.store().find_mark(charging::CHARGING_HELD).await?.is_some() {
            return Ok(0);
        }
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

    /// One row after the other. One that fails is left alone for longer each time, until a person is told, and holds up
    /// nobody; only a database that does not answer ends the turn.
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

    /// Works on the next report; false when none is left. An error is one of the database.
    async fn next_report(&self, merchant_id: MerchantId, now: Timestamp) -> Result<bool, StoreError> {
        let (fence, until) = (self.minter().uuid(), self.report_lease_until());
        let claimed = self.store().acquire_due_reports(merchant_id, now, until, fence, 1).await;
        let claimed = match claimed {
            Err(error) if !is_outage(&error) => {
                return self.set_report_aside(merchant_id, &error, fence).await;
            }
            other => other?,
        };
        let Some(report) = claimed.into_iter().next() else { return Ok(false) };
        let (hub, work) = (self.clone(), report.clone());
        let done = tokio::spawn(async move { hub.work_on_report(&work, fence).await.map(|_| ()) }).await;
        if let Some(words) = failure_of(done)? {
            tracing::error!(report.id = %report.id, error = words, "Report {} was not applied", report.id);
            let words = format!("It could not be worked on: {words}.");
            self.report_waits(&report, &words, fence).await?;
        }
        Ok(true)
    }

    /// A report that cannot even be read: it is shown, and left alone for long.
    async fn set_report_aside(
        &self,
        merchant_id: MerchantId,
        error: &StoreError,
        fence: Uuid,
    ) -> Result<bool, StoreError> {
        tracing::error!(merchant.id = %merchant_id, error = %error, "A report of {merchant_id} could not be read");
        let StoreError::Inconsistent { id, .. } = error else { return Ok(true) };
        let Ok(id) = id.parse::<InboundReportId>() else { return Ok(true) };
        let words = format!("{error}: nothing can be done with it.");
        let wait = inbound_reports::wait(merchant_id, id, &words, self.slowly(), fence);
        let aside = Transaction::new("set_report_aside")
            .with(wait)
            .with(self.charging.alert_stuck(merchant_id, words));
        self.store().commit(aside).await.map(|_| true)
    }

    /// Works on the next late approval; false when none is left. An error is one of the database.
    async fn next_late_approval(&self, merchant_id: MerchantId, now: Timestamp) -> Result<bool, StoreError> {
        let (fence, until) = (self.minter().uuid(), self.report_lease_until());
        let claimed = self.store().acquire_due_late_approvals(merchant_id, now, until, fence, 1).await;
        let claimed = match claimed {
            // It is leased: the next one is another.
            Err(error) if !is_outage(&error) => {
                tracing::error!(merchant.id = %merchant_id, error = %error, "A late approval of {merchant_id} could not be read");
                let words = format!("{error}: nothing can be done with it.");
                let alert = Transaction::new("late_approval_unread")
                    .with(self.charging.alert_stuck(merchant_id, words));
                return self.store().commit(alert).await.map(|_| true);
            }
            other => other?,
        };
        let Some(late) = claimed.into_iter().next() else { return Ok(false) };
        let (hub, work) = (self.clone(), late.clone());
        let done = tokio::spawn(async move { hub.give_back(&work, fence).await }).await;
        if let Some(words) = failure_of(done)? {
            tracing::error!(attempt.id = %late.attempt_id, error = words, "The late approval of {} was not given back", late.attempt_id);
            // Its refund may have begun since it was read.
            let fresh = self.store().find_late_approval(merchant_id, late.attempt_id).await?;
            let words = format!("It could not be worked on: {words}.");
            self.again(&fresh.unwrap_or(late), &words, fence).await?;
        }
        Ok(true)
    }
}

/// What went wrong with a step, if anything did; an error when the database did not answer.
fn failure_of(done: Result<Result<(), HubError>, JoinError>) -> Result<Option<String>, StoreError> {
    match done {
        Ok(Ok(())) => Ok(None),
        Ok(Err(HubError::Store(error))) if is_outage(&error) => Err(error),
        Ok(Err(error)) => Ok(Some(error.to_string())),
        Err(_) => Ok(Some("the step ended badly".to_owned())),
    }
}
