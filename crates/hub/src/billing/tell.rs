//! What a subscription's history, its merchant and people are told.

use domain::attempt::Attempt;
use domain::ids::{AttemptId, OrderId};
use domain::subscription::Subscription;
use serde_json::json;
use storage::alerts::Alert;
use storage::events::Event;
use storage::timeline::Line;
use storage::{Step, alerts, events, timeline};
use uuid::Uuid;

use crate::Hub;

impl Hub {
    /// A line of the history of the order that a subscription began on.
    pub(crate) fn tell_of(&self, subscription: &Subscription, words: impl Into<String>) -> Step {
        timeline::insert(&Line {
            merchant_id: subscription.merchant_id,
            id: self.minter().mint(),
            order_id: subscription.order_id,
            at: self.minter().now(),
            words: words.into(),
        })
    }

    /// Something about a subscription that a person must look at.
    pub(crate) fn alert_of(
        &self,
        subscription: &Subscription,
        attempt: Option<AttemptId>,
        kind: &str,
        words: impl Into<String>,
    ) -> Step {
        alerts::insert(&Alert {
            merchant_id: subscription.merchant_id,
            id: self.minter().mint(),
            kind: kind.to_owned(),
            order_id: Some(subscription.order_id),
            attempt_id: attempt,
            words: words.into(),
            created_at: self.minter().now(),
        })
    }

    /// An event about a subscription (R139). `subject` is what it is told once about.
    pub(crate) fn event_of(
        &self,
        subscription: &Subscription,
        kind: &str,
        subject: Uuid,
        order_id: OrderId,
        attempt: Option<&Attempt>,
        text: &str,
    ) -> Step {
        let amount = attempt.map(|attempt| attempt.amount.minor());
        let body = json!({
            "event": kind,
            "subscription_id": subscription.id.to_string(),
            "order_id": order_id.to_string(),
            "attempt_id": attempt.map(|attempt| attempt.id.to_string()),
            "gateway_id": attempt.map(|attempt| attempt.gateway_id.to_string()),
            "billing_cycle": subscription.cycle,
            "slot": subscription.slot,
            "status": subscription.status.as_str(),
            "amount_minor": amount,
            "currency": subscription.terms.currency.code(),
            "text": text,
        });
        events::insert(&Event {
            merchant_id: subscription.merchant_id,
            id: self.minter().mint(),
            kind: kind.to_owned(),
            subject_id: subject,
            order_id,
            body: body.to_string(),
            created_at: self.minter().now(),
        })
    }
}
