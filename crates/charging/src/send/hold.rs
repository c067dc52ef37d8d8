//! Money that a gateway holds while it was asked for it: captured at once, or the hold is cancelled (M9).
//!
//! Before such a request leaves, the attempt keeps the gateway's id and that something is under way (M16). A crash in
//! between therefore leaves an attempt in doubt, which is asked about before anything is sent again.

use std::sync::Arc;

use domain::attempt::{Approval, Attempt, Doubt, Lapse, LapseCause, RawDecline};
use gateways::{Gateway, GatewayError, OperationKind, OperationOutcome, OperationRequest};
use storage::StoreError;
use storage::attempts::InDoubt;
use uuid::Uuid;

use super::{Answer, reference_of};
use crate::Charging;
use crate::consequences::Consequence;
use crate::record::Recorded;

impl Charging {
    /// Money was held that should have been taken: the exact amount is captured at once, else the hold is cancelled (M9).
    pub(crate) async fn capture_or_cancel(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        approval: Approval,
        fence: Option<Uuid>,
    ) -> Answer {
        let words = "The gateway holds the money; its capture is not confirmed yet.".to_owned();
        match self.keep(attempt, &approval, Doubt::Unclear, &words, fence).await {
            Ok(Recorded::Now) => {}
            // Settled otherwise meanwhile: nothing may be taken any more. In other hands, or approved: they capture it.
            Ok(Recorded::Before) if self.is_ended_unpaid(attempt).await => {
                return self.void_hold(gateway, attempt, &approval).await;
            }
            Ok(Recorded::Before) | Err(_) => return unconfirmed(Doubt::Unclear, &approval, words),
        }
        let capture = self.operation_on(OperationKind::Capture, attempt, &approval);
        match gateway.operate(&capture).await {
            Ok(OperationOutcome::Done { .. }) => Answer::Approved(approval),
            Ok(OperationOutcome::Refused { .. })
            | Err(GatewayError::NotSent(_) | GatewayError::Rejected(_)) => {
                self.void_hold(gateway, attempt, &approval).await
            }
            Err(GatewayError::InDoubt(doubt, _)) => {
                unconfirmed(doubt, &approval, "The answer to the capture was lost.".to_owned())
            }
        }
    }

    /// Whether the attempt is known to have ended without money.
    async fn is_ended_unpaid(&self, attempt: &Attempt) -> bool {
        let stored = self.store.find_attempt(attempt.merchant_id, attempt.id).await;
        matches!(stored, Ok(Some(one)) if !one.state.is_open() && !one.state.is_live())
    }

    /// Cancels a hold; the attempt is declined once the gateway has confirmed it.
    pub(crate) async fn cancel_hold(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        approval: &Approval,
        fence: Option<Uuid>,
    ) -> Answer {
        let words = "The gateway holds the money; cancelling the hold is not confirmed yet.".to_owned();
        if self.keep(attempt, approval, Doubt::Unclear, &words, fence).await.is_err() {
            return unconfirmed(Doubt::Unclear, approval, words);
        }
        self.void_hold(gateway, attempt, approval).await
    }

    async fn void_hold(&self, gateway: &Arc<dyn Gateway>, attempt: &Attempt, approval: &Approval) -> Answer {
        let request = self.operation_on(OperationKind::Void, attempt, approval);
        match gateway.operate(&request).await {
            Ok(OperationOutcome::Done { .. }) => Answer::Lapsed(Lapse {
                cause: LapseCause::Fenced,
                reason: None,
                code: String::new(),
                text: "The gateway held the money and we cancelled the hold.".to_owned(),
            }),
            Ok(OperationOutcome::Refused { .. }) | Err(_) => {
                let words = "The gateway holds the money; cancelling the hold is not confirmed yet.";
                unconfirmed(Doubt::Unclear, approval, words.to_owned())
            }
        }
    }

    /// Commits, before a request about it leaves, what the gateway calls this attempt and that it is in doubt until the
    /// answer is there. It is looked at when that answer is overdue.
    async fn keep(
        &self,
        attempt: &Attempt,
        approval: &Approval,
        doubt: Doubt,
        words: &str,
        fence: Option<Uuid>,
    ) -> Result<Recorded, StoreError> {
        let known = InDoubt {
            doubt,
            since: self.minter.now(),
            gateway_reference: Some(approval.reference.clone()),
            text: Some(words.to_owned()),
            checks: attempt.checks,
            next_check_at: Some(self.operation_take_up_at()),
            fence_unknown_at: None,
            needs_person: attempt.needs_person,
        };
        let kept = self.record_doubt(attempt, &known, &Consequence::default(), fence).await;
        if let Err(error) = &kept {
            tracing::error!(attempt.id = %attempt.id, error = %error, "Attempt {} could not be kept; nothing more is sent", attempt.id);
        }
        kept
    }

    /// An operation that belongs to the attempt itself. Its key is made of the attempt's and of what is done, so that a
    /// repetition is recognised, and never taken for the charge.
    pub(super) fn operation_on(
        &self,
        kind: OperationKind,
        attempt: &Attempt,
        approval: &Approval,
    ) -> OperationRequest {
        OperationRequest {
            kind,
            reference: reference_of(attempt),
            idempotency_key: key_of(attempt.id.uuid(), kind),
            gateway_reference: approval.reference.clone(),
            attempt_reference: reference_of(attempt),
            amount: approval.amount,
            at: self.minter.now(),
        }
    }
}

/// The same attempt and kind give the same key; another kind, or the charge itself, another one.
fn key_of(attempt: Uuid, kind: OperationKind) -> Uuid {
    let mark: u128 = match kind {
        OperationKind::Capture => 1,
        OperationKind::Void => 2,
        OperationKind::Refund => 3,
    };
    let bytes = (attempt.as_u128() ^ (mark << 120)).to_be_bytes();
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

pub(crate) fn unconfirmed(doubt: Doubt, approval: &Approval, words: String) -> Answer {
    Answer::InDoubt { doubt, gateway_reference: Some(approval.reference.clone()), words }
}

/// A partial approval that was given back reads as a lack of funds (M14).
pub(crate) fn partial_decline(approval: &Approval) -> RawDecline {
    RawDecline {
        reference: approval.reference.clone(),
        code: "202".to_owned(),
        text: format!("Insufficient funds: only {} was approved, and given back.", approval.amount),
        network_code: Some("51".to_owned()),
        advice_code: None,
        avs: approval.avs.clone(),
        cvv: approval.cvv.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m16_every_operation_of_an_attempt_has_a_key_of_its_own() {
        let attempt = Uuid::from_u128(0x0193_4a5b_6c7d_7e8f_8a9b_0c1d_2e3f_4a5b);
        let kinds = [OperationKind::Capture, OperationKind::Void, OperationKind::Refund];
        let mut keys: Vec<Uuid> = kinds.iter().map(|kind| key_of(attempt, *kind)).collect();
        keys.push(attempt);
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 4);
        assert_eq!(key_of(attempt, OperationKind::Void), key_of(attempt, OperationKind::Void));
    }
}
