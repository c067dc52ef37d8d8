//! What follows from a bill's outcome: the response table for rebills (R90–R99, R128–R133, M17, M20–M26).

use charging::{Consequence, Consequences, Resolution};
use domain::attempt::{Attempt, Decline, Outcome, RawDecline};
use domain::calendar::{next_run, slot_at};
use domain::configuration::Configuration;
use domain::payment::PaymentState;
use domain::recycle::{AfterDecline, RecycleCase, decide_recycle};
use domain::subscription::{Subscription, SubscriptionEvent, SubscriptionStatus};
use gateways::{Gateway, OperationKind, Reply};
use std::sync::{Arc, Mutex, PoisonError};
use storage::operations::Operation;
use storage::{Step, StoreError, attempts, operations, payments, subscriptions};

use super::begin::{billing_time, zone_of};
use super::case::BillingCase;
use super::plan::salvage_gateways;
use crate::aftermath::{Aftermath, store_error};
use crate::stored_charge::StoredCharge;
use crate::{Hub, HubError};

/// The consequences of one bill whose case is in memory: nothing is read twice while nobody changed it.
#[derive(Debug)]
pub(crate) struct Billed {
    aftermath: Arc<Aftermath>,
    case: Mutex<Option<BillingCase>>,
    hub: Hub,
}

impl Hub {
    /// Sends a bill whose intent is committed and records what came of it.
    pub(super) async fn charge_bill(
        &self,
        configuration: &Arc<Configuration>,
        attempt: &Attempt,
        charge: StoredCharge,
        case: BillingCase,
    ) -> Result<Resolution, HubError> {
        let billed = Billed { aftermath: self.aftermath(), case: Mutex::new(Some(case)), hub: self.clone() };
        self.charge_stored_with(configuration, attempt, charge, &billed).await
    }

    /// A copy after an event that its status takes; an event that it does not take leaves the status.
    pub(crate) fn changed(&self, subscription: &Subscription, event: SubscriptionEvent) -> Subscription {
        let has_trial = subscription.terms.plan.trial.is_some();
        let status = subscription.status.on(event, has_trial).unwrap_or(subscription.status);
        Subscription { status, updated_at: self.minter().now(), ..subscription.clone() }
    }

    /// A copy that is not billed any more, and why.
    pub(crate) fn stopped(
        &self,
        subscription: &Subscription,
        event: SubscriptionEvent,
        why: &str,
    ) -> Subscription {
        Subscription {
            stop_reason: why.to_owned(),
            held: String::new(),
            next_action_at: None,
            next_bill_at: None,
            pause_at: None,
            ..self.changed(subscription, event)
        }
    }

    /// Told when a subscription stops because it cannot be collected: Recycle Failed (R139).
    pub(super) fn failed(
        &self,
        _configuration: &Configuration,
        subscription: &Subscription,
        attempt: Option<&Attempt>,
        why: &str,
    ) -> Vec<Step> {
        let subject = attempt.map_or_else(|| self.minter().uuid(), |attempt| attempt.id.uuid());
        let order_id = subscription.order_id;
        vec![
            self.event_of(subscription, "recycle_failed", subject, order_id, attempt, why),
            self.tell_of(subscription, format!("Recycle failed: {why}")),
        ]
    }

    /// What follows from the outcome of an attempt of a bill.
    pub(crate) async fn bill_settled(
        &self,
        case: &BillingCase,
        attempt: &Attempt,
        outcome: &Outcome,
    ) -> Result<Consequence, StoreError> {
        let configuration = self.configuration(attempt.merchant_id).await.map_err(store_error)?;
        match outcome {
            Outcome::Approved(approval) => {
                let shown = if let Some(shown) = &case.card {
                    Some(shown.clone())
                } else {
                    let card = self.store().find_card(attempt.merchant_id, attempt.card_id).await?;
                    card.map(|card| card.shown)
                };
                Ok(self.bill_won(&configuration, case, attempt, approval, shown))
            }
            Outcome::Declined(decline) => Ok(self.bill_declined(&configuration, case, attempt, decline)),
            Outcome::NotExecuted(lapse) => {
                let lost_before = self.lost_before(attempt, lapse).await?;
                Ok(self.bill_lapsed(&configuration, case, attempt, outcome, lapse, lost_before))
            }
        }
    }

    pub(super) fn payment_state(&self, attempt: &Attempt, state: PaymentState) -> Step {
        payments::set_state(attempt.merchant_id, attempt.payment_id, state, self.minter().now())
    }

