//! Another card for what a customer buys (crm.md section 12.3, M23).

use domain::calendar::next_run;
use domain::ids::{CustomerId, MerchantId, SubscriptionId};
use domain::subscription::{Subscription, SubscriptionStatus};
use storage::cards::{self, Card};
use storage::subscriptions::SubscriptionFilter;

use super::edit::Edited;
use crate::draft::check_card;
use crate::import::{RawCard, card_id};
use crate::people::PersonError;
use crate::{Hub, billing::billing_time, billing::zone_of};

/// Most subscriptions of one customer.
const OF_ONE_MAX: i64 = 200;

impl Hub {
    /// Puts a subscription on another card. A salvage gateway that works on the current bill is asked to stop: confirmed,
    /// the new card is billed in the next run, same slot; approved first, the approval is kept (M23).
    pub async fn change_card(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        card: &RawCard,
        actor: &str,
    ) -> Result<Subscription, PersonError> {
        let card = self.checked_card(merchant_id, card)?;
        self.put_on_card(merchant_id, id, &card, actor).await
    }

    /// Puts every open subscription of a customer on another card; those that were changed.
    pub async fn change_card_of_customer(
        &self,
        merchant_id: MerchantId,
        customer_id: CustomerId,
        card: &RawCard,
        actor: &str,
    ) -> Result<Vec<Subscription>, PersonError> {
        let card = self.checked_card(merchant_id, card)?;
        let filter = SubscriptionFilter { customer_id: Some(customer_id), ..SubscriptionFilter::default() };
        let mut changed = Vec::new();
        for one in self.store().list_subscriptions(merchant_id, &filter, OF_ONE_MAX, 0).await? {
            let ended = matches!(one.status, SubscriptionStatus::Complete | SubscriptionStatus::Cancelled);
            if !ended {
                changed.push(self.put_on_card(merchant_id, one.id, &card, actor).await?);
            }
        }
        Ok(changed)
    }

    fn checked_card(&self, merchant_id: MerchantId, raw: &RawCard) -> Result<Card, PersonError> {
        let mut problems = Vec::new();
        let checked = check_card(raw, self.minter().now(), &mut problems);
        let Some(checked) = checked.filter(|_| problems.is_empty()) else {
            return Err(PersonError::Invalid(problems));
        };
        let fingerprint = self.vault().fingerprint(merchant_id, &checked.number);
        let id = card_id(&fingerprint);
        let entropy = self.minter().entropy();
        let sealed = self.vault().seal_card(entropy.as_ref(), merchant_id, id, &checked.number);
        Ok(Card { merchant_id, id, fingerprint, shown: checked.shown(), sealed })
    }

    async fn put_on_card(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        card: &Card,
        actor: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        self.edit(merchant_id, id, actor, "", |seen| {
            let before = &seen.subscription;
            if matches!(before.status, SubscriptionStatus::Complete | SubscriptionStatus::Cancelled) {
                let status = before.status.as_str();
                return Err(PersonError::Conflict(format!("the subscription is {status}")));
            }
            let zone = zone_of(&seen.configuration);
            let time = billing_time(&seen.configuration, &zone);
            let recycling = before.status == SubscriptionStatus::RecycleBilling;
            // Its bill got lost twice: with the new card it is billed without a person's asking.
            let lost =
                before.status.is_billable() && before.collecting.is_some() && before.next_bill_at.is_none();
            let bills = (recycling || lost) && seen.open.is_none();
            let soon = bills.then(|| next_run(now, &time, before.terms.sold_at));
            let next = Subscription {
                card_id: card.id,
                card_fingerprint: card.fingerprint.clone(),
                // The first charge's id belongs to the card that it was made on (M30).
                initial: before.initial.clone().filter(|_| before.card_id == card.id),
                tries: 0,
                held: String::new(),
                next_action_at: soon
                    .map(|at| before.pause_at.map_or(at, |pause| pause.min(at)))
                    .or(before.next_action_at),
                next_bill_at: soon.or(before.next_bill_at),
                updated_at: now,
                ..before.clone()
            };
            let shown = &card.shown;
            let words = format!("New card {} ending in {}.", shown.brand, shown.last_four);
            let mut edited = Edited::new(next, "card_updated", words).stopping_salvage();
            edited.steps.push(cards::upsert(card, now));
            Ok(edited)
        })
        .await
    }
}
