//! One change of one subscription: read, decide, commit under the version that was read.

use domain::attempt::Attempt;
use domain::configuration::Configuration;
use domain::ids::{MerchantId, SubscriptionId};
use domain::placement::Problem;
use domain::subscription::Subscription;
use std::sync::Arc;
use storage::{Step, StoreError, Transaction, attempts, subscriptions};

use super::REASON_CHARS_MAX;
use crate::Hub;
use crate::people::PersonError;
use crate::stored_charge::is_open;

/// How often a change is decided anew after somebody else was faster.
const TRIES_MAX: usize = 5;

/// What a change sees.
pub(super) struct Seen {
    pub(super) configuration: Arc<Configuration>,
    pub(super) subscription: Subscription,
    /// The attempt of the current bill that may still come to something.
    pub(super) open: Option<Attempt>,
}

/// What a change makes of it.
pub(super) struct Edited {
    pub(super) next: Subscription,
    /// The event that tells of it; empty: none.
    pub(super) event: &'static str,
    /// What the history says.
    pub(super) words: String,
    /// Steps of the same transaction.
    pub(super) steps: Vec<Step>,
    /// Whether a salvage gateway that works on the current bill is asked to stop.
    pub(super) stop_salvage: bool,
}

impl Edited {
    pub(super) fn new(next: Subscription, event: &'static str, words: impl Into<String>) -> Self {
        Self { next, event, words: words.into(), steps: Vec::new(), stop_salvage: false }
    }

    pub(super) fn stopping_salvage(mut self) -> Self {
        self.stop_salvage = true;
        self
    }
}

pub(super) fn invalid(field: &str, message: impl Into<String>) -> PersonError {
    PersonError::Invalid(vec![Problem::new(field, message)])
}

/// A reason of 1 to 500 characters; card numbers in it are masked.
pub(super) fn reason_of(reason: &str) -> Result<String, PersonError> {
    let length = reason.trim().chars().count();
    if !(1..=REASON_CHARS_MAX).contains(&length) {
        return Err(invalid("reason", format!("say why in 1 to {REASON_CHARS_MAX} characters")));
    }
    Ok(domain::card::mask_card_numbers(reason.trim()))
}

/// Refused while an attempt of the current bill may still come to something (M23).
pub(super) fn refuse_while_open(seen: &Seen, what: &str) -> Result<(), PersonError> {
    match &seen.open {
        None => Ok(()),
        Some(attempt) => {
            let state = attempt.state.name();
            let until = attempt.deadline.map_or_else(String::new, |at| format!(" until {at}"));
            Err(PersonError::Conflict(format!(
                "{what} is not possible while attempt {} of the current bill is {state}{until}; wait for it, or pause the subscription to stop it",
                attempt.id
            )))
        }
    }
}

impl Hub {
    /// Changes a subscription as `decide` says. The decision is made anew when somebody else was faster.
    pub(super) async fn edit(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        actor: &str,
        note: &str,
        decide: impl Fn(&Seen) -> Result<Edited, PersonError>,
    ) -> Result<Subscription, PersonError> {
        for _ in 0..TRIES_MAX {
            let seen = self.seen(merchant_id, id).await?;
            let edited = decide(&seen)?;
            match self.save_edited(&seen, &edited, actor, note).await {
                Ok(()) => {}
                Err(error) if error.is_conflict_in(subscriptions::CHANGED_SINCE) => continue,
                Err(error) => return Err(error.into()),
            }
            if let (true, Some(attempt)) = (edited.stop_salvage, &seen.open)
                && attempt.deadline.is_some()
            {
                let aftermath = self.aftermath();
                // The wish to stop it is committed: what fails here the driver does.
                if let Err(error) = self.charging.cancel_salvage(attempt, aftermath.as_ref()).await {
                    tracing::warn!(attempt.id = %attempt.id, error = %error, "Attempt {} was not stopped yet", attempt.id);
                }
            }
            let found = self.store().find_subscription(merchant_id, id).await?;
            return found.ok_or(PersonError::NotFound("subscription"));
        }
        Err(PersonError::Conflict("the subscription is being changed by others; try again".to_owned()))
    }

    async fn save_edited(
        &self,
        seen: &Seen,
        edited: &Edited,
        actor: &str,
        note: &str,
    ) -> Result<(), StoreError> {
        let merchant_id = seen.subscription.merchant_id;
        let (subscription, words) = (&seen.subscription, &edited.words);
        let mut transaction = Transaction::new("edit_subscription")
            .with(subscriptions::update(&edited.next, None))
            .with_all(edited.steps.iter().cloned())
            .with(self.tell_of(subscription, format!("{words} By {actor}.")))
            .with(self.audited(
                merchant_id,
                actor,
                &format!("subscription {}: {words}", subscription.id),
                note,
            ));
        if let (true, Some(open)) = (edited.stop_salvage, &seen.open) {
            // In the same transaction: a crash right after it leaves no salvage that nobody stops (M23).
            let now = self.minter().now();
            transaction = transaction.with(attempts::ask_cancel(merchant_id, open.id, now));
        }
        if !edited.event.is_empty() {
            let subject = self.minter().uuid();
            let order_id = subscription.order_id;
            transaction =
                transaction.with(self.event_of(&edited.next, edited.event, subject, order_id, None, words));
        }
        self.store().commit(transaction).await.map(|_| ())
    }

    pub(super) async fn seen(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
    ) -> Result<Seen, PersonError> {
        let configuration = self.configuration(merchant_id).await?;
        let found = self.store().find_subscription(merchant_id, id).await?;
        let subscription = found.ok_or(PersonError::NotFound("subscription"))?;
        let attempts = match subscription.collecting {
            Some(payment) => self.store().list_attempts_of_payment(merchant_id, payment).await?,
            None => Vec::new(),
        };
        let open = attempts.into_iter().find(is_open);
        Ok(Seen { configuration, subscription, open })
    }
}
