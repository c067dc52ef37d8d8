//! The account's books: approvals that changed since a moment, net of what was given back (M19).

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, Money};
use gateways::BookedApproval;
use jiff::{SignedDuration, Timestamp};

use super::record::Record;

/// How far the account's clock may be ahead of ours.
pub(crate) const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// A moment as the Query API writes it: it filters by last modification.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%S").to_string()
}

/// Approvals among the records that are not undone, and money that is held.
pub(crate) fn approvals(mut records: Vec<Record>) -> Vec<BookedApproval> {
    // What was changed on the border of two searches is in both.
    let mut seen = BTreeSet::new();
    records.retain(|record| seen.insert(record.transaction_id.clone()));
    let mut given_back: BTreeMap<&str, i64> = BTreeMap::new();
    for record in records.iter().filter(|record| !record.original_id.is_empty()) {
        let refund = record.action("refund").filter(|action| action.success);
        let minor = refund.and_then(|action| minor_of(&action.amount, &record.currency)).unwrap_or(0);
        let sum = given_back.entry(record.original_id.as_str()).or_default();
        *sum = sum.saturating_add(minor);
    }
    let live =
        |record: &&Record| matches!(record.condition.as_str(), "pendingsettlement" | "complete" | "pending");
    let charged = records.iter().filter(live).filter_map(|record| {
        let charge = record.charge().filter(|charge| charge.success && charge.kind != "validate")?;
        let taken = minor_of(&charge.amount, &record.currency);
        let back = given_back.get(record.transaction_id.as_str()).copied().unwrap_or(0);
        Some(BookedApproval {
            reference: record.order_id.clone(),
            gateway_reference: record.transaction_id.clone(),
            net_minor: taken.map(|taken| taken.saturating_sub(back)),
            is_open: record.condition == "pending",
        })
    });
    charged.filter(|one| one.net_minor != Some(0)).collect()
}

/// Minor units without a sign. Records without a currency are of the account's: read as two decimals, as NMI writes them.
fn minor_of(amount: &str, currency: &str) -> Option<i64> {
    let currency = Currency::parse(currency).unwrap_or(Currency::USD);
    Money::parse_in(amount.trim_start_matches('-'), currency).ok().map(Money::minor)
}

#[cfg(test)]
mod tests {
    use super::super::record::Action;
    use super::*;

    fn record(id: &str, condition: &str, kind: &str, amount: &str) -> Record {
        Record {
            transaction_id: id.to_owned(),
            order_id: format!("order-{id}"),
            condition: condition.to_owned(),
            actions: vec![Action {
                kind: kind.to_owned(),
                amount: amount.to_owned(),
                success: true,
                ..Action::default()
            }],
            ..Record::default()
        }
    }

    #[test]
    fn m19_books_show_what_was_taken_or_is_held_and_not_given_back() {
        let records = [
            record("1", "complete", "sale", "12.34"),
            record("2", "pendingsettlement", "sale", "5.00"),
            record("3", "failed", "sale", "9.00"),
            record("4", "canceled", "sale", "9.00"),
            record("5", "pending", "auth", "9.00"),
            record("6", "complete", "sale", "8.00"),
            Record { original_id: "6".to_owned(), ..record("7", "complete", "refund", "-8.00") },
            record("8", "complete", "sale", "8.00"),
            Record { original_id: "8".to_owned(), ..record("9", "pendingsettlement", "refund", "3.00") },
        ];
        let twice = records.iter().cloned().chain(records.clone()).collect();
        let found: Vec<_> =
            approvals(twice).into_iter().map(|one| (one.reference, one.net_minor, one.is_open)).collect();
        assert_eq!(
            found,
            [
                ("order-1".to_owned(), Some(1_234), false),
                ("order-2".to_owned(), Some(500), false),
                ("order-5".to_owned(), Some(900), true),
                ("order-8".to_owned(), Some(500), false)
            ]
        );
    }
}
