//! What a reply of the Payment API means.
//!
//! Source of the codes: the response code table of NMI's integration portal; of the texts: public test suites and notes of
//! NMI clients, among them `nmi_test.rb` of <https://github.com/activemerchant/active_merchant>, read 2026-11-21.

use domain::Money;
use domain::attempt::{Approval, Doubt, RawDecline};
use domain::declines::{Reason, strip_refid};
use gateways::{ChargeOutcome, GatewayError, OperationOutcome, Rejection};

use super::wire::{Reply, Verdict};

/// What a code says, whatever the transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Done.
    Approved,
    /// Refused by issuer, processor or gateway.
    Declined,
    /// Refused by the processor, but nobody knows yet whether it acted.
    ProcessorError,
    /// The gateway refused to work on it.
    Rejected(Reason),
    /// The state of the original transaction forbids it.
    Stale,
    /// Nobody knows.
    Doubt(Doubt),
}

/// Beginnings or parts of code 300's texts in lower case, and what each means.
const REJECTIONS: &[(&str, Meaning)] = &[
    ("duplicate transaction", Meaning::Doubt(Doubt::Duplicate)),
    ("authentication failed", Meaning::Rejected(Reason::MerchantConfig)),
    ("api key not found", Meaning::Rejected(Reason::MerchantConfig)),
    ("invalid username", Meaning::Rejected(Reason::MerchantConfig)),
    ("sandbox accounts must", Meaning::Rejected(Reason::MerchantConfig)),
    ("not allowed to process", Meaning::Rejected(Reason::MerchantConfig)),
    ("duplicate threshold", Meaning::Rejected(Reason::MerchantConfig)),
    ("disabling duplicate check", Meaning::Rejected(Reason::MerchantConfig)),
    ("invalid credit card number", Meaning::Rejected(Reason::InvalidCardNumber)),
    ("invalid customer vault id", Meaning::Rejected(Reason::TokenUnusable)),
    ("payment token does not exist", Meaning::Rejected(Reason::TokenUnusable)),
    ("required field", Meaning::Rejected(Reason::InvalidRequest)),
    ("invalid amount", Meaning::Rejected(Reason::InvalidRequest)),
    ("billing information missing", Meaning::Rejected(Reason::InvalidRequest)),
    ("invalid transaction", Meaning::Stale),
    ("transaction not found", Meaning::Stale),
    ("exceeds the authorization amount", Meaning::Stale),
    ("refund amount may not exceed", Meaning::Stale),
    ("a capture requires", Meaning::Stale),
    ("only transactions pending settlement", Meaning::Stale),
];

/// What a reply says.
pub(crate) fn meaning(reply: &Reply) -> Meaning {
    let declined_by_issuer = reply.verdict == Verdict::Declined;
    match (reply.verdict, reply.code.as_str()) {
        (Verdict::Approved, "100") if !reply.transaction_id.is_empty() => Meaning::Approved,
        // A refusal with the code of an approval is neither.
        (Verdict::Approved, _) | (Verdict::Declined, "100") | (_, "420") => Meaning::Doubt(Doubt::Unclear),
        (_, "430") => Meaning::Doubt(Doubt::Duplicate),
        (_, "301") => Meaning::Rejected(Reason::RateLimited),
        (_, "400" | "421") => Meaning::ProcessorError,
        (_, "440" | "441") => Meaning::Rejected(Reason::InvalidRequest),
        (_, "300") => match meaning_of_300(&reply.text) {
            Meaning::Rejected(Reason::MerchantRiskBlock) if declined_by_issuer => Meaning::Declined,
            known => known,
        },
        (Verdict::Declined, _) | (_, "410" | "411" | "460" | "461") => Meaning::Declined,
        (Verdict::Error, _) => Meaning::Doubt(Doubt::Unclear),
    }
}

/// Code 300 is "refused by the gateway"; only the text says why.
fn meaning_of_300(text: &str) -> Meaning {
    let text = text.to_ascii_lowercase();
    REJECTIONS
        .iter()
        .find(|(part, _)| text.contains(part))
        .map_or(Meaning::Rejected(Reason::MerchantRiskBlock), |(_, meaning)| *meaning)
}

/// Codes 400 and 421: declines once the query shows the transaction as failed (M13).
pub(crate) fn needs_proof(reply: &Reply) -> bool {
    meaning(reply) == Meaning::ProcessorError
}

/// A request that the gateway refused.
pub(crate) fn rejected(reason: Reason, code: &str, text: &str) -> GatewayError {
    GatewayError::Rejected(Rejection { reason, code: code.to_owned(), text: strip_refid(text) })
}

fn in_doubt(doubt: Doubt, reply: &Reply) -> GatewayError {
    GatewayError::InDoubt(doubt, anyhow::anyhow!("code {:?}: {}", reply.code, strip_refid(&reply.text)))
}

fn raw_decline(reply: &Reply) -> RawDecline {
    RawDecline {
        reference: reply.transaction_id.clone(),
        code: reply.code.clone(),
        text: reply.text.clone(),
        network_code: None,
        advice_code: Some(reply.advice_code.clone()).filter(|code| !code.is_empty()),
        avs: reply.avs.clone(),
        cvv: reply.cvv.clone(),
    }
}

/// The outcome of a sale, authorization or check of `asked`.
pub(crate) fn charge(reply: &Reply, asked: Money) -> Result<ChargeOutcome, GatewayError> {
    match meaning(reply) {
        Meaning::Approved => approved(reply, asked).map(ChargeOutcome::Approved),
        Meaning::Declined | Meaning::ProcessorError => Ok(ChargeOutcome::Declined(raw_decline(reply))),
        Meaning::Rejected(reason) => Err(rejected(reason, &reply.code, &reply.text)),
        Meaning::Stale => Err(rejected(Reason::InvalidRequest, &reply.code, &reply.text)),
        Meaning::Doubt(doubt) => Err(in_doubt(doubt, reply)),
    }
}

fn approved(reply: &Reply, asked: Money) -> Result<Approval, GatewayError> {
    let amount = match reply.amount_authorized.as_str() {
        "" => asked,
        text => Money::parse_in(text, asked.currency()).map_err(|_| in_doubt(Doubt::Unclear, reply))?,
    };
    Ok(Approval {
        reference: reply.transaction_id.clone(),
        auth_code: reply.auth_code.clone(),
        avs: reply.avs.clone(),
        cvv: reply.cvv.clone(),
        text: reply.text.clone(),
        amount,
    })
}

/// The outcome of a capture, void or refund.
pub(crate) fn operation(reply: &Reply) -> Result<OperationOutcome, GatewayError> {
    match meaning(reply) {
        Meaning::Approved => {
            Ok(OperationOutcome::Done { reference: reply.transaction_id.clone(), text: reply.text.clone() })
        }
        Meaning::Declined | Meaning::Stale => {
            Ok(OperationOutcome::Refused { code: reply.code.clone(), text: strip_refid(&reply.text) })
        }
        Meaning::ProcessorError => Err(in_doubt(Doubt::Unclear, reply)),
        Meaning::Rejected(reason) => Err(rejected(reason, &reply.code, &reply.text)),
        Meaning::Doubt(doubt) => Err(in_doubt(doubt, reply)),
    }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
