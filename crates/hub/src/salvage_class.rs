//! A refusal by a salvage gateway says nothing new about the card: it carries the class of the decline that it was to
//! turn (M25).

use domain::attempt::{Attempt, AttemptState, Decline, Outcome};
use domain::configuration::Configuration;
use storage::StoreError;

use crate::Hub;

impl Hub {
    /// A salvage gateway's refusal with the class of the decline that it was to turn; anything else as it is.
    pub(crate) async fn as_salvaged(
        &self,
        configuration: &Configuration,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<Outcome, StoreError> {
        let salvages = configuration
            .gateway(attempt.gateway_id)
            .is_some_and(|gateway| gateway.capabilities.is_salvage_only());
        let (Outcome::Declined(decline), Some(id), true) = (&outcome, attempt.salvages, salvages) else {
            return Ok(outcome);
        };
        if attempt.deadline.is_none() {
            return Ok(outcome);
        }
        let Some(turned) = self.store().find_attempt(attempt.merchant_id, id).await? else {
            return Ok(outcome);
        };
        Ok(match turned.state {
            AttemptState::Declined { decline: turned, .. } => Outcome::Declined(Decline {
                reason: turned.reason,
                class_read: turned.class_read,
                class: turned.class,
                map: turned.map,
                ..decline.clone()
            }),
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Approved { .. }
            | AttemptState::NotExecuted { .. } => outcome,
        })
    }
}