    fn bill_declined(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        decline: &Decline,
    ) -> Consequence {
        let subscription = &case.subscription;
        let mut steps = vec![self.payment_state(attempt, PaymentState::Declined)];
        steps.extend(self.card_locked(attempt, decline));
        let number = configuration.gateway(attempt.gateway_id).map_or(0, |gateway| gateway.number);
        let (text, reason) = (&decline.raw.text, decline.reason.as_str());
        let class = decline.class.as_str();
        let said = format!("Bill {} declined by gateway {number}: {text} ({reason}, {class}).", case.cycle);
        steps.push(self.tell_of(subscription, said));
        let told = self.event_of(
            subscription,
            "rebill_decline",
            attempt.id.uuid(),
            subscription.order_id,
            Some(attempt),
            text,
        );
        steps.push(told);
        // A customer who cancelled or paused meanwhile stays cancelled or paused (M23).
        if !waits_for(subscription, attempt) {
            return Consequence { steps, then: Vec::new() };
        }
        steps.extend(self.after_decline(configuration, case, attempt, decline));
        Consequence { steps, then: Vec::new() }
    }

    fn after_decline(
        &self,
        configuration: &Configuration,
        case: &BillingCase,
        attempt: &Attempt,
        decline: &Decline,
    ) -> Vec<Step> {
        let subscription = &case.subscription;
        let salvage = salvage_gateways(configuration);
        let took = configuration.gateway(attempt.gateway_id);
        let was_salvage =
            attempt.deadline.is_some() || took.is_some_and(|gateway| gateway.capabilities.is_salvage_only());
        let campaign = configuration.campaign(subscription.campaign_id);
        let profile = configuration.recycle_profile_of(subscription.gateway_id);
        let bar = decline.reason.is_never().then_some("the decline forbids another attempt");
        if attempt.card_id != subscription.card_id {
            // The customer gave a new card meanwhile: it is billed in the next run, same slot (M23).
            return vec![self.on_new_card(configuration, subscription)];
        }
        let decided = decide_recycle(&RecycleCase {
            profile,
            campaign_disables: campaign.is_some_and(|campaign| campaign.disable_recycle_billing),
            reason: decline.reason,
            class: decline.class,
            slot: attempt.slot.unwrap_or(0),
            was_salvage,
            own_gateway: subscription.gateway_id,
            own_gateway_number: configuration
                .gateway(subscription.gateway_id)
                .map_or(0, |gateway| gateway.number),
            ordinary_bar: bar,
            salvage_gateways: &salvage,
        });
        match decided {
            AfterDecline::Retry { slot, days, why, .. } => {
                let zone = zone_of(configuration);
                let saturday = profile.is_some_and(|profile| profile.bill_on_saturday);
                let at = slot_at(
                    self.minter().now(),
                    days,
                    saturday,
                    &billing_time(configuration, &zone),
                    subscription.terms.sold_at,
                );
                let next = Subscription {
                    slot,
                    tries: 0,
                    next_action_at: Some(at),
                    next_bill_at: Some(at),
                    held: String::new(),
                    ..self.changed(subscription, SubscriptionEvent::Recycle)
                };
                vec![subscriptions::update(&next, None), self.tell_of(subscription, why)]
            }
            AfterDecline::Fail(why) => {
                let next = self.stopped(subscription, SubscriptionEvent::Fail, &why);
                let mut steps = vec![subscriptions::update(&next, None)];
                steps.extend(self.failed(configuration, &next, Some(attempt), &why));
                steps
            }
        }
    }

    fn on_new_card(&self, configuration: &Configuration, subscription: &Subscription) -> Step {
        let zone = zone_of(configuration);
        let now = self.minter().now();
        let at = next_run(now, &billing_time(configuration, &zone), subscription.terms.sold_at);
        let next = Subscription {
            tries: 0,
            next_action_at: Some(at),
            next_bill_at: Some(at),
            held: String::new(),
            updated_at: now,
            ..subscription.clone()
        };
        subscriptions::update(&next, None)
    }

    /// A salvage gateway works on it: the subscription waits for it, until the deadline or its scheduled pause (R85, Q3).
    pub(crate) fn bill_opened(&self, case: &BillingCase, attempt: &Attempt) -> Consequence {
        let subscription = &case.subscription;
        let until = attempt.deadline.map_or_else(String::new, |at| format!(" until {at}"));
        let mut steps = vec![
            self.payment_state(attempt, PaymentState::Attempting),
            self.tell_of(subscription, format!("The salvage gateway works on it{until}.")),
        ];
        if waits_for(subscription, attempt) {
            let next = Subscription {
                next_bill_at: attempt.deadline,
                next_action_at: subscription.pause_at,
                held: String::new(),
                updated_at: self.minter().now(),
                ..subscription.clone()
            };
            steps.push(subscriptions::update(&next, None));
        }
        Consequence { steps, then: Vec::new() }
    }

