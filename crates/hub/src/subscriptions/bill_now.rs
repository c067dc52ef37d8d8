//! Force bill: the next cycle is billed now, outside the billing run.

use domain::ids::{MerchantId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionStatus};

use super::edit::{Edited, refuse_while_open};
use crate::Hub;
use crate::people::PersonError;

impl Hub {
    /// Bills the next cycle now and answers the subscription as it then stands. Network rules and caps hold here as
    /// everywhere. Refused while an attempt is open (M23).
    pub async fn bill_subscription_now(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        let Some(wanted) = self.store().find_subscription(merchant_id, id).await? else {
            return Err(PersonError::NotFound("subscription"));
        };
        let forced = self
            .edit(merchant_id, id, actor, note, |seen| {
                refuse_while_open(seen, "billing now")?;
                let before = &seen.subscription;
                if before.cycle != wanted.cycle {
                    // Somebody else billed it meanwhile: the cycle after that one was not asked for.
                    return Err(PersonError::Conflict(format!("cycle {} was paid just now", before.cycle)));
                }
                let recycling = before.status == SubscriptionStatus::RecycleBilling;
                if !before.status.is_billable() && !recycling {
                    let status = before.status.as_str();
                    return Err(PersonError::Conflict(format!(
                        "a subscription that is {status} is not billed; reactivate it first"
                    )));
                }
                let next = Subscription { next_action_at: Some(now), updated_at: now, ..before.clone() };
                Ok(Edited::new(next, "", "Billed now, as asked."))
            })
            .await?;
        self.bill_one(forced).await?;
        let found = self.store().find_subscription(merchant_id, id).await?;
        found.ok_or(PersonError::NotFound("subscription"))
    }
}
