//! The attempt of a rerun, and the transaction that commits its intent (M25, M28).

use domain::attempt::{Attempt, AttemptState, Initiator, Purpose, Route};
use domain::configuration::Configuration;
use domain::ids::AttemptId;
use domain::network_rules::NetworkCaps;
use domain::payment::PaymentState;
use jiff::Timestamp;
use storage::{Step, Transaction, attempts, cards, late_approvals, merchants, orders, payments};

use super::judge::{Planned, ago};
use crate::Hub;

impl Hub {
    /// Without the customer, of the same debt, with the amount that was declined (Q40).
    pub(super) fn rerun_attempt(
        &self,
        configuration: &Configuration,
        planned: &Planned,
        deadline: Option<Timestamp>,
    ) -> Attempt {
        let (order, payment, before) = (&planned.order, &planned.payment, &planned.before);
        Attempt {
            id: self.minter().mint::<AttemptId>(),
            merchant_id: order.merchant_id,
            payment_id: payment.id,
            order_id: order.id,
            purpose: Purpose::Collect,
            initiator: Initiator::Merchant,
            route: Route::Rerun,
            gateway_id: planned.gateway.id,
            gateway_kind: planned.gateway.kind.clone(),
            amount: payment.amount,
            card_id: before.card_id,
            card_fingerprint: before.card_fingerprint.clone(),
            salvages: planned.salvages,
            slot: None,
            deadline,
            why: planned.why.clone(),
            created_at: self.minter().now(),
            state: AttemptState::Sending,
            checks: 0,
            next_check_at: Some(self.charging.take_up_at(configuration.account.checkout_budget_secs)),
            needs_person: false,
        }
    }

    /// Committed before any byte leaves: the order is still declined and stays so (Q1), nothing else of it is live
    /// (R120), and the card's budget has room.
    pub(super) fn rerun_intent(
        &self,
        configuration: &Configuration,
        planned: &Planned,
        attempt: &Attempt,
        extra: Vec<Step>,
    ) -> Transaction {
        let now = self.minter().now();
        let (merchant_id, caps) = (attempt.merchant_id, NetworkCaps::DEFAULT);
        let day_cap = if planned.is_mastercard { caps.mastercard_day } else { caps.month };
        let (day, month) = (ago(now, 24), ago(now, 720));
        let fingerprint = &attempt.card_fingerprint;
        let attempting = PaymentState::Attempting;
        // A salvage gateway may take a card that the merchant's own gateways may not (M27).
        let ordinary = !planned.gateway.capabilities.is_salvage_only();
        let free = ordinary.then(|| attempts::require_free_card(attempt, now, now));
        Transaction::new("rerun_intent")
            .with_all(extra)
            .with(merchants::check_version(merchant_id, configuration.version))
            .with(cards::lock_budget(merchant_id, fingerprint))
            .with(attempts::require_card_budget(merchant_id, fingerprint, day, month, (day_cap, caps.month)))
            .with_all(free)
            .with(late_approvals::refuse_undecided(merchant_id, attempt.payment_id))
            // Attempt, then order, then debt: an outcome takes them in the same order, so that the two never wait for
            // each other.
            .with(attempts::insert(attempt))
            .with(orders::require_declined(merchant_id, attempt.order_id, now))
            .with(payments::set_state(merchant_id, attempt.payment_id, attempting, now))
            .with(self.tell(&planned.order, attempt.why.clone()))
    }
}
