//! Ends an attempt of a checkout, and in the same transaction opens the next one or ends the sale.

use charging::{Consequence, Recorded};
use domain::attempt::{Attempt, AttemptState, Outcome};
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use storage::{attempts, cards, orders};

use super::{Checkout, Next};
use crate::HubError;

impl Checkout {
    pub(super) async fn settle(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        steps: Vec<storage::Step>,
    ) -> Result<bool, HubError> {
        let settled = self.try_settle(attempt, &outcome, steps).await?;
        self.set_state(attempt, outcome, settled);
        Ok(settled)
    }

    /// Settles an attempt and either opens the next one in the same transaction, or ends the sale as declined.
    pub(super) async fn end_or_go_on(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        mut steps: Vec<storage::Step>,
        next: Option<Attempt>,
    ) -> Result<Next, HubError> {
        let base = steps.clone();
        match &next {
            Some(next) => {
                let (merchant_id, order_id) = (next.merchant_id, next.order_id);
                steps.push(orders::require_pending(merchant_id, order_id, self.hub.minter().now()));
                if next.route.is_cascade() {
                    steps.push(cards::lock_budget(next.merchant_id, &next.card_fingerprint));
                    steps.push(self.require_card_caps(next));
                }
                steps.push(attempts::insert(next));
                steps.push(self.hub.tell(&self.prepared.order, next.why.clone()));
            }
            None => steps.extend(self.ended(attempt, PaymentState::Declined)),
        }
        let settled = match self.try_settle(attempt, &outcome, steps).await {
            Err(HubError::Store(error)) if error.is_conflict_in(attempts::LIVE_ATTEMPT_EXISTS) => {
                // Somebody else opened an attempt meanwhile: this one is settled, and the next one, whose intent was not
                // committed, is not sent.
                self.try_settle(attempt, &outcome, base).await?;
                self.read_again().await?;
                return Ok(Next::Done);
            }
            Err(HubError::Store(error)) if error.is_conflict_in(attempts::OVER_CARD_CAPS) => {
                // Other attempts with this card were faster: its budget is used up, so the sale ends here.
                "The card's attempts reached their cap meanwhile.".clone_into(&mut self.note);
                let mut steps = base;
                steps.extend(self.ended(attempt, PaymentState::Declined));
                let settled = self.try_settle(attempt, &outcome, steps).await?;
                self.set_state(attempt, outcome, settled);
                self.set_declined(settled);
                return Ok(Next::Done);
            }
            Err(HubError::Store(error)) if error.is_conflict_in(orders::NO_LONGER_PENDING) => {
                // Cancelled while the gateway was asked: this attempt is settled and nothing more is sent.
                let mut steps = base;
                steps.extend(self.ended(attempt, PaymentState::Declined));
                self.try_settle(attempt, &outcome, steps).await?;
                self.read_again().await?;
                return Ok(Next::Done);
            }
            other => other?,
        };
        self.set_state(attempt, outcome, settled);
        match next {
            Some(next) if settled => Ok(Next::Attempt(Box::new(next))),
            Some(_) => Ok(Next::Done),
            None => {
                self.set_declined(settled);
                Ok(Next::Done)
            }
        }
    }

    pub(super) fn set_declined(&mut self, settled: bool) {
        if settled {
            self.prepared.order.status = OrderStatus::Declined;
            self.prepared.order.cascade_note.clone_from(&self.note);
            self.prepared.payment.state = PaymentState::Declined;
        }
    }

    pub(super) fn ended(&self, attempt: &Attempt, payment: PaymentState) -> Vec<storage::Step> {
        let mut steps = self.hub.declined(&self.prepared.order, attempt, payment, &self.note);
        let words =
            if self.note.is_empty() { "Declined.".to_owned() } else { format!("Declined. {}", self.note) };
        steps.push(self.hub.tell(&self.prepared.order, words));
        steps
    }

    pub(super) async fn try_settle(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        steps: Vec<storage::Step>,
    ) -> Result<bool, HubError> {
        let consequence = Consequence { steps, then: Vec::new() };
        let recorded = self.hub.charging.record(attempt, outcome, &consequence, None).await?;
        Ok(recorded == Recorded::Now)
    }

    pub(super) fn set_state(&mut self, attempt: &Attempt, outcome: Outcome, settled: bool) {
        let now = self.hub.minter().now();
        if let (true, Some(known)) = (settled, self.attempts.iter_mut().find(|one| one.id == attempt.id)) {
            known.next_check_at = None;
            known.state = match outcome {
                Outcome::Approved(approval) => {
                    AttemptState::Approved { approval, at: now, reversed_at: None }
                }
                Outcome::Declined(decline) => AttemptState::Declined { decline, at: now },
                Outcome::NotExecuted(lapse) => AttemptState::NotExecuted { lapse, at: now },
            };
        }
    }
}
