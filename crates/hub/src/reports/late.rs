//! Approvals that came after their attempt had ended otherwise (M17).

use domain::attempt::{Approval, Attempt, Initiator};
use domain::ids::OrderId;
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use domain::subscription::SubscriptionStatus;
use storage::alerts::Alert;
use storage::late_approvals::{self, LateApproval, LateState};
use storage::{alerts, timeline};

use super::{Effect, LATE_APPROVAL, later};
use crate::{Hub, HubError};

/// How long a person may think about a late approval that need not go back at once, seconds.
const THINK_SECS: i64 = 86_400;

impl Hub {
    /// Records a late approval: given back at once, or when nobody has kept it within a day.
    pub(super) async fn record_late(
        &self,
        attempt: &Attempt,
        approval: &Approval,
    ) -> Result<Effect, HubError> {
        let now = self.minter().now();
        let order_id = self.order_shown(attempt).await?;
        let at_once = self.goes_back_at_once(attempt).await?;
        let words = match at_once {
            Some(why) => format!("{} was approved late: {why} It is given back at once.", approval.amount),
            None => format!(
                "{} was approved after its attempt had ended. It is given back in 24 hours unless somebody keeps it.",
                approval.amount
            ),
        };
        let late = LateApproval {
            merchant_id: attempt.merchant_id,
            attempt_id: attempt.id,
            order_id,
            gateway_id: attempt.gateway_id,
            gateway_reference: approval.reference.clone(),
            amount: approval.amount,
            seen_at: now,
            state: LateState::Waiting,
            words: words.clone(),
            tries: 0,
            next_action_at: Some(if at_once.is_some() { now } else { later(now, THINK_SECS) }),
        };
        let alert = Alert {
            merchant_id: attempt.merchant_id,
            id: self.minter().mint(),
            kind: LATE_APPROVAL.to_owned(),
            order_id: Some(order_id),
            attempt_id: Some(attempt.id),
            words: words.clone(),
            created_at: now,
        };
        let line = timeline::Line {
            merchant_id: attempt.merchant_id,
            id: self.minter().mint(),
            order_id,
            at: now,
            words,
        };
        let steps = [late_approvals::insert(&late), alerts::insert(&alert), timeline::insert(&line)];
        Ok(Effect::applied(attempt, "A late approval: recorded.").with(steps))
    }

    /// The order under which people find an attempt: its own, or the one that its subscription began on, for a bill that is
    /// not paid has no order yet (M25).
    pub(super) async fn order_shown(&self, attempt: &Attempt) -> Result<OrderId, HubError> {
        let merchant_id = attempt.merchant_id;
        if self.store().find_order(merchant_id, attempt.order_id).await?.is_some() {
            return Ok(attempt.order_id);
        }
        let payment = self.store().find_payment(merchant_id, attempt.payment_id).await?;
        let Some((id, _)) = payment.and_then(|payment| payment.cycle) else { return Ok(attempt.order_id) };
        let subscription = self.store().find_subscription(merchant_id, id).await?;
        Ok(subscription.map_or(attempt.order_id, |one| one.order_id))
    }

    /// Why a late approval goes back at once; none when a person may think about it.
    async fn goes_back_at_once(&self, attempt: &Attempt) -> Result<Option<&'static str>, HubError> {
        let merchant_id = attempt.merchant_id;
        let payment = self.store().find_payment(merchant_id, attempt.payment_id).await?;
        if payment.as_ref().is_some_and(|payment| payment.state == PaymentState::Paid) {
            return Ok(Some("the payment is paid already."));
        }
        if attempt.initiator == Initiator::Customer {
            return Ok(Some("the buyer was told that it was declined."));
        }
        let order = self.store().find_order(merchant_id, attempt.order_id).await?;
        let order_is_over =
            order.is_some_and(|order| matches!(order.status, OrderStatus::Cancelled | OrderStatus::Refunded));
        let asked = self.store().find_cancel_asked(merchant_id, attempt.id).await?.is_some();
        let subscription = match payment.and_then(|payment| payment.cycle) {
            Some((id, _)) => self.store().find_subscription(merchant_id, id).await?,
            None => None,
        };
        let subscription_is_over =
            subscription.is_some_and(|one| one.status == SubscriptionStatus::Cancelled);
        let is_over = order_is_over || asked || subscription_is_over;
        Ok(is_over.then_some("the customer had cancelled."))
    }
}
