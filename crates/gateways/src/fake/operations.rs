//! Captures, voids and refunds of the fake.

use domain::attempt::Doubt;
use domain::declines::Reason;

use super::{Act, FakeGateway};
use crate::port::{GatewayError, OperationFinding, OperationOutcome, Rejection};
use crate::requests::{OperationKind, OperationRequest};

impl FakeGateway {
    pub(super) fn operate_now(&self, request: &OperationRequest) -> Result<OperationOutcome, GatewayError> {
        if request.kind == OperationKind::Refund && request.amount.minor() < 1 {
            return Err(GatewayError::Rejected(Rejection {
                reason: Reason::InvalidRequest,
                code: String::new(),
                text: "The amount is more than zero.".to_owned(),
            }));
        }
        self.with(|state| {
            let act = state.operations.pop_front().unwrap_or(Act::Approve);
            let mut book = || {
                let one =
                    state.booked.iter_mut().find(|one| one.gateway_reference == request.gateway_reference);
                if let Some(one) = one {
                    match request.kind {
                        OperationKind::Capture => one.held = false,
                        OperationKind::Void => one.minor = 0,
                        OperationKind::Refund => {
                            one.minor = one.minor.saturating_sub(request.amount.minor());
                        }
                    }
                }
                let entry = (request.kind, request.gateway_reference.clone(), request.amount.minor());
                state.operated.push(entry);
            };
            let done = || OperationOutcome::Done {
                reference: format!("{}-{}", request.gateway_reference, request.kind.as_str()),
                text: "SUCCESS".to_owned(),
            };
            let lost = || GatewayError::InDoubt(Doubt::LostAnswer, anyhow::anyhow!("scripted"));
            match act {
                Act::Approve | Act::ApproveOnly(_) | Act::Hold | Act::Pend => {
                    book();
                    Ok(done())
                }
                Act::Decline(code, text) => {
                    Ok(OperationOutcome::Refused { code: code.to_owned(), text: text.to_owned() })
                }
                Act::FailBefore => Err(GatewayError::NotSent(anyhow::anyhow!("scripted"))),
                Act::LoseBefore => Err(lost()),
                Act::LoseAfter | Act::LosePending => {
                    book();
                    Err(lost())
                }
                Act::Reject(rejection) => Err(GatewayError::Rejected(rejection)),
            }
        })
    }

    pub(super) fn find_operation(&self, request: &OperationRequest) -> OperationFinding {
        self.with(|state| {
            let done = state.operated.iter().any(|(kind, reference, minor)| {
                *kind == request.kind
                    && *reference == request.gateway_reference
                    && *minor == request.amount.minor()
            });
            if state.unreachable {
                OperationFinding::Unknown("scripted".to_owned())
            } else if done {
                OperationFinding::Done { reference: request.gateway_reference.clone() }
            } else {
                OperationFinding::NotDone
            }
        })
    }
}
