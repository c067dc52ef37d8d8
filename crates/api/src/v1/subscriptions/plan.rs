//! The attempt plan of a subscription's current bill: what was tried, what a rule holds back, what comes next and why.

use domain::attempt as a;
use domain::calendar::{BillingTime, slot_at};
use domain::configuration::Configuration;
use domain::ids::GatewayId;
use domain::subscription::{Subscription, SubscriptionStatus};
use hub::{Hub, HubError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::attempts::Attempt;
use crate::v1::values::{Instant, Money};

/// What a rule holds back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Held {
    /// Why: one sentence.
    why: String,
    /// Until when; absent while an attempt is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Instant>,
}

/// An attempt that was made for the current bill.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MadeAttempt {
    /// The recycle slot: 1 to 9 for Re-Attempts, 10 for the Final Attempt; 0 for the bill itself.
    slot: i64,
    /// Until when a salvage gateway may work on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Instant>,
    /// The attempt.
    attempt: Attempt,
}

/// An attempt that is still to come. All but the first are made only if the one before it is declined softly.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlannedStep {
    /// The recycle slot: 1 to 9 for Re-Attempts, 10 for the Final Attempt; 0 for the bill itself.
    slot: i64,
    /// When, if nothing holds it back and the one before it is declined at once.
    at: Instant,
    /// How much.
    amount: Money,
    /// Where.
    gateway_id: String,
    /// The gateway's number.
    gateway_number: i64,
    /// Whether it is handed over to a salvage gateway, which works on it until a deadline of its own.
    is_handed_over: bool,
}

/// The attempt plan of the current bill.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AttemptPlan {
    /// The cycle that is being collected or comes next.
    cycle: i64,
    /// The debt; absent until its first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    /// What is owed, before any reduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    /// Where the debt stands: `none` before its first attempt, else `attempting`, `in_doubt`, `declined` or `reversed`.
    payment_state: String,
    /// What was tried, oldest first.
    attempts: Vec<MadeAttempt>,
    /// What a rule holds back now.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
    /// What comes next.
    next: Vec<PlannedStep>,
    /// How the plan ends: one sentence.
    then: String,
}

impl AttemptPlan {
    /// Reads the attempts of the current bill and follows the recycle profile from here on.
    pub(super) async fn load(
        hub: &Hub,
        configuration: &Configuration,
        one: &Subscription,
    ) -> Result<Self, HubError> {
        let (store, merchant_id) = (hub.store(), one.merchant_id);
        let (payment, attempts) = match one.collecting {
            Some(id) => (
                store.find_payment(merchant_id, id).await?,
                store.list_attempts_of_payment(merchant_id, id).await?,
            ),
            None => (None, Vec::new()),
        };
        let open = attempts.iter().find(|attempt| attempt.state.is_open());
        let (next, then) = upcoming(configuration, one, open, hub.minter().now());
        let cycle = one.cycle.saturating_add(1);
        let made = |attempt: &a::Attempt| MadeAttempt {
            slot: attempt.slot.unwrap_or(0),
            deadline: attempt.deadline.map(Instant::from),
            attempt: Attempt::from(attempt),
        };
        let held = (!one.held.is_empty())
            .then(|| Held { why: one.held.clone(), until: one.next_action_at.map(Instant::from) });
        Ok(Self {
            cycle,
            payment_id: payment.as_ref().map(|payment| payment.id.to_string()),
            amount: payment
                .as_ref()
                .map(|payment| payment.amount)
                .or_else(|| one.terms.amount_of(cycle).ok())
                .map(Money::from),
            payment_state: payment.map_or("none", |payment| payment.state.as_str()).to_owned(),
            attempts: attempts.iter().map(made).collect(),
            held,
            next,
            then,
        })
    }
}

