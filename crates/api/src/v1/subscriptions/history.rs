//! The cycles of a subscription that were paid.

use domain::attempt::AttemptState;
use domain::payment::{Payment, PaymentState};
use domain::subscription::Subscription;
use hub::{Hub, HubError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::values::{Instant, Money};

/// Most cycles that are shown.
const CYCLES_MAX: i64 = 24;

/// A cycle that was paid.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PaidCycle {
    /// Its number; 1 is the checkout.
    cycle: i64,
    /// Its order.
    order_id: String,
    /// Its debt.
    payment_id: String,
    /// What was paid; that of a checkout is the order's.
    amount: Money,
    /// `paid`, or `reversed` when it was given back in full.
    state: String,
    /// The attempt that collected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_id: Option<String>,
    /// The gateway that collected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_id: Option<String>,
    /// When it was collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Instant>,
    /// How many attempts were made.
    attempt_count: usize,
}

impl PaidCycle {
    /// The newest cycles, the newest first.
    pub(super) async fn list(hub: &Hub, one: &Subscription) -> Result<Vec<Self>, HubError> {
        let store = hub.store();
        let mut found = Vec::new();
        for bill in store.list_bills(one.merchant_id, one.id, CYCLES_MAX).await? {
            if let (Some((_, cycle)), true) = (bill.cycle, was_paid(&bill)) {
                found.push(Self::of(hub, cycle, &bill).await?);
            }
        }
        let is_room = found.len() < usize::try_from(CYCLES_MAX).unwrap_or(usize::MAX);
        let of_order = store.list_payments_of_order(one.merchant_id, one.order_id).await?;
        let sale = of_order.iter().rev().find(|payment| payment.cycle.is_none() && was_paid(payment));
        if let Some(sale) = sale.filter(|_| is_room) {
            found.push(Self::of(hub, 1, sale).await?);
        }
        Ok(found)
    }

    async fn of(hub: &Hub, cycle: i64, payment: &Payment) -> Result<Self, HubError> {
        let attempts = hub.store().list_attempts_of_payment(payment.merchant_id, payment.id).await?;
        let approved = attempts.iter().rev().find_map(|attempt| match &attempt.state {
            AttemptState::Approved { at, .. } => Some((attempt, *at)),
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. } => None,
        });
        Ok(Self {
            cycle,
            order_id: payment.order_id.to_string(),
            payment_id: payment.id.to_string(),
            amount: payment.amount.into(),
            state: payment.state.as_str().to_owned(),
            attempt_id: approved.map(|(attempt, _)| attempt.id.to_string()),
            gateway_id: approved.map(|(attempt, _)| attempt.gateway_id.to_string()),
            paid_at: approved.map(|(_, at)| at.into()),
            attempt_count: attempts.len(),
        })
    }
}

fn was_paid(payment: &Payment) -> bool {
    matches!(payment.state, PaymentState::Paid | PaymentState::Reversed)
}
