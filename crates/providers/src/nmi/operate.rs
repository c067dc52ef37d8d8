//! The form of a capture, void or refund.

use gateways::{OperationKind, OperationRequest};

use super::wire::Form;

/// The form. Only a refund carries our reference: it is a transaction of its own at NMI, while an `orderid` on a capture
/// would overwrite the reference that the attempt is found by.
pub(crate) fn form(request: &OperationRequest) -> Form {
    let mut form = Form::of_type(request.kind.as_str());
    form.put("transactionid", request.gateway_reference.as_str());
    match request.kind {
        OperationKind::Void => {}
        OperationKind::Capture => {
            form.put("amount", request.amount.decimal());
        }
        OperationKind::Refund => {
            form.put("amount", request.amount.decimal()).put("orderid", request.reference.as_str());
        }
    }
    form
}
