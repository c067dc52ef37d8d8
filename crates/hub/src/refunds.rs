//! Gives an order's money back where several approvals took it: a trial's completion is booked on the order of its checkout,
//! and an approval that was kept late stands beside others.

use domain::attempt::{Attempt, AttemptState};
use domain::ids::{MerchantId, OrderId};
use domain::money::Money;
use domain::placement::Problem;
use storage::operations::Operation;

use crate::people::PersonError;
use crate::{Hub, OrderView};

/// What became of a refund that was spread over the approvals of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRefund {
    /// A refund for each approval that it reached, the latest approval first. Each is done, or asked of its gateway with
    /// an outcome still to come.
    pub given: Vec<Operation>,
    /// Why the rest was not given back, when something was left.
    pub stopped: Option<String>,
}

impl Hub {
    /// Gives money of an order back: all that is left when `amount` is none. The latest approval is given back first, each
    /// at the gateway that took it (Q33), and of none more than it took. A gateway that refuses ends it: what was given back
    /// until then stays so.
    pub async fn refund_approvals(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
        amount: Option<Money>,
        note: &str,
        actor: &str,
    ) -> Result<OrderRefund, PersonError> {
        let Some(view) = self.find_order_view(merchant_id, id).await? else {
            return Err(PersonError::NotFound("order"));
        };
        let mut parts = Vec::new();
        let mut left = Money::new(0, view.order.total.currency());
        for attempt in latest_first(&view) {
            let part = self.left_of(attempt).await?;
            // What is being given back already is not left; another currency is not this order's money.
            if let Some(sum) = left.checked_add(part).ok().filter(|_| part.minor() > 0) {
                left = sum;
                parts.push((attempt, part));
            }
        }
        let wanted = amount.unwrap_or(left);
        if wanted.currency() != left.currency() || !(1..=left.minor()).contains(&wanted.minor()) {
            let words = if left.minor() < 1 {
                "nothing is left that could be refunded".to_owned()
            } else {
                format!("an amount from 0.01 to {left} can be refunded")
            };
            return Err(PersonError::Invalid(vec![Problem::new("amount", words)]));
        }
        self.refund_parts(&parts, wanted, note, actor).await
    }

    async fn refund_parts(
        &self,
        parts: &[(&Attempt, Money)],
        wanted: Money,
        note: &str,
        actor: &str,
    ) -> Result<OrderRefund, PersonError> {
        let mut refund = OrderRefund { given: Vec::new(), stopped: None };
        let mut missing = wanted.minor();
        for (attempt, left) in parts {
            let part = Money::new(missing.min(left.minor()), wanted.currency());
            if part.minor() < 1 {
                break;
            }
            match self.refund_attempt(attempt, Some(part), note, actor).await {
                Ok(operation) if matches!(operation.state.as_str(), "refused" | "not_executed") => {
                    let words = operation.text.unwrap_or_default();
                    refund.stopped = Some(format!("The gateway refused the refund: {words}"));
                    return Ok(refund);
                }
                Ok(operation) => refund.given.push(operation),
                // Whatever stops it, what was given back is told: an error alone would be tried again in full.
                Err(error) if !refund.given.is_empty() => {
                    refund.stopped = Some(error.to_string());
                    return Ok(refund);
                }
                Err(error) => return Err(error),
            }
            missing = missing.saturating_sub(part.minor());
        }
        Ok(refund)
    }
}

/// Approvals whose money is still taken, the latest first.
fn latest_first(view: &OrderView) -> Vec<&Attempt> {
    let approved_at = |attempt: &Attempt| match attempt.state {
        AttemptState::Approved { at, reversed_at: None, .. } => Some(at),
        AttemptState::Approved { reversed_at: Some(_), .. }
        | AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Declined { .. }
        | AttemptState::NotExecuted { .. } => None,
    };
    let mut approvals: Vec<&Attempt> =
        view.attempts.iter().filter(|attempt| approved_at(attempt).is_some()).collect();
    approvals.sort_by_key(|attempt| std::cmp::Reverse((approved_at(attempt), attempt.id)));
    approvals
}
