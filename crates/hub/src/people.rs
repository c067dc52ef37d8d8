//! What people do by hand: resolve doubt (M18), refund.

use charging::{DecideError, Found, OperateError, Verdict};
use domain::attempt::Attempt;
use domain::ids::{AttemptId, MerchantId, OperationId, OrderId};
use domain::money::Money;
use domain::placement::Problem;
use gateways::OperationKind;
use storage::StoreError;
use storage::alerts::{Audit, audit};
use storage::operations::Operation;
use thiserror::Error;

use crate::{Hub, HubError};

/// Why a person's wish was not carried out.
#[derive(Debug, Error)]
pub enum PersonError {
    /// There is no such thing.
    #[error("there is no {0} with this id")]
    NotFound(&'static str),
    /// Fields are missing or wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// It does not fit the state.
    #[error("{0}")]
    Conflict(String),
    /// The hub could not.
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl From<StoreError> for PersonError {
    fn from(error: StoreError) -> Self {
        Self::Hub(HubError::Store(error))
    }
}

impl From<DecideError> for PersonError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::NotFound(what) => Self::NotFound(what),
            DecideError::Invalid(problem) => Self::Invalid(vec![problem]),
            DecideError::Conflict(words) => Self::Conflict(words),
            DecideError::Store(error) => error.into(),
        }
    }
}

impl From<OperateError> for PersonError {
    fn from(error: OperateError) -> Self {
        match error {
            OperateError::Store(error) => error.into(),
            other @ (OperateError::NotApproved | OperateError::Busy | OperateError::TooMuch) => {
                Self::Conflict(other.to_string())
            }
        }
    }
}

fn invalid(field: &str, message: &str) -> PersonError {
    PersonError::Invalid(vec![Problem::new(field, message)])
}

impl Hub {
    /// Writes a line of the audit log.
    pub(crate) fn audited(
        &self,
        merchant_id: MerchantId,
        actor: &str,
        what: &str,
        note: &str,
    ) -> storage::Step {
        audit(&Audit {
            merchant_id,
            id: self.minter().mint(),
            at: self.minter().now(),
            actor: actor.to_owned(),
            what: what.to_owned(),
            note: domain::card::mask_card_numbers(note),
        })
    }

    /// A person's decision about an attempt in doubt: [`charging::Charging::decide_attempt`] with what follows in the hub.
    pub async fn resolve_attempt(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
        verdict: Verdict,
        gateway_reference: &str,
        note: &str,
        actor: &str,
    ) -> Result<Attempt, PersonError> {
        let found = Found { verdict, gateway_reference, note, actor };
        Ok(self.charging.decide_attempt(merchant_id, id, found, self.aftermath().as_ref()).await?)
    }

    /// Gives money of a paid order back, of its first approval of which something is left: all of that when `amount` is
    /// none. Sent to where it was taken (Q33).
    pub async fn refund_order(
        &self,
        merchant_id: MerchantId,
        id: OrderId,
        amount: Option<Money>,
        note: &str,
        actor: &str,
    ) -> Result<Operation, PersonError> {
        let Some(view) = self.find_order_view(merchant_id, id).await? else {
            return Err(PersonError::NotFound("order"));
        };
        let Some(mut attempt) = view.approved() else {
            return Err(PersonError::Conflict(OperateError::NotApproved.to_string()));
        };
        for other in crate::cancel::taken(&view) {
            if self.left_of(other).await?.minor() > 0 {
                attempt = other;
                break;
            }
        }
        self.refund_attempt(attempt, amount, note, actor).await
    }

    /// Gives money of an approved attempt back: all that is left when `amount` is none. A trial's completion is booked on
    /// the order of its checkout, so the order alone does not say which of the two is meant.
    pub async fn refund_attempt(
        &self,
        attempt: &Attempt,
        amount: Option<Money>,
        note: &str,
        actor: &str,
    ) -> Result<Operation, PersonError> {
        let merchant_id = attempt.merchant_id;
        let left = self.left_of(attempt).await?;
        let amount = amount.unwrap_or(left);
        if amount.minor() < 1 || amount.minor() > left.minor() || amount.currency() != left.currency() {
            return Err(invalid("amount", &format!("an amount from 0.01 to {left} can be refunded")));
        }
        let why = if note.trim().is_empty() { "Refund." } else { note };
        let operation = self.charging.new_operation(
            OperationKind::Refund,
            attempt,
            amount,
            &domain::card::mask_card_numbers(why),
        );
        let what = format!("refund {} of {amount} for order {}", operation.id, attempt.order_id);
        let audit = vec![self.audited(merchant_id, actor, &what, note)];
        let aftermath = self.aftermath();
        let done = self.charging.operate_with(&operation, attempt, audit, aftermath.as_ref()).await?;
        Ok(done)
    }

    /// A person's finding about a capture, void or refund: [`charging::Charging::decide_operation`] with what follows in the
    /// hub.
    pub async fn resolve_operation(
        &self,
        merchant_id: MerchantId,
        id: OperationId,
        done: Option<&str>,
        note: &str,
        actor: &str,
    ) -> Result<Operation, PersonError> {
        let aftermath = self.aftermath();
        Ok(self.charging.decide_operation(merchant_id, id, done, (note, actor), aftermath.as_ref()).await?)
    }

    /// What is left of an approved attempt.
    pub(crate) async fn left_of(&self, attempt: &Attempt) -> Result<Money, StoreError> {
        let all = self.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        let gone = all
            .iter()
            .filter(|one| one.attempt_id == attempt.id && one.kind != OperationKind::Capture.as_str())
            .filter(|one| matches!(one.state.as_str(), "sending" | "in_doubt" | "done"))
            .fold(0_i64, |sum, one| sum.saturating_add(one.amount.minor()));
        Ok(Money::new(attempt.amount.minor().saturating_sub(gone), attempt.amount.currency()))
    }
}
