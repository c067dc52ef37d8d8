//! A bill that provably did nothing: made again, or shown to a person when it gets lost twice (M12, M13, M20).

use charging::Consequence;
use domain::attempt::{Attempt, AttemptState, Lapse, LapseCause, Outcome};
use domain::calendar::{next_run, slot_at};
use domain::configuration::Configuration;
use domain::payment::PaymentState;
use domain::subscription::{Subscription, SubscriptionEvent};
use jiff::{SignedDuration, Timestamp};
use storage::{Step, StoreError, subscriptions};

use super::begin::{billing_time, zone_of};
use super::case::BillingCase;
use super::outcome::waits_for;
use crate::Hub;
use crate::stored_charge::has_no_card;

/// Made again so soon after an attempt that provably did nothing.
const AGAIN_SECS: i64 = 900;
/// Made again so long after the gateway took it for a repetition of another payment (M12).
const AFTER_REPETITION_SECS: i64 = 1_200;
/// After so many in a row only once a day, with an alert.
const TRIES_MAX: i64 = 4;

impl Hub {
    /// Whether this attempt got lost, and the one before it in its slot too (M13, M20). What was stopped because the
    /// customer acted did not get lost (M23).
    pub(super) async fn lost_before(&self, attempt: &Attempt, lapse: &Lapse) -> Result<bool, StoreError> {
        if !is_lost(lapse) || self.was_stopped(attempt).await? {
            return Ok(false);
        }
        let all = self.store().list_attempts_of_payment(attempt.merchant_id, attempt.payment_id).await?;
        let earlier = all.iter().filter(|one| one.id != attempt.id);
        match last_lost(earlier, attempt.slot, &attempt.card_fingerprint) {
            Some((before, _)) => Ok(!self.was_stopped(before).await?),
            None => Ok(false),
        }
    }

    async fn was_stopped(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        let asked = self.store().find_cancel_asked(attempt.merchant_id, attempt.id).await?;
        Ok(asked.is_some())
    }

    /// It provably did nothing: the same step is made again, or the customer's new card is billed in the next run.
    pub(super) fn bill_lapsed(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        outcome: &Outcome,
        lapse: &Lapse,
        lost_before: bool,
    ) -> Consequence {
        let subscription = &case.subscription;
        let mut steps = vec![
            self.payment_state(attempt, PaymentState::Declined),
            self.tell_of(subscription, format!("Nothing was charged. {}", lapse.text)),
        ];
        if !waits_for(subscription, attempt) {
            return Consequence { steps, then: Vec::new() };
        }
        if has_no_card(outcome) {
            let next = self.stopped(subscription, SubscriptionEvent::Fail, &lapse.text);
            steps.push(subscriptions::update(&next, None));
            steps.extend(self.failed(configuration, &next, Some(attempt), &lapse.text));
            return Consequence { steps, then: Vec::new() };
        }
        let tries = subscription.tries.saturating_add(1);
        let now = self.minter().now();
        let new_card = attempt.card_id != subscription.card_id;
        let zone = zone_of(configuration);
        let time = billing_time(configuration, &zone);
        // Refused without a reason: not our account at fault, but a repetition of another payment (M12).
        let repetition = lapse.cause == LapseCause::Refused && lapse.reason.is_none();
        let refused = lapse.cause == LapseCause::Refused && !repetition;
        if lost_before && !new_card {
            return self.bill_lost_again(subscription, attempt, lapse, steps);
        }
        let at = if new_card {
            next_run(now, &time, subscription.terms.sold_at)
        } else if tries < TRIES_MAX && !refused {
            let secs = if repetition { AFTER_REPETITION_SECS } else { AGAIN_SECS };
            now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
        } else {
            slot_at(now, 1, false, &time, subscription.terms.sold_at)
        };
        let next = Subscription {
            tries: if new_card { 0 } else { tries },
            next_action_at: Some(at),
            next_bill_at: Some(at),
            held: lapse.text.clone(),
            updated_at: now,
            ..subscription.clone()
        };
        steps.push(subscriptions::update(&next, None));
        // Told when it begins and when it goes on for days, not every day.
        let stuck = (refused && tries == 1) || tries == TRIES_MAX;
        if stuck && !new_card {
            let words = format!("A bill could not be sent: {} It is tried again on {at}.", lapse.text);
            steps.push(self.alert_of(subscription, Some(attempt.id), "bill_not_sent", words));
        }
        Consequence { steps, then: Vec::new() }
    }

    /// Lost twice in a row: it is made once more and no oftener (M13, M20). A person looks before it is billed again.
    fn bill_lost_again(
        &self,
        subscription: &Subscription,
        attempt: &Attempt,
        lapse: &Lapse,
        mut steps: Vec<Step>,
    ) -> Consequence {
        let words = format!(
            "A bill got lost twice on its way: {} Look at the gateway, then bill the subscription by hand.",
            lapse.text
        );
        let next = Subscription {
            tries: subscription.tries.saturating_add(1),
            next_action_at: subscription.pause_at,
            next_bill_at: None,
            held: words.clone(),
            updated_at: self.minter().now(),
            ..subscription.clone()
        };
        steps.push(subscriptions::update(&next, None));
        steps.push(self.alert_of(subscription, Some(attempt.id), "bill_lost", words));
        Consequence { steps, then: Vec::new() }
    }
}

/// Whether an attempt got lost on its way, not before it and not at the gateway's door.
fn is_lost(lapse: &Lapse) -> bool {
    matches!(lapse.cause, LapseCause::NotReceived | LapseCause::Fenced)
}

/// A hand-over that was lost and fenced is made once more, with the same deadline (M20).
pub(super) fn lost_deadline(
    attempts: &[Attempt],
    subscription: &Subscription,
    slot: i64,
    now: Timestamp,
) -> Option<Timestamp> {
    let slot = (slot > 0).then_some(slot);
    let (lost, cause) = last_lost(attempts.iter(), slot, &subscription.card_fingerprint)?;
    (cause == LapseCause::Fenced).then_some(lost.deadline).flatten().filter(|deadline| *deadline > now)
}

/// The newest attempt of a slot on a card, if it got lost, and how that ended. What never left, or was not worked on,
/// says nothing about those before it.
fn last_lost<'a>(
    attempts: impl DoubleEndedIterator<Item = &'a Attempt>,
    slot: Option<i64>,
    card_fingerprint: &str,
) -> Option<(&'a Attempt, LapseCause)> {
    let of_slot =
        attempts.rev().take_while(|one| one.slot == slot && one.card_fingerprint == card_fingerprint);
    let mut ended = of_slot.map(|one| match &one.state {
        AttemptState::NotExecuted { lapse, .. } => (one, Some(lapse.cause)),
        AttemptState::Sending
        | AttemptState::InDoubt { .. }
        | AttemptState::Pending { .. }
        | AttemptState::Approved { .. }
        | AttemptState::Declined { .. } => (one, None),
    });
    let (newest, cause) =
        ended.find(|(_, cause)| !matches!(cause, Some(LapseCause::NotSent | LapseCause::Refused)))?;
    cause.map(|cause| (newest, cause))
}