/// The steps to come, and how they end.
fn upcoming(
    configuration: &Configuration,
    one: &Subscription,
    open: Option<&a::Attempt>,
    now: Timestamp,
) -> (Vec<PlannedStep>, String) {
    if !one.status.is_billable() {
        return (Vec::new(), format!("Nothing is billed: the subscription is {}.", one.status.as_str()));
    }
    if let Some(open) = open
        && open.deadline.is_some()
    {
        let words = "A salvage gateway works on it; if it cannot recover the bill, nothing tries any more.";
        return (Vec::new(), words.to_owned());
    }
    let walk = Walk { configuration, one };
    let mut steps = Vec::new();
    let mut slot = if one.status == SubscriptionStatus::RecycleBilling { one.slot } else { 0 };
    let mut at = one.next_action_at.or(one.next_bill_at).unwrap_or(now);
    if let Some(open) = open {
        slot = open.slot.unwrap_or(0);
        at = now;
    } else if let Some(pause) =
        one.pause_at.filter(|pause| one.next_bill_at.is_none_or(|bill| *pause <= bill))
    {
        return (steps, format!("It is paused at {pause}, before its next bill."));
    } else if let Some(step) = walk.step(slot, at) {
        let ends = step.is_handed_over;
        steps.push(step);
        if ends {
            return (steps, walk.then(true));
        }
    }
    while let Some((number, when)) = walk.after(slot, at) {
        (slot, at) = (number, when);
        let Some(step) = walk.step(slot, at) else { continue };
        let ends = step.is_handed_over;
        steps.push(step);
        if ends {
            return (steps, walk.then(true));
        }
    }
    (steps, walk.then(false))
}

struct Walk<'a> {
    configuration: &'a Configuration,
    one: &'a Subscription,
}

impl Walk<'_> {
    /// The attempt in a slot; none where its gateway cannot be used.
    fn step(&self, slot: i64, at: Timestamp) -> Option<PlannedStep> {
        let original = self.one.terms.amount_of(self.one.cycle.saturating_add(1)).ok()?;
        let profile = self.configuration.recycle_profile_of(self.one.gateway_id).filter(|_| slot > 0);
        let amount = profile.map_or(original, |profile| profile.amount_of(slot, original));
        let own = self.one.gateway_id;
        let chosen: GatewayId = profile.map_or(own, |profile| profile.gateway_of(slot, own));
        let gateway = self.configuration.gateway(chosen)?;
        // What stands in the way of the subscription's own gateway is mended; another one is passed over (R24).
        (gateway.enabled || chosen == own).then(|| PlannedStep {
            slot,
            at: at.into(),
            amount: amount.into(),
            gateway_id: gateway.id.to_string(),
            gateway_number: gateway.number,
            is_handed_over: gateway.capabilities.is_salvage_only(),
        })
    }

    /// The slot after this one, and when it is if this one is declined at its time.
    fn after(&self, slot: i64, at: Timestamp) -> Option<(i64, Timestamp)> {
        if self.is_disabled() {
            return None;
        }
        let profile = self.configuration.recycle_profile_of(self.one.gateway_id)?;
        let next = profile.next_slot(slot)?;
        let account = &self.configuration.account;
        let zone = TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC);
        let billing = BillingTime {
            time_zone: &zone,
            daily_minute: account.daily_rebill_minute,
            at_sale_time: account.rebill_at_sale_time,
        };
        let days = profile.days_to(next).unwrap_or(1);
        Some((next, slot_at(at, days, profile.bill_on_saturday, &billing, self.one.terms.sold_at)))
    }

    fn is_disabled(&self) -> bool {
        let campaign = self.configuration.campaign(self.one.campaign_id);
        campaign.is_some_and(|campaign| campaign.disable_recycle_billing)
    }

    fn then(&self, is_handed_over: bool) -> String {
        let words = if is_handed_over {
            "If the salvage gateway cannot recover it by its deadline, nothing tries any more."
        } else if self.is_disabled() {
            "A decline ends it: its campaign does not try declined rebills again."
        } else if self.configuration.recycle_profile_of(self.one.gateway_id).is_none() {
            "A decline ends it: no recycle profile serves its gateway."
        } else {
            "A hard decline, or a decline in the last slot, ends it."
        };
        words.to_owned()
    }
}
