//! What each outcome of a checkout's attempt leads to.

use domain::attempt::{Approval, Attempt, Decline, Lapse, LapseCause, Outcome, Route};
use domain::cascade::Plan;
use domain::order::OrderStatus;
use domain::payment::PaymentState;
use storage::{Transaction, orders};

use super::{Checkout, Next};
use crate::HubError;

impl Checkout {
    pub(super) async fn approved(&mut self, attempt: &Attempt, approval: Approval) -> Result<Next, HubError> {
        let (configuration, order) = (&self.prepared.configuration, &self.prepared.order);
        let mut steps = self.hub.completed(configuration, order, attempt);
        // The same bought again: an older rerun that is still open is stopped (M24).
        steps.extend(self.hub.stops_older_salvages(configuration, order).await?);
        let outcome = Outcome::Approved(approval);
        match self.settle(attempt, outcome.clone(), steps).await {
            Ok(true) => {
                self.prepared.order.status = OrderStatus::Complete;
                self.prepared.order.is_salvaged = self
                    .prepared
                    .configuration
                    .gateway(attempt.gateway_id)
                    .is_some_and(|gateway| gateway.capabilities.is_salvage_only());
                self.prepared.payment.state = PaymentState::Paid;
            }
            Ok(false) => self.approved_too_late(attempt, outcome).await?,
            Err(HubError::Store(error)) if error.is_conflict_in(orders::NOT_PENDING) => {
                // Cancelled while the gateway was asked: what it took is given back.
                let aftermath = self.hub.aftermath();
                let charging = &self.hub.charging;
                charging.resolve_by_person(attempt, outcome, Vec::new(), aftermath.as_ref()).await?;
                self.read_again().await?;
            }
            Err(error) => return Err(error),
        }
        Ok(Next::Done)
    }

    /// The attempt was settled otherwise while the gateway was asked. If not as approved, nobody would ever look for
    /// this money: an alert is committed first, then the gateway is asked to undo it.
    pub(super) async fn approved_too_late(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<(), HubError> {
        self.read_again().await?;
        let Outcome::Approved(approval) = outcome else { return Ok(()) };
        let stored = self.attempts.iter().find(|one| one.id == attempt.id);
        if stored.is_none_or(|one| one.state.is_live()) {
            return Ok(());
        }
        let words = format!(
            "Attempt {} was settled by somebody else, and then the gateway approved it ({}). It is being undone at the gateway; make sure that it was.",
            attempt.id, approval.reference
        );
        let order = &self.prepared.order;
        let alert = Transaction::new("approved_too_late")
            .with(self.hub.alert(order, Some(attempt), "late_approval", words.clone()))
            .with(self.hub.tell(order, words));
        self.hub.store().commit(alert).await?;
        if let Ok(gateway) = self.gateway(attempt.gateway_id).await {
            self.hub.charging.undo_untracked(&gateway, attempt, &approval).await;
        }
        Ok(())
    }

    /// What is stored, when somebody else changed the order meanwhile.
    pub(super) async fn read_again(&mut self) -> Result<(), HubError> {
        let order = &self.prepared.order;
        if let Some(view) = self.hub.find_order_view(order.merchant_id, order.id).await? {
            self.attempts = view.attempts;
            self.prepared.order = view.order;
            if let Some(payment) = view.payments.into_iter().next_back() {
                self.prepared.payment = payment;
            }
        }
        Ok(())
    }

    pub(super) async fn declined(&mut self, attempt: &Attempt, decline: Decline) -> Result<Next, HubError> {
        let mut steps =
            self.hub.counted(&self.prepared.configuration, &self.prepared.order, attempt, &decline);
        let said = format!(
            "Declined by gateway {}: {} ({}, {}).",
            self.number_of(attempt.gateway_id),
            decline.raw.text,
            decline.reason.as_str(),
            decline.class.as_str()
        );
        steps.push(self.hub.tell(&self.prepared.order, said));
        let next = match self.plan(attempt, &decline).await? {
            Plan::Attempt { gateway_id, route, why } => {
                self.steps_done = self.steps_done.saturating_add(1);
                Some(self.another(attempt, gateway_id, route, why, Some(attempt)))
            }
            Plan::Skip(why) => {
                if self.note.is_empty() {
                    self.note = why;
                }
                None
            }
        };
        let outcome = Outcome::Declined(decline);
        self.end_or_go_on(attempt, outcome, steps, next).await
    }

    pub(super) async fn lapsed(
        &mut self,
        attempt: &Attempt,
        lapse: Lapse,
        elsewhere: bool,
    ) -> Result<Next, HubError> {
        let mut steps = Vec::new();
        let number = self.number_of(attempt.gateway_id);
        let said = format!("Gateway {number} did nothing: {}", lapse.text);
        steps.push(self.hub.tell(&self.prepared.order, said.clone()));
        let at_fault = lapse.cause == LapseCause::Refused && elsewhere;
        if at_fault || attempt.route.is_cascade() {
            steps.push(self.hub.alert(&self.prepared.order, Some(attempt), "gateway_unusable", said));
        }
        let mut next = None;
        if elsewhere && !attempt.route.is_cascade() && self.secs_left() > 0 {
            if lapse.cause == LapseCause::NotSent && !self.repeated {
                self.repeated = true;
                let why = format!("The request to gateway {number} never left; it is sent once more.");
                next = Some(self.another(attempt, attempt.gateway_id, Route::Repeat, why, None));
            } else if let Some(gateway_id) = self.take_next_ordinary() {
                let why = format!(
                    "Gateway {number} could not be asked; the profile's next gateway is {}.",
                    self.number_of(gateway_id)
                );
                next = Some(self.another(attempt, gateway_id, Route::NextGateway, why, None));
            }
        }
        self.end_or_go_on(attempt, Outcome::NotExecuted(lapse), steps, next).await
    }
}
