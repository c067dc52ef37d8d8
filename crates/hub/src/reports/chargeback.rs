//! Chargebacks that are reported: marked on the approval, once (R151–R159).

use domain::attempt::{Attempt, AttemptState};
use domain::money::Money;
use domain::order::Order;
use domain::salvage::Standing;
use gateways::ReportKind;
use storage::chargebacks::{self, Chargeback};
use storage::events::Event;
use storage::{Step, StoreError};

use super::{Case, Effect};
use crate::{Hub, HubError, PersonError};

impl Hub {
    pub(super) async fn apply_chargeback(
        &self,
        case: &Case<'_>,
        attempt: Attempt,
    ) -> Result<Effect, HubError> {
        let attempt = match self.settled_first(attempt).await? {
            Ok(attempt) => attempt,
            Err(words) => return Ok(Effect::Wait(words)),
        };
        let AttemptState::Approved { approval, .. } = &attempt.state else {
            return self.contradicts(case, &attempt, "Nothing was taken as far as we know.").await;
        };
        match self.store().find_chargeback(attempt.merchant_id, attempt.id).await? {
            Some(known) if known.is_marked() => {
                return Ok(Effect::ignored(&attempt, "It is marked as a chargeback already."));
            }
            Some(_) => {
                let words = "Its chargeback was reverted; whether this is a new one is for a person to say.";
                return self.contradicts(case, &attempt, words).await;
            }
            None => {}
        }
        if !case.is_believed(Some(&approval.reference)) {
            match self.stands(case.gateway, &attempt).await? {
                Standing::Approved(_) | Standing::Reversed(_) => {}
                Standing::Unreachable(words) => return Ok(Effect::Wait(words)),
                Standing::Working { .. }
                | Standing::Held(_)
                | Standing::Failed(_)
                | Standing::Cancelled
                | Standing::Unknown => {
                    let words = "It is old, and asked about it, the gateway says that it took nothing.";
                    return self.contradicts(case, &attempt, words).await;
                }
            }
        }
        let (amount, reason, at) = told(case, approval.amount);
        let chargeback = Chargeback {
            merchant_id: attempt.merchant_id,
            attempt_id: attempt.id,
            order_id: self.order_shown(&attempt).await?,
            amount,
            charged_back_at: at,
            reason,
            note: String::new(),
            source: "report".to_owned(),
            created_at: self.minter().now(),
            reverted_at: None,
        };
        // Before the mark: after a crash in between, the report comes again and finds it unmarked.
        match self.cancel_after_chargeback(&chargeback).await {
            Ok(()) => {}
            Err(PersonError::Hub(error)) => return Err(error),
            Err(error) => {
                return Ok(Effect::Wait(format!(
                    "The customer's subscriptions cannot be cancelled: {error}."
                )));
            }
        }
        let steps = self.marking(&chargeback).await?;
        Ok(Effect::applied(&attempt, format!("Marked as a chargeback of {amount}.")).with(steps))
    }

    /// Marks a chargeback, tells of it once, and writes it into the order's history.
    pub(super) async fn marking(&self, chargeback: &Chargeback) -> Result<Vec<Step>, HubError> {
        let order = self.order_charged_back(chargeback).await?;
        let reason = if chargeback.reason.is_empty() {
            String::new()
        } else {
            format!(" (reason {})", chargeback.reason)
        };
        let words = format!("Charged back: {}{reason}.", chargeback.amount);
        Ok(vec![
            chargebacks::mark(chargeback),
            chargebacks::tell(&self.chargeback_event(chargeback)),
            self.tell(&order, words),
        ])
    }

    /// Cancels the customer's subscriptions where the account's option says so (Q31). Safe to run twice.
    pub(super) async fn cancel_after_chargeback(&self, chargeback: &Chargeback) -> Result<(), PersonError> {
        let merchant_id = chargeback.merchant_id;
        if !self.configuration(merchant_id).await?.account.cancel_on_chargeback {
            return Ok(());
        }
        let customer_id = self.order_charged_back(chargeback).await?.customer_id;
        let reason = "The customer charged a payment back.";
        self.cancel_subscriptions_of_customer(merchant_id, customer_id, reason, "chargeback").await?;
        Ok(())
    }

    pub(super) async fn order_charged_back(&self, chargeback: &Chargeback) -> Result<Order, HubError> {
        let found = self.store().find_order(chargeback.merchant_id, chargeback.order_id).await?;
        let id = chargeback.attempt_id.to_string();
        let odd = StoreError::Inconsistent { table: "attempts", column: "order_id", id };
        Ok(found.ok_or(odd)?)
    }

    fn chargeback_event(&self, chargeback: &Chargeback) -> Event {
        let body = serde_json::json!({
            "event": "chargeback",
            "order_id": chargeback.order_id.to_string(),
            "attempt_id": chargeback.attempt_id.to_string(),
            "amount_minor": chargeback.amount.minor(),
            "currency": chargeback.amount.currency().code(),
            "charged_back_at": chargeback.charged_back_at.to_string(),
            "reason": chargeback.reason,
        });
        Event {
            merchant_id: chargeback.merchant_id,
            id: self.minter().mint(),
            kind: "chargeback".to_owned(),
            subject_id: chargeback.attempt_id.uuid(),
            order_id: chargeback.order_id,
            body: body.to_string(),
            created_at: chargeback.created_at,
        }
    }
}

/// What was told, and what stands for it otherwise: the approval's amount, no reason, the report's own time (M32).
fn told(case: &Case<'_>, approved: Money) -> (Money, String, jiff::Timestamp) {
    let ReportKind::ChargedBack { amount, reason, at } = &case.report.kind else {
        return (approved, String::new(), case.report.at);
    };
    let fits = amount.filter(|amount| amount.currency() == approved.currency() && amount.minor() > 0);
    (fits.unwrap_or(approved), reason.clone(), at.unwrap_or(case.report.at))
}
