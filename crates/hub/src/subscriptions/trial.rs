//! Trials: ended early, or begun again.

use domain::calendar::{next_bill_at, tomorrow};
use domain::ids::{MerchantId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionEvent};

use super::edit::{Edited, refuse_while_open};
use crate::Hub;
use crate::billing::{billing_time, zone_of};
use crate::people::PersonError;

impl Hub {
    /// Ends a trial now: cycle 2 is billed in the next run.
    pub async fn skip_trial(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        self.edit(merchant_id, id, actor, note, |seen| {
            refuse_while_open(seen, "skipping the trial")?;
            let before = &seen.subscription;
            let status = before.status.on(SubscriptionEvent::SkipTrial, before.terms.plan.trial.is_some());
            let zone = zone_of(&seen.configuration);
            let at = tomorrow(now, &billing_time(&seen.configuration, &zone), before.terms.sold_at);
            let next = Subscription {
                status: status.map_err(|refused| PersonError::Conflict(refused.to_string()))?,
                next_bill_at: Some(at),
                next_action_at: Some(at),
                updated_at: now,
                ..before.clone()
            };
            Ok(Edited::new(next, "", format!("The trial is skipped; next bill {at}.")))
        })
        .await
    }

    /// Begins a trial again: its whole delay counts from now.
    pub async fn restart_trial(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        self.edit(merchant_id, id, actor, note, |seen| {
            refuse_while_open(seen, "restarting the trial")?;
            let before = &seen.subscription;
            if before.cycle > 1 {
                return Err(PersonError::Conflict("the trial is paid already".to_owned()));
            }
            let status = before.status.on(SubscriptionEvent::RestartTrial, before.terms.plan.trial.is_some());
            let zone = zone_of(&seen.configuration);
            let at = next_bill_at(&before.terms, 1, now, &billing_time(&seen.configuration, &zone));
            let next = Subscription {
                status: status.map_err(|refused| PersonError::Conflict(refused.to_string()))?,
                next_bill_at: at,
                next_action_at: at,
                updated_at: now,
                ..before.clone()
            };
            Ok(Edited::new(next, "", "The trial begins again."))
        })
        .await
    }
}
