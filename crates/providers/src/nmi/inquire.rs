//! What the records of an attempt say about it.

use domain::Money;
use domain::attempt::{Approval, Purpose, RawDecline};
use domain::doubt::Finding;

use super::record::{Action, Record};

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Our reference.
    pub(crate) reference: &'a str,
    /// Hold or collect.
    pub(crate) purpose: Purpose,
    /// How much.
    pub(crate) amount: Money,
}

/// Reads all records with our reference: several blocks may share one, and two live ones are a double charge.
pub(crate) fn judge(records: &[Record], asked: &Asked<'_>) -> Finding {
    let ours = records.iter().filter(|record| record.order_id == asked.reference);
    combine(ours.filter_map(|record| reading(record, asked)).collect())
}

/// One finding of many: a contradiction first, then what is still open, then money, then refusals.
pub(crate) fn combine(findings: Vec<Finding>) -> Finding {
    let live = findings.iter().filter(|one| matches!(one, Finding::Approved(_) | Finding::Held(_))).count();
    if live > 1 && !findings.iter().any(|one| matches!(one, Finding::Contradiction(_))) {
        return Finding::Contradiction(format!(
            "the gateway shows {live} approved transactions for one attempt"
        ));
    }
    let rank = |finding: &Finding| match finding {
        Finding::Contradiction(_) => 0,
        Finding::Processing => 1,
        Finding::Approved(_) | Finding::Held(_) => 2,
        Finding::Reversed(_) => 3,
        Finding::Declined(_) => 4,
        Finding::NotFound | Finding::OtherPayment | Finding::Unreachable(_) => 5,
    };
    findings.into_iter().min_by_key(rank).unwrap_or(Finding::NotFound)
}

/// What one record says; `None` when it is not about taking or holding money, e.g. a refund's own block.
pub(crate) fn reading(record: &Record, asked: &Asked<'_>) -> Option<Finding> {
    let charge = record.charge()?;
    let finding = match record.condition.as_str() {
        "failed" => Finding::Declined(raw_decline(record, charge)),
        "pendingsettlement" | "complete" | "pending" | "canceled" if !charge.success => {
            Finding::Declined(raw_decline(record, charge))
        }
        "pendingsettlement" | "complete" | "pending" | "canceled" => money(record, charge, asked),
        _ => Finding::Processing,
    };
    Some(finding)
}

/// A successful charge: what asked for it decides what it is.
fn money(record: &Record, charge: &Action, asked: &Asked<'_>) -> Finding {
    let currency = asked.amount.currency().code();
    let same_currency = record.currency.is_empty() || record.currency == currency;
    let Some(amount) = taken(charge, asked.amount).filter(|_| same_currency) else {
        return Finding::Contradiction(format!(
            "the gateway shows {} {} where {} was asked for",
            charge.amount, record.currency, asked.amount
        ));
    };
    let approval = approval(record, charge, amount);
    match (record.condition.as_str(), asked.purpose) {
        ("canceled", _) => Finding::Reversed(approval),
        ("pending", Purpose::Collect) => Finding::Held(approval),
        _ => Finding::Approved(approval),
    }
}

/// What a successful charge took of what was asked for: all of it, or less (M14). None when that cannot be.
fn taken(charge: &Action, asked: Money) -> Option<Money> {
    if charge.is_of(asked) {
        return Some(asked);
    }
    let amount = Money::parse_in(&charge.amount, asked.currency()).ok()?;
    (0 < amount.minor() && amount.minor() < asked.minor()).then_some(amount)
}

fn approval(record: &Record, charge: &Action, amount: Money) -> Approval {
    Approval {
        reference: record.transaction_id.clone(),
        auth_code: record.auth_code.clone(),
        avs: record.avs.clone(),
        cvv: record.cvv.clone(),
        text: charge.text.clone(),
        amount,
    }
}

fn raw_decline(record: &Record, charge: &Action) -> RawDecline {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    RawDecline {
        reference: record.transaction_id.clone(),
        code: charge.code.clone(),
        text: charge.text.clone(),
        network_code: some(&charge.network_code),
        advice_code: some(&record.advice_code),
        avs: record.avs.clone(),
        cvv: record.cvv.clone(),
    }
}

#[cfg(test)]
#[path = "inquire_tests.rs"]
mod tests;
