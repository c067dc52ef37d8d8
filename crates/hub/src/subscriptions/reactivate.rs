//! Billing again: after a pause, a cancellation or a failure.

use domain::calendar::tomorrow;
use domain::ids::{MerchantId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionEvent, SubscriptionStatus};

use super::edit::{Edited, refuse_while_open};
use crate::Hub;
use crate::billing::{billing_time, zone_of};
use crate::people::PersonError;

impl Hub {
    /// Bills a subscription again: the next bill is tomorrow, or on its date when that is still to come. Refused while an
    /// attempt is open (M23), and on a card that may never be attempted again (M28).
    pub async fn reactivate_subscription(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        let Some(known) = self.store().find_subscription(merchant_id, id).await? else {
            return Err(PersonError::NotFound("subscription"));
        };
        if let Some(lock) = self.store().find_card_lock(merchant_id, &known.card_fingerprint, now).await? {
            return Err(PersonError::Conflict(format!(
                "the card is locked ({lock}); billing starts again with another card"
            )));
        }
        self.edit(merchant_id, id, actor, note, |seen| {
            refuse_while_open(seen, "restarting billing")?;
            let before = &seen.subscription;
            let status = before.status.on(SubscriptionEvent::Reactivate, before.terms.plan.trial.is_some());
            let status = status.map_err(|refused| PersonError::Conflict(refused.to_string()))?;
            let zone = zone_of(&seen.configuration);
            let time = billing_time(&seen.configuration, &zone);
            let undone = matches!(
                before.status,
                SubscriptionStatus::PauseScheduled | SubscriptionStatus::CancellationScheduled
            );
            // While a bill is being collected, the date is that of its next attempt, or a salvage's old deadline.
            let kept = before.next_bill_at.filter(|at| *at > now && before.collecting.is_none());
            let at = kept.unwrap_or_else(|| tomorrow(now, &time, before.terms.sold_at));
            let next = Subscription {
                status,
                stop_reason: String::new(),
                slot: 0,
                tries: 0,
                next_bill_at: Some(at),
                next_action_at: Some(at),
                pause_at: None,
                held: String::new(),
                updated_at: now,
                ..before.clone()
            };
            let words = if undone {
                "What was scheduled is undone.".to_owned()
            } else {
                format!("Reactivated; next bill {at}.")
            };
            Ok(Edited::new(next, "reactivate", words))
        })
        .await
    }
}
