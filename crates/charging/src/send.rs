//! The one foreign call of a step, and its answer as a value.

mod hold;

pub(crate) use hold::{partial_decline, unconfirmed};

use std::sync::Arc;

use domain::attempt::{Approval, Attempt, Doubt, Lapse, LapseCause, RawDecline};
use domain::declines::Reason;
use gateways::{ChargeOutcome, ChargeRequest, Gateway, GatewayError, OperationKind};

use crate::Charging;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The money is taken or held as asked.
    Approved(Approval),
    /// Refused; still to be read under the merchant's maps.
    Declined(RawDecline),
    /// It provably did nothing.
    Lapsed(Lapse),
    /// Nobody knows.
    InDoubt {
        /// Why.
        doubt: Doubt,
        /// The gateway's id, when an answer gave one.
        gateway_reference: Option<String>,
        /// What is known.
        words: String,
    },
}

/// Our reference of an attempt at its gateway: its id in 26 characters. The same attempt always sends the same one.
pub fn reference_of(attempt: &Attempt) -> String {
    attempt.id.base32()
}

impl Charging {
    /// Asks the gateway once. Never fails: every way in which a call can end is an answer.
    pub async fn send(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        request: &ChargeRequest,
    ) -> Answer {
        match self.charge_in_time(gateway, attempt, request).await {
            Ok(ChargeOutcome::Approved(approval)) if approval.amount.minor() < attempt.amount.minor() => {
                self.undo_partial(gateway, attempt, &approval, None).await
            }
            Ok(ChargeOutcome::Approved(approval)) => Answer::Approved(approval),
            Ok(ChargeOutcome::Held(approval)) => {
                self.capture_or_cancel(gateway, attempt, approval, None).await
            }
            Ok(ChargeOutcome::Declined(raw)) => Answer::Declined(raw),
            Ok(ChargeOutcome::Pending(reference)) => Answer::InDoubt {
                doubt: Doubt::Unclear,
                gateway_reference: Some(reference),
                words: "The gateway works on it and gave no answer within the checkout.".to_owned(),
            },
            Err(error) => {
                tracing::warn!(
                    attempt.id = %attempt.id,
                    gateway.id = %attempt.gateway_id,
                    error = format!("{error:#}"),
                    cause = ?std::error::Error::source(&error).map(ToString::to_string),
                    "Attempt {} got no answer",
                    attempt.id
                );
                answer_of(error)
            }
        }
    }

    /// One call, unless it comes so late that somebody else may have taken the attempt up and found that it was never sent
    /// (a machine that slept, a process that was stopped).
    pub(crate) async fn charge_in_time(
        &self,
        gateway: &Arc<dyn Gateway>,
        attempt: &Attempt,
        request: &ChargeRequest,
    ) -> Result<ChargeOutcome, GatewayError> {
        let age_secs = self.minter.now().duration_since(attempt.created_at).as_secs();
        if age_secs >= self.take_up_after_secs() {
            let words = anyhow::anyhow!("it was held up for {age_secs} s and is too late");
            return Err(GatewayError::NotSent(words));
        }
        gateway.charge(request).await
    }

    /// Undoes an approval that no row of ours may hold any more; the caller has raised an alert about it.
    pub async fn undo_untracked(&self, gateway: &Arc<dyn Gateway>, attempt: &Attempt, approval: &Approval) {
        let kind = if gateway.capabilities().void { OperationKind::Void } else { OperationKind::Refund };
        let request = self.operation_on(kind, attempt, approval);
        if let Err(error) = gateway.operate(&request).await {
            tracing::error!(attempt.id = %attempt.id, error = %error, "Attempt {} was not undone", attempt.id);
        }
    }
}

pub(crate) fn answer_of(error: GatewayError) -> Answer {
    match error {
        GatewayError::NotSent(source) => Answer::Lapsed(Lapse {
            cause: LapseCause::NotSent,
            reason: None,
            code: String::new(),
            text: format!("The request was not sent: {source}."),
        }),
        GatewayError::Rejected(rejection) => Answer::Lapsed(Lapse {
            cause: LapseCause::Refused,
            reason: Some(rejection.reason),
            code: rejection.code,
            text: rejection.text,
        }),
        GatewayError::InDoubt(doubt, source) => Answer::InDoubt {
            doubt,
            gateway_reference: None,
            words: format!("The answer was lost: {source}."),
        },
    }
}

/// Whether a refusal says that our account at the gateway is at fault, so that another gateway may take the sale (M4).
pub(crate) fn is_account_at_fault(lapse: &Lapse) -> bool {
    lapse.cause == LapseCause::Refused && lapse.reason == Some(Reason::MerchantConfig)
}

impl Answer {
    /// Whether it never left, or our account was refused: the next ordinary gateway may take it (M4).
    pub fn may_go_elsewhere(&self) -> bool {
        match self {
            Self::Lapsed(lapse) => lapse.cause == LapseCause::NotSent || is_account_at_fault(lapse),
            Self::Approved(_) | Self::Declined(_) | Self::InDoubt { .. } => false,
        }
    }
}
