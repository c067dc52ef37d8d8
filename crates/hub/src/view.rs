//! An order with everything that belongs to it, for answers and screens.

use domain::attempt::{Attempt, AttemptState};
use domain::ids::{GatewayId, MerchantId, OrderId};
use domain::order::Order;
use domain::payment::Payment;

use crate::{Hub, HubError};

/// An order, its payments and attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub order: Order,
    /// Its payments, oldest first.
    pub payments: Vec<Payment>,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

impl OrderView {
    /// The approved attempt that is not undone.
    pub fn approved(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| matches!(attempt.state, AttemptState::Approved { reversed_at: None, .. }))
    }

    /// The gateway that really took the order, else the one it was routed to (Q6).
    pub fn gateway_id(&self) -> Option<GatewayId> {
        let routed = self.order.routed.map(|routed| routed.gateway_id);
        self.approved().map(|attempt| attempt.gateway_id).or(routed)
    }

    /// `paid`, `declined`, `in_doubt`, …: the state of the newest payment; `none` when nothing was ever owed. The
    /// completion of a trial is booked on the order too, and says nothing about the sale (R128).
    pub fn payment_status(&self) -> &'static str {
        let of_sale = self.payments.iter().rev().find(|payment| payment.cycle.is_none());
        of_sale.or(self.payments.last()).map_or("none", |payment| payment.state.as_str())
    }

    /// `in_doubt` while a salvage is in doubt, `pending` while one is open, else `none`.
    pub fn salvage_status(&self) -> &'static str {
        let salvage = self.attempts.iter().filter(|attempt| attempt.salvages.is_some());
        for attempt in salvage {
            match attempt.state {
                AttemptState::InDoubt { .. } => return "in_doubt",
                AttemptState::Sending | AttemptState::Pending { .. } => return "pending",
                AttemptState::Approved { .. }
                | AttemptState::Declined { .. }
                | AttemptState::NotExecuted { .. } => {}
            }
        }
        "none"
    }

    /// What the buyer reads after a decline: the mapped text of the first decline (M6), else why nothing was sent.
    pub fn decline_text(&self) -> String {
        let first = self.attempts.iter().find_map(|attempt| match &attempt.state {
            AttemptState::Declined { decline, .. } => Some(decline.text_shown.clone()),
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Approved { .. }
            | AttemptState::NotExecuted { .. } => None,
        });
        let lapse = self.attempts.iter().rev().find_map(|attempt| match &attempt.state {
            AttemptState::NotExecuted { lapse, .. } if lapse.reason.is_some() => Some(lapse.text.clone()),
            AttemptState::NotExecuted { .. }
            | AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Approved { .. }
            | AttemptState::Declined { .. } => None,
        });
        first
            .or(lapse)
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "The payment could not be processed. Please try again later.".to_owned())
    }
}

impl Hub {
    /// An order with everything that belongs to it.
    pub async fn find_order_view(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
    ) -> Result<Option<OrderView>, HubError> {
        let Some(order) = self.store().find_order(merchant_id, id).await? else { return Ok(None) };
        Ok(Some(self.view(order).await?))
    }

    /// Completes an order to a view.
    pub async fn view(&self, order: Order) -> Result<OrderView, HubError> {
        let payments = self.store().list_payments_of_order(order.merchant_id, order.id).await?;
        let attempts = self.store().list_attempts_of_order(order.merchant_id, order.id).await?;
        Ok(OrderView { order, payments, attempts })
    }
}
