//! Which changes are told, as steps of the transactions that make them.

use domain::attempt::Attempt;
use domain::ids::{MerchantId, RecoveryId};
use serde_json::json;
use storage::Step;
use storage::operations::Operation;
use storage::platform::{self as rows, EventTold, Move, RecoveryState};

use crate::{Platform, recovery_of};

/// What a recovery's arrival in a state is called. A decline within an evaluate is its answer, and nothing is told.
fn kind_of(state: RecoveryState) -> Option<&'static str> {
    match state {
        RecoveryState::Approved => Some("order.completed"),
        RecoveryState::CaptureRequired => Some("order.capturerequired"),
        RecoveryState::Cancelled => Some(CANCELLED),
        RecoveryState::Expired => Some("order.expired"),
        RecoveryState::Processing
        | RecoveryState::Open
        | RecoveryState::Doubtful
        | RecoveryState::Declined
        | RecoveryState::Challenge
        | RecoveryState::Refunded => None,
    }
}

const CANCELLED: &str = "order.cancelled";

impl Platform {
    /// Moves a recovery and tells it.
    pub(crate) fn moves(&self, mid: MerchantId, id: RecoveryId, way: Move<'_>) -> Vec<Step> {
        let mut steps = vec![rows::move_recovery(mid, id, way, self.now())];
        steps.extend(kind_of(way.to).map(|kind| self.tell(mid, id, kind, way.to)));
        steps
    }

    /// The same; a conflict when the recovery is in none of these states.
    pub(crate) fn must_move(&self, mid: MerchantId, id: RecoveryId, way: Move<'_>) -> Vec<Step> {
        let mut steps = vec![rows::require_move(rows::move_recovery(mid, id, way, self.now()))];
        steps.extend(kind_of(way.to).map(|kind| self.tell(mid, id, kind, way.to)));
        steps
    }

    /// Tells that the service has given a managed recovery up before its time.
    pub(crate) fn tell_given_up(&self, mid: MerchantId, id: RecoveryId) -> Step {
        self.tell(mid, id, CANCELLED, RecoveryState::Declined)
    }

    fn tell(&self, mid: MerchantId, id: RecoveryId, kind: &str, only_in: RecoveryState) -> Step {
        let event = EventTold {
            id: self.minter.mint(),
            subject_id: id.uuid(),
            kind,
            event_data: None,
            only_in: Some(only_in),
            at: self.now(),
        };
        rows::insert_event(mid, id, &event)
    }

    /// Tells of a refund, whoever asked for it.
    pub(crate) fn tell_refund(&self, attempt: &Attempt, refund: &Operation) -> Step {
        let event = EventTold {
            id: self.minter.mint(),
            subject_id: refund.id.uuid(),
            kind: "order.refunded",
            event_data: Some(self.event_data(refund.amount, &refund.why)),
            only_in: None,
            at: self.now(),
        };
        rows::insert_event(attempt.merchant_id, recovery_of(attempt.order_id), &event)
    }

    /// Tells of a chargeback.
    pub(crate) fn tell_chargeback(
        &self,
        mid: MerchantId,
        id: RecoveryId,
        amount: domain::Money,
        reason: &str,
    ) -> Step {
        let event = EventTold {
            id: self.minter.mint(),
            subject_id: id.uuid(),
            kind: "payment.chargeback.received",
            event_data: Some(self.event_data(amount, reason)),
            only_in: None,
            at: self.now(),
        };
        rows::insert_event(mid, id, &event)
    }

    /// How money that goes back is described: no source shows the real service's form, so this one is ours.
    fn event_data(&self, amount: domain::Money, reason: &str) -> String {
        json!({
            "amount": amount.minor(),
            "currency": amount.currency().code(),
            "reason": reason,
            "date": self.now().to_string(),
        })
        .to_string()
    }
}
