//! Whether a report is believed as it is, and what the gateway says when it is asked.

use std::sync::Arc;

use domain::attempt::{Attempt, AttemptState, Doubt};
use domain::salvage::Standing;
use gateways::{Gateway, InquireRequest};

use super::Case;
use crate::{Hub, HubError};

/// A signature this much older or newer than its arrival is no proof of what holds now (M32), seconds.
const FRESH_SECS: i64 = 300;

impl Case<'_> {
    /// Whether it was signed just now, about the same thing of the gateway's that we know; else the gateway is asked
    /// before anything is applied (M32).
    pub(super) fn is_believed(&self, known: Option<&str>) -> bool {
        let age = self.kept.received_at.duration_since(self.report.signed_at).as_secs();
        let is_fresh = (-FRESH_SECS..=FRESH_SECS).contains(&age);
        let told = self.report.gateway_reference.as_str();
        is_fresh && (told.is_empty() || known.is_none_or(|known| known == told))
    }
}

impl Hub {
    /// The gateway's id of an attempt, as far as we know it.
    pub(super) async fn known_reference(&self, attempt: &Attempt) -> Result<Option<String>, HubError> {
        Ok(match &attempt.state {
            AttemptState::Approved { approval, .. } => Some(approval.reference.clone()),
            AttemptState::Pending { reference, .. } => Some(reference.clone()),
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. } => {
                self.store().find_fence_facts(attempt.merchant_id, attempt.id).await?.1
            }
        })
    }

    /// Where an attempt stands at its gateway.
    pub(super) async fn stands(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
    ) -> Result<Standing, HubError> {
        Ok(gateway.look_up(&self.inquiry(attempt).await?).await)
    }

    /// A question about an attempt.
    pub(super) async fn inquiry(&self, attempt: &Attempt) -> Result<InquireRequest, HubError> {
        let siblings = self.store().list_attempts_of_payment(attempt.merchant_id, attempt.payment_id).await?;
        let card = self.store().find_card(attempt.merchant_id, attempt.card_id).await?;
        Ok(InquireRequest {
            reference: charging::reference_of(attempt),
            gateway_reference: self.known_reference(attempt).await?,
            purpose: attempt.purpose,
            amount: attempt.amount,
            card_last_four: card.map(|card| card.shown.last_four).unwrap_or_default(),
            doubt: Doubt::LostAnswer,
            sent_at: attempt.created_at,
            siblings: siblings.iter().map(charging::reference_of).collect(),
        })
    }
}
