//! Pausing: now, or on a date.

use domain::ids::{MerchantId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionEvent, SubscriptionStatus};
use jiff::Timestamp;

use super::edit::{Edited, invalid};
use crate::Hub;
use crate::people::PersonError;

impl Hub {
    /// Pauses a subscription now, or from a date on. What a salvage gateway works on is asked to stop; an approval that
    /// came first is kept, and the subscription stays paused (M23).
    pub async fn pause_subscription(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        from: Option<Timestamp>,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        if from.is_some_and(|from| from <= now) {
            return Err(invalid("from", "the date of a scheduled pause lies in the future"));
        }
        self.edit(merchant_id, id, actor, note, |seen| {
            let before = &seen.subscription;
            let has_trial = before.terms.plan.trial.is_some();
            let ends = before.status == SubscriptionStatus::RecycleBilling && !before.stop_reason.is_empty();
            if ends {
                // Reactivating it after a pause would forget the customer's wish.
                let words = "it ends after the bill that is being collected; cancel it instead";
                return Err(PersonError::Conflict(words.to_owned()));
            }
            let Some(from) = from else {
                let status = before.status.on(SubscriptionEvent::Pause, has_trial);
                let next = Subscription {
                    status: status.map_err(|refused| PersonError::Conflict(refused.to_string()))?,
                    next_action_at: None,
                    pause_at: None,
                    held: String::new(),
                    updated_at: now,
                    ..before.clone()
                };
                return Ok(Edited::new(next, "pause", "Paused.").stopping_salvage());
            };
            let status = before.status.on(SubscriptionEvent::SchedulePause, has_trial);
            let next = Subscription {
                status: status.map_err(|refused| PersonError::Conflict(refused.to_string()))?,
                pause_at: Some(from),
                next_action_at: Some(before.next_action_at.map_or(from, |at| at.min(from))),
                updated_at: now,
                ..before.clone()
            };
            Ok(Edited::new(next, "", format!("A pause from {from} on is scheduled.")))
        })
        .await
    }
}
