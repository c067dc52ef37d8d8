//! Cancelling an order: nothing more is billed, what was paid is given back, what is in doubt when it proves approved (M2).
//!
//! These are several commits, in the order in which each leaves the customer better off; whoever cancels again after one
//! of them failed finishes what is missing.

use domain::attempt::{Attempt, AttemptState};
use domain::ids::{MerchantId, OrderId};
use domain::order::OrderStatus;
use gateways::OperationKind;
use storage::{Transaction, fulfilments, guards, orders};

use crate::people::PersonError;
use crate::{Hub, HubError, OrderView};

/// Said of everything that a cancellation does.
const WHY: &str = "The order was cancelled.";

/// What a cancellation gave back.
#[derive(Debug, Default)]
struct GivenBack {
    /// Refunds that were asked for, whatever came of them.
    asked: usize,
    /// Why some of it was not given back.
    stopped: Option<String>,
}

impl Hub {
    /// Cancels an order, and ends what it bills again. An order that is cancelled or refunded already is refused, unless
    /// something of that was still missing.
    pub async fn cancel_order(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
        note: &str,
        actor: &str,
    ) -> Result<OrderView, PersonError> {
        if self.store().find_order(merchant_id, id).await?.is_none() {
            return Err(PersonError::NotFound("order"));
        }
        // First: whatever fails below, the customer is not billed any more, and no bill is approved behind our back.
        let ended = self.cancel_subscriptions_of_order(merchant_id, id, WHY, actor).await?;
        let Some(view) = self.find_order_view(merchant_id, id).await? else {
            return Err(PersonError::NotFound("order"));
        };
        let given_back = self.give_order_back(&view, note, actor).await?;
        if let Some(words) = given_back.stopped {
            let also = if ended > 0 { "; what it bills again is ended" } else { "" };
            return Err(PersonError::Conflict(format!("{words}{also}")));
        }
        let is_over = matches!(view.order.status, OrderStatus::Cancelled | OrderStatus::Refunded);
        if is_over && ended == 0 && given_back.asked == 0 {
            let status = view.order.status.as_str();
            return Err(PersonError::Conflict(format!("the order is {status} already")));
        }
        // A refund above has made a complete order refunded; anything else must be as it was read.
        let status = match view.order.status {
            OrderStatus::Complete => self.store().find_order(merchant_id, id).await?.map(|now| now.status),
            other @ (OrderStatus::Partial
            | OrderStatus::Pending
            | OrderStatus::Declined
            | OrderStatus::Refunded
            | OrderStatus::Cancelled) => Some(other),
        };
        let status = status.unwrap_or(view.order.status);
        if status != OrderStatus::Cancelled {
            self.mark_cancelled(&view, status, note, actor).await?;
        }
        self.find_order_view(merchant_id, id).await?.ok_or(PersonError::NotFound("order"))
    }

    /// Whether a cancellation would give money back.
    pub async fn is_money_left(&self, view: &OrderView) -> Result<bool, HubError> {
        for attempt in taken(view) {
            if self.left_of(attempt).await?.minor() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every approval of it: a trial's completion is booked on the same order. One that is refused keeps none of the
    /// others.
    async fn give_order_back(
        &self,
        view: &OrderView,
        note: &str,
        actor: &str,
    ) -> Result<GivenBack, PersonError> {
        let mut given_back = GivenBack::default();
        for attempt in taken(view) {
            let left = self.left_of(attempt).await?;
            // A check of the card took nothing; what is being given back is not left.
            if left.minor() < 1 {
                continue;
            }
            let operation = self.charging.new_operation(OperationKind::Refund, attempt, left, WHY);
            let what = format!("refund {} of {left} for cancelled order {}", operation.id, attempt.order_id);
            let audit = vec![self.audited(attempt.merchant_id, actor, &what, note)];
            let aftermath = self.aftermath();
            match self.charging.operate_with(&operation, attempt, audit, aftermath.as_ref()).await {
                Ok(done) if matches!(done.state.as_str(), "refused" | "not_executed") => {
                    let words = done.text.unwrap_or_default();
                    given_back.stopped = Some(format!("the gateway refused the refund: {words}"));
                }
                Ok(_) => given_back.asked = given_back.asked.saturating_add(1),
                Err(error) => match PersonError::from(error) {
                    PersonError::Conflict(words) => given_back.stopped = Some(words),
                    other => return Err(other),
                },
            }
        }
        Ok(given_back)
    }

    async fn mark_cancelled(
        &self,
        view: &OrderView,
        status: OrderStatus,
        note: &str,
        actor: &str,
    ) -> Result<(), PersonError> {
        let (merchant_id, id, now) = (view.order.merchant_id, view.order.id, self.minter().now());
        let transaction = Transaction::new("cancel_order")
            .with(orders::cancel(merchant_id, id, status, now))
            .with(fulfilments::cancel_all(merchant_id, id, now))
            // The same customer may buy the same again at once.
            .with(guards::release(merchant_id, id))
            // What a salvage gateway works on is asked to stop (Q27).
            .with_all(self.stops_salvages(&view.order, WHY).await?)
            .with(self.tell(&view.order, format!("Cancelled by {actor}.")))
            .with(self.audited(merchant_id, actor, &format!("cancelled order {id}"), note));
        match self.store().commit(transaction).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict_in(orders::CHANGED_SINCE) => {
                Err(PersonError::Conflict("the order has just changed; look at it again".to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Approvals of an order that was paid whose money is still taken.
pub(crate) fn taken(view: &OrderView) -> impl Iterator<Item = &Attempt> {
    let was_paid = match view.order.status {
        OrderStatus::Complete | OrderStatus::Refunded | OrderStatus::Cancelled => true,
        OrderStatus::Partial | OrderStatus::Pending | OrderStatus::Declined => false,
    };
    let is_taken =
        |attempt: &&Attempt| matches!(attempt.state, AttemptState::Approved { reversed_at: None, .. });
    view.attempts.iter().filter(move |attempt| was_paid && is_taken(attempt))
}
