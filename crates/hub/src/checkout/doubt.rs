//! A checkout whose answer was lost: asked about with what is left of the time (M2, M12).

use std::time::Duration;

use charging::{Consequence, Recorded};
use domain::attempt::{Attempt, AttemptState, Doubt, Lapse, LapseCause};
use domain::doubt::Finding;
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use storage::payments;

use super::{Checkout, Next};
use crate::HubError;

impl Checkout {
    pub(super) async fn in_doubt(
        &mut self,
        attempt: &Attempt,
        doubt: Doubt,
        reference: Option<String>,
        words: String,
    ) -> Result<Next, HubError> {
        let known = self.hub.charging.fresh_doubt(attempt, doubt, reference, words.clone());
        let said = self.hub.tell(&self.prepared.order, format!("In doubt: {words}"));
        let merchant_id = attempt.merchant_id;
        let now = self.hub.minter().now();
        let steps = if attempt.route.is_cascade() {
            "The answer of the cascade's gateway was lost; it is being resolved.".clone_into(&mut self.note);
            let mut steps = self.ended(attempt, PaymentState::InDoubt);
            steps.push(said);
            steps
        } else {
            vec![payments::set_state(merchant_id, attempt.payment_id, PaymentState::InDoubt, now), said]
        };
        let consequence = Consequence { steps, then: Vec::new() };
        let recorded = self.hub.charging.record_doubt(attempt, &known, &consequence, None).await?;
        if recorded == Recorded::Before {
            self.read_again().await?;
            return Ok(Next::Done);
        }
        let state = AttemptState::InDoubt { doubt, since: now };
        if let Some(last) = self.attempts.last_mut() {
            last.state = state;
        }
        self.prepared.payment.state = PaymentState::InDoubt;
        if attempt.route.is_cascade() {
            self.prepared.order.status = OrderStatus::Declined;
            return Ok(Next::Done);
        }
        self.ask_once(attempt).await
    }

    /// Asks the gateway with what is left of the time; only a positive finding settles (M2, M12).
    pub(super) async fn ask_once(&mut self, attempt: &Attempt) -> Result<Next, HubError> {
        let Ok(gateway) = self.gateway(attempt.gateway_id).await else { return Ok(Next::Done) };
        let Some(left) = u64::try_from(self.secs_left()).ok().filter(|left| *left > 0) else {
            return Ok(Next::Done);
        };
        let current = self.attempts.last().cloned().unwrap_or_else(|| attempt.clone());
        let asking = self.hub.charging.inquire_once(&gateway, &current);
        #[expect(
            clippy::disallowed_methods,
            reason = "an inquiry moves no money; it may take what is left of the time"
        )]
        let Ok(found) = tokio::time::timeout(Duration::from_secs(left), asking).await else {
            return Ok(Next::Done);
        };
        match found? {
            Finding::Approved(approval) if approval.amount == attempt.amount => {
                self.approved(attempt, approval).await
            }
            Finding::OtherPayment => {
                let lapse = Lapse {
                    cause: LapseCause::Refused,
                    reason: Some(domain::declines::Reason::DuplicateTransaction),
                    code: String::new(),
                    text: "The gateway refused it as a repetition of another payment on this card."
                        .to_owned(),
                };
                self.lapsed(attempt, lapse, false).await
            }
            Finding::Approved(_)
            | Finding::Reversed(_)
            | Finding::Held(_)
            | Finding::Declined(_)
            | Finding::Processing
            | Finding::NotFound
            | Finding::Unreachable(_)
            | Finding::Contradiction(_) => Ok(Next::Done),
        }
    }
}