    /// It was taken and given back at the gateway: not collected, and nobody tries again by itself.
    pub(crate) async fn bill_undone(
        &self,
        case: &BillingCase,
        attempt: &Attempt,
    ) -> Result<Consequence, StoreError> {
        let configuration = self.configuration(attempt.merchant_id).await.map_err(store_error)?;
        let subscription = &case.subscription;
        let why = "The bill was approved and given back at the gateway.";
        let mut steps =
            vec![self.payment_state(attempt, PaymentState::Reversed), self.tell_of(subscription, why)];
        if waits_for(subscription, attempt) {
            let next = self.stopped(subscription, SubscriptionEvent::Fail, why);
            steps.push(subscriptions::update(&next, None));
            steps.extend(self.failed(&configuration, &next, Some(attempt), why));
        }
        Ok(Consequence { steps, then: Vec::new() })
    }

    /// An approval that nobody may keep: given back in full, with an alert (M17).
    pub(super) fn bill_given_back(
        &self,
        case: &BillingCase,
        attempt: &Attempt,
        can_void: bool,
        why: String,
    ) -> Consequence {
        if attempt.amount.is_zero() {
            let words = "A check of the card was approved late: nothing was taken.";
            let declined = self.payment_state(attempt, PaymentState::Declined);
            let undone = attempts::reverse(attempt.merchant_id, attempt.id, self.minter().now());
            let steps = vec![declined, undone, self.tell_of(&case.subscription, words)];
            return Consequence { steps, then: Vec::new() };
        }
        let kind = if can_void { OperationKind::Void } else { OperationKind::Refund };
        let operation = self.charging.new_operation(kind, attempt, attempt.amount, &why);
        let mut steps = vec![
            self.payment_state(attempt, PaymentState::Declined),
            self.alert_of(&case.subscription, Some(attempt.id), "late_approval", why.clone()),
            self.tell_of(&case.subscription, why),
        ];
        steps.extend(operations::insert(&operation, self.charging.operation_take_up_at()));
        Consequence { steps, then: vec![operation] }
    }
}

/// Whether the subscription still waits for this attempt's debt.
pub(super) fn waits_for(subscription: &Subscription, attempt: &Attempt) -> bool {
    let same = subscription.collecting == Some(attempt.payment_id);
    match subscription.status {
        SubscriptionStatus::Trial
        | SubscriptionStatus::Active
        | SubscriptionStatus::PauseScheduled
        | SubscriptionStatus::CancellationScheduled
        | SubscriptionStatus::RecycleBilling => same,
        SubscriptionStatus::Paused
        | SubscriptionStatus::Complete
        | SubscriptionStatus::Cancelled
        | SubscriptionStatus::RecycleFailed => false,
    }
}

impl Billed {
    /// The case in memory, once; after a conflict it is read anew.
    async fn case(&self, attempt: &Attempt) -> Result<BillingCase, StoreError> {
        let known = self.case.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(case) = known {
            return Ok(case);
        }
        let missing = || StoreError::Inconsistent {
            table: "attempts",
            column: "payment_id",
            id: attempt.id.to_string(),
        };
        self.hub.billing_case(attempt).await?.ok_or_else(missing)
    }
}

impl Consequences for Billed {
    fn settled<'a>(
        &'a self,
        attempt: &'a Attempt,
        outcome: &'a Outcome,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            let case = self.case(attempt).await?;
            self.hub.bill_settled(&case, attempt, outcome).await
        })
    }

    fn undone<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        self.aftermath.undone(attempt)
    }

    fn doubted<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        self.aftermath.doubted(attempt)
    }

    fn opened<'a>(&'a self, attempt: &'a Attempt) -> Reply<'a, Result<Consequence, StoreError>> {
        Box::pin(async move {
            let case = self.case(attempt).await?;
            Ok(self.hub.bill_opened(&case, attempt))
        })
    }

    fn operated<'a>(
        &'a self,
        attempt: &'a Attempt,
        operation: &'a Operation,
    ) -> Reply<'a, Result<Consequence, StoreError>> {
        self.aftermath.operated(attempt, operation)
    }

    fn gateway_of<'a>(
        &'a self,
        attempt: &'a Attempt,
    ) -> Reply<'a, Result<Option<Arc<dyn Gateway>>, StoreError>> {
        self.aftermath.gateway_of(attempt)
    }

    fn read_decline<'a>(
        &'a self,
        attempt: &'a Attempt,
        raw: RawDecline,
    ) -> Reply<'a, Result<Outcome, StoreError>> {
        self.aftermath.read_decline(attempt, raw)
    }
}
