//! What became of a capture, void or refund whose answer was lost.

use domain::doubt::NOT_RECEIVED_AFTER_SECS;
use gateways::{OperationFinding, OperationKind, OperationRequest};
use jiff::Timestamp;

use super::record::{Action, Record};

/// Judges the records found by the original's id and, for refunds, by our reference of the operation.
pub(crate) fn judge(records: &[Record], request: &OperationRequest, now: Timestamp) -> OperationFinding {
    match request.kind {
        OperationKind::Refund => refund(records, request, now),
        OperationKind::Capture | OperationKind::Void => {
            match records.iter().find(|record| record.transaction_id == request.gateway_reference) {
                None => unknown("the gateway does not show the original transaction"),
                Some(record) if request.kind == OperationKind::Void => void(record),
                Some(record) => capture(record, request, now),
            }
        }
    }
}

fn unknown(words: &str) -> OperationFinding {
    OperationFinding::Unknown(words.to_owned())
}

fn done(record: &Record) -> OperationFinding {
    OperationFinding::Done { reference: record.transaction_id.clone() }
}

fn void(record: &Record) -> OperationFinding {
    match record.condition.as_str() {
        "canceled" => done(record),
        "pending" | "pendingsettlement" | "complete" | "failed" => OperationFinding::NotDone,
        _ => unknown("the original transaction has no settled condition"),
    }
}

/// A hold that still stands may be one whose capture is on its way.
fn capture(record: &Record, request: &OperationRequest, now: Timestamp) -> OperationFinding {
    match record.condition.as_str() {
        "pendingsettlement" | "complete" => done(record),
        _ if record.has_done("capture") => done(record),
        "pending" if is_young(request, now) => unknown("no capture is shown yet"),
        "pending" | "canceled" | "failed" => OperationFinding::NotDone,
        _ => unknown("the original transaction has no settled condition"),
    }
}

/// Whether the last request is so young that the gateway may not show it yet.
fn is_young(request: &OperationRequest, now: Timestamp) -> bool {
    now.duration_since(request.at).as_secs() < NOT_RECEIVED_AFTER_SECS
}

/// A refund is a transaction of its own. Nothing is guessed: a refund of this amount that is not marked as ours may be
/// ours, and a missing one may still be on its way (a repeated partial refund pays twice).
fn refund(records: &[Record], request: &OperationRequest, now: Timestamp) -> OperationFinding {
    let refunds =
        || records.iter().filter_map(|record| record.action("refund").map(|action| (record, action)));
    let mine = refunds().filter(|(record, _)| record.order_id == request.reference);
    // It may have been sent more than once under its reference, refused at first and done later.
    let said: Vec<_> = mine.map(|(record, action)| sent(record, action, request)).collect();
    let is_done = |one: &&OperationFinding| matches!(one, OperationFinding::Done { .. });
    let is_failed = |one: &&OperationFinding| **one == OperationFinding::NotDone;
    if let Some(one) = said.iter().find(is_done).or_else(|| said.iter().find(|one| !is_failed(one))) {
        return one.clone();
    }
    // A refused one says nothing of the last request: that may still be on its way.
    let unmarked = refunds().any(|(record, action)| {
        let marked = !record.order_id.is_empty() && record.order_id != request.attempt_reference;
        !marked && action.is_of(request.amount) && action.success
    });
    if unmarked {
        return unknown("a refund of this amount is there, but does not say whose it is");
    }
    if is_young(request, now) {
        return unknown("no refund is shown yet");
    }
    OperationFinding::NotDone
}

/// What one record of our refund says.
fn sent(record: &Record, action: &Action, request: &OperationRequest) -> OperationFinding {
    match record.condition.as_str() {
        "failed" => OperationFinding::NotDone,
        _ if !action.success => OperationFinding::NotDone,
        _ if !action.is_of(request.amount) => unknown("the refund has another amount than asked for"),
        "pendingsettlement" | "complete" | "pending" => done(record),
        _ => unknown("the refund has no settled condition"),
    }
}

#[cfg(test)]
#[path = "operation_inquiry_tests.rs"]
mod tests;
