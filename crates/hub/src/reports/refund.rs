//! Refunds that are reported: ours are recognised, others are booked as external (M16, Q33).

use domain::attempt::{Approval, Attempt, AttemptState};
use domain::ids::OperationId;
use domain::money::Money;
use domain::salvage::Standing;
use gateways::OperationKind;
use jiff::Timestamp;
use storage::inbound_reports::{Ended, ReportState};
use storage::operations::Operation;

use super::{Case, Effect};
use crate::{Hub, HubError};

/// A refund of ours and this report are the same thing only if they lie this close together, seconds: a week.
const SAME_REFUND_SECS: i64 = 604_800;

/// Where the money of an approval went.
struct Books {
    /// Voids and refunds that are done or may be, oldest first.
    back: Vec<Operation>,
    /// Those that reports were about already.
    reported: Vec<OperationId>,
    /// What is left.
    left: Money,
}

impl Hub {
    /// A refund report. `amount` is none when it was not told.
    pub(super) async fn apply_refund(
        &self,
        case: &Case<'_>,
        attempt: Attempt,
        amount: Option<Money>,
    ) -> Result<Effect, HubError> {
        let attempt = match self.settled_first(attempt).await? {
            Ok(attempt) => attempt,
            Err(words) => return Ok(Effect::Wait(words)),
        };
        let AttemptState::Approved { approval, reversed_at, .. } = attempt.state.clone() else {
            if self.store().find_late_approval(attempt.merchant_id, attempt.id).await?.is_some() {
                return Ok(Effect::ignored(&attempt, "It tells of the refund of its late approval."));
            }
            if let Some(ours) = self.refund_of_partial(&attempt).await? {
                return Ok(recognised(&attempt, &ours));
            }
            return self.contradicts(case, &attempt, "Nothing was taken as far as we know.").await;
        };
        let books = self.books(&attempt, &approval).await?;
        if let Some(ours) = books.ours(case.report.at, amount) {
            return Ok(match ours.state.as_str() {
                "done" => recognised(&attempt, ours),
                _ => Effect::Wait(format!("Our own refund {} has still to be cleared up.", ours.id)),
            });
        }
        if reversed_at.is_some() {
            if books.back.is_empty() {
                return Ok(Effect::ignored(&attempt, "It was given back at the gateway already."));
            }
            return self.contradicts(case, &attempt, "All of it had been given back already.").await;
        }
        let Some(amount) = amount else {
            let words = "The gateway reports a refund that we did not send, and not how much.";
            return self.unknown_refund(&attempt, words).await;
        };
        if !case.is_believed(Some(&approval.reference)) {
            match self.stands(case.gateway, &attempt).await? {
                Standing::Reversed(_) => {}
                Standing::Unreachable(words) => return Ok(Effect::Wait(words)),
                Standing::Working { .. }
                | Standing::Approved(_)
                | Standing::Held(_)
                | Standing::Failed(_)
                | Standing::Cancelled
                | Standing::Unknown => {
                    let words =
                        "An old report tells of a refund, and the gateway does not confirm it when asked.";
                    return self.unknown_refund(&attempt, words).await;
                }
            }
        }
        if amount.currency() != books.left.currency()
            || amount.minor() < 1
            || amount.minor() > books.left.minor()
        {
            let words = format!("The gateway reports a refund of {amount}, and {} is left.", books.left);
            return self.unknown_refund(&attempt, &words).await;
        }
        let why = "Refunded at the gateway; booked from its report.";
        let operation = Operation {
            id: OperationId::from_uuid(case.kept.id.uuid()),
            gateway_reference: Some(case.report.gateway_reference.clone()),
            ..self.charging.new_operation(OperationKind::Refund, &attempt, amount, why)
        };
        let steps = self.charging.booking(&operation, &attempt, self.aftermath().as_ref()).await?;
        let ended = Ended {
            state: ReportState::Applied,
            effect: format!("Booked as an external refund of {amount}."),
            attempt_id: Some(attempt.id),
            operation_id: Some(operation.id),
        };
        Ok(Effect::End(ended, steps))
    }

    /// Settles an open attempt by asking its gateway, before money that went back is looked at (M32); a sentence when it
    /// is still open.
    pub(super) async fn settled_first(&self, attempt: Attempt) -> Result<Result<Attempt, String>, HubError> {
        if !attempt.state.is_open() {
            return Ok(Ok(attempt));
        }
        self.charging.resolve(&attempt, self.aftermath().as_ref(), None).await?;
        let fresh = self.store().find_attempt(attempt.merchant_id, attempt.id).await?.unwrap_or(attempt);
        let words = "Its attempt is still open: the gateway has to be asked again first.";
        Ok(if fresh.state.is_open() { Err(words.to_owned()) } else { Ok(fresh) })
    }

    async fn unknown_refund(&self, attempt: &Attempt, words: &str) -> Result<Effect, HubError> {
        let whole = format!(
            "{words} Nothing was booked for attempt {}: look it up at the gateway, and book it as an external refund.",
            attempt.id
        );
        self.alerted(attempt, "unknown_refund", words, &whole).await
    }

    /// The refund of ours by which an attempt ended that took less than was asked for (M14).
    async fn refund_of_partial(&self, attempt: &Attempt) -> Result<Option<Operation>, HubError> {
        let all = self.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let refund = OperationKind::Refund.as_str();
        Ok(all
            .into_iter()
            .find(|one| one.attempt_id == attempt.id && one.kind == refund && one.state == "done"))
    }

    /// What is left of an approval.
    pub(super) async fn left_of_approval(
        &self,
        attempt: &Attempt,
        approval: &Approval,
    ) -> Result<Money, HubError> {
        Ok(self.books(attempt, approval).await?.left)
    }

    async fn books(&self, attempt: &Attempt, approval: &Approval) -> Result<Books, HubError> {
        let all = self.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let back: Vec<Operation> = all
            .into_iter()
            .filter(|one| one.attempt_id == attempt.id && one.kind != OperationKind::Capture.as_str())
            .filter(|one| matches!(one.state.as_str(), "sending" | "in_doubt" | "done"))
            .collect();
        let gone = back.iter().fold(0_i64, |sum, one| sum.saturating_add(one.amount.minor()));
        let reported = self.store().list_reported_operations(attempt.merchant_id, attempt.id).await?;
        let left = Money::new(approval.amount.minor().saturating_sub(gone), approval.amount.currency());
        Ok(Books { back, reported, left })
    }
}

impl Books {
    /// The refund of ours that a report of this time and amount tells of: one of the same amount that no report was about,
    /// done ones first; any, when the amount was not told.
    fn ours(&self, at: Timestamp, amount: Option<Money>) -> Option<&Operation> {
        let mut fitting: Vec<&Operation> = self
            .back
            .iter()
            .filter(|one| !self.reported.contains(&one.id))
            .filter(|one| amount.is_none_or(|amount| amount == one.amount))
            .filter(|one| at.duration_since(one.created_at).as_secs().saturating_abs() <= SAME_REFUND_SECS)
            .collect();
        fitting.sort_by_key(|one| one.state != "done");
        fitting.first().copied()
    }
}

fn recognised(attempt: &Attempt, ours: &Operation) -> Effect {
    let ended = Ended {
        state: ReportState::Ignored,
        effect: format!("It tells of our own {} of {}.", ours.kind, ours.amount),
        attempt_id: Some(attempt.id),
        operation_id: Some(ours.id),
    };
    Effect::End(ended, Vec::new())
}
