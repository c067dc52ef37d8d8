//! The order endpoints.

pub(crate) mod cancel;
pub(crate) mod capture;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod refund;
mod row;

use axum::http::StatusCode;
use charging::OperateError;
use domain::attempt::{Attempt, AttemptState};
use domain::ids::{MerchantId, OperationId, RecoveryId};
use storage::StoreError;
use storage::operations::Operation;
use storage::platform::Recovery;
use uuid::Uuid;

use crate::answer::Refusal;
use crate::{Platform, order_of};

const UNDER_WAY: &str = "Another capture, cancel or refund of this order is still under way.";
const NO_ANSWER: &str = "The acquirer's answer was lost; it is being cleared up. Read the order later.";

impl Platform {
    /// An order of the account; 404 for others, and for what is no id.
    pub(crate) async fn order(&self, mid: MerchantId, id: &str) -> Result<Recovery, Refusal> {
        let id = id.trim().parse::<Uuid>().map_err(|_| Refusal::not_found())?;
        let found = self.store().find_recovery(mid, RecoveryId::from_uuid(id)).await?;
        found.ok_or_else(Refusal::not_found)
    }

    /// The operation that a key stands for: the same key is the same operation, even after a crash.
    fn operation_id(&self, what: &str, recovery: &Recovery, key: &str) -> Result<OperationId, Refusal> {
        let facts = format!("recoup-platform/1/{what}\0{}\0{key}", recovery.id.uuid());
        let id = Uuid::parse_str(&self.vault.body_fingerprint(facts.as_bytes()));
        id.map(OperationId::from_uuid)
            .map_err(|_| Refusal::titled(StatusCode::INTERNAL_SERVER_ERROR, "The key cannot be used."))
    }

    /// The attempt that took or holds the order's money.
    pub(crate) async fn approved_attempt(&self, recovery: &Recovery) -> Result<Option<Attempt>, StoreError> {
        let all = self.store().list_attempts_of_order(recovery.merchant_id, order_of(recovery.id)).await?;
        Ok(all.into_iter().rev().find(|one| matches!(one.state, AttemptState::Approved { .. })))
    }
}

/// How an operation ended, for the answer.
enum Ended {
    Done(Operation),
    Refused(Operation),
}

/// Reads what came of an operation. What is not known yet is answered as a fault of the gateway: 504, never a failure.
fn ended(result: Result<Operation, OperateError>) -> Result<Ended, Refusal> {
    match result {
        Ok(operation) => state_of(operation),
        Err(OperateError::Busy) => Err(Refusal::in_progress(UNDER_WAY)),
        Err(OperateError::Store(error)) => Err(error.into()),
        Err(error @ (OperateError::NotApproved | OperateError::TooMuch)) => {
            Err(Refusal::Titled(StatusCode::BAD_REQUEST, format!("Not possible: {error}.")))
        }
    }
}

fn state_of(operation: Operation) -> Result<Ended, Refusal> {
    match operation.state.as_str() {
        "done" => Ok(Ended::Done(operation)),
        "refused" | "not_executed" => Ok(Ended::Refused(operation)),
        _ => Err(Refusal::titled(StatusCode::GATEWAY_TIMEOUT, NO_ANSWER)),
    }
}
