//! Cancelling: now, or after the next bill.

use domain::ids::{CustomerId, MerchantId, OrderId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionEvent};
use storage::subscriptions::SubscriptionFilter;

use super::edit::{Edited, reason_of};
use crate::Hub;
use crate::people::PersonError;

/// Subscriptions looked through at a time.
const PAGE: i64 = 200;

impl Hub {
    /// Ends a subscription now, or after its next bill. What a salvage gateway works on is asked to stop; what is
    /// approved nevertheless is given back (M17, M23, Q27).
    pub async fn cancel_subscription(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        after_next_bill: bool,
        reason: &str,
        actor: &str,
    ) -> Result<Subscription, PersonError> {
        let reason = reason_of(reason)?;
        let now = self.minter().now();
        self.edit(merchant_id, id, actor, &reason, |seen| {
            let before = &seen.subscription;
            let event =
                if after_next_bill { SubscriptionEvent::ScheduleCancel } else { SubscriptionEvent::Cancel };
            let status = before.status.on(event, before.terms.plan.trial.is_some());
            let status = status.map_err(|refused| PersonError::Conflict(refused.to_string()))?;
            if after_next_bill {
                // It is billed once more, so a pause that was scheduled comes to nothing.
                let next = Subscription {
                    status,
                    stop_reason: reason.clone(),
                    pause_at: None,
                    // Not while a bill is open, nor when a person must bill it by hand.
                    next_action_at: before
                        .next_bill_at
                        .filter(|_| seen.open.is_none() && before.next_action_at.is_some()),
                    updated_at: now,
                    ..before.clone()
                };
                return Ok(Edited::new(next, "", "It ends after the next bill."));
            }
            let next = Subscription {
                status,
                stop_reason: reason.clone(),
                next_bill_at: None,
                next_action_at: None,
                pause_at: None,
                held: String::new(),
                updated_at: now,
                ..before.clone()
            };
            Ok(Edited::new(next, "cancel", format!("Cancelled: {reason}")).stopping_salvage())
        })
        .await
    }

    /// Ends every open subscription of a customer, e.g. after a chargeback (Q31). How many were ended.
    pub async fn cancel_subscriptions_of_customer(
        &self,
        merchant_id: MerchantId,
        customer_id: CustomerId,
        reason: &str,
        actor: &str,
    ) -> Result<usize, PersonError> {
        let filter = SubscriptionFilter { customer_id: Some(customer_id), ..SubscriptionFilter::default() };
        self.cancel_all(merchant_id, &filter, reason, actor).await
    }

    /// Ends every open subscription that began on an order, e.g. after a refund in full (crm.md section 10.2). How many
    /// were ended.
    pub async fn cancel_subscriptions_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
        reason: &str,
        actor: &str,
    ) -> Result<usize, PersonError> {
        let filter = SubscriptionFilter { order_id: Some(order_id), ..SubscriptionFilter::default() };
        self.cancel_all(merchant_id, &filter, reason, actor).await
    }

    async fn cancel_all(
        &self,
        merchant_id: MerchantId,
        filter: &SubscriptionFilter,
        reason: &str,
        actor: &str,
    ) -> Result<usize, PersonError> {
        let mut ended = 0_usize;
        let mut offset = 0;
        loop {
            let page = self.store().list_subscriptions(merchant_id, filter, PAGE, offset).await?;
            let len = i64::try_from(page.len()).unwrap_or(0);
            for one in page.into_iter().filter(|one| one.status.is_open()) {
                match self.cancel_subscription(merchant_id, one.id, false, reason, actor).await {
                    Ok(_) => ended = ended.saturating_add(1),
                    Err(PersonError::Conflict(words)) => {
                        let now = self.store().find_subscription(merchant_id, one.id).await?;
                        // Unless it ended by itself meanwhile.
                        if now.is_some_and(|now| now.status.is_open()) {
                            return Err(PersonError::Conflict(words));
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            if len < PAGE {
                return Ok(ended);
            }
            offset = offset.saturating_add(len);
        }
    }
}
