//! What became of the day, and whether the books are right.

mod quarter;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use charging::{LedgerLine, Mismatch, reconcile};
use comfy_table::{CellAlignment, Table};
use domain::attempt::AttemptState;
use domain::order::OrderStatus;
use hub::OrderView;
use sandbox::LedgerEntry;
use storage::Store;
use storage::doctor::Broken;
use storage::orders::OrderFilter;

use self::quarter::Quarter;
use super::setup::Stage;
use crate::assemble::broken_invariants;

/// Most orders that a demo reads back.
const ORDERS_MAX: i64 = 10_000;

/// The day in figures.
#[derive(Debug, Default)]
pub(super) struct Report {
    orders: usize,
    approved_first: usize,
    recovered: usize,
    declined: usize,
    in_doubt: usize,
    reasons: BTreeMap<String, usize>,
    notes: BTreeMap<String, usize>,
    checked: usize,
    broken: Vec<Broken>,
    mismatches: Vec<Mismatch>,
    minor_recovered: i64,
    quarter: Quarter,
}

/// Reads the day back from the databases, runs the doctor on both, and compares the acquirers' ledger with ours.
pub(super) async fn report(stage: &Stage) -> Result<Report> {
    let mut report = Report::default();
    let store = stage.hub.store();
    for order in store.list_orders(stage.merchant, &OrderFilter::default(), ORDERS_MAX, 0).await? {
        let view = stage.hub.view(order).await?;
        if view.order.subscription_id.is_none() {
            report.count(&view);
        }
    }
    report.quarter = quarter::read(stage).await?;
    for store in [store, &stage.rescue.store] {
        let (broken, checked) = broken_invariants(store).await?;
        report.checked += checked;
        report.broken.extend(broken);
    }
    let mut ours = net(store).await?;
    ours.extend(net(&stage.rescue.store).await?);
    report.mismatches = reconcile(&theirs(&stage.sandbox.ledger()), &ours);
    Ok(report)
}

/// What our attempts at the acquirers came to, net of what was given back.
async fn net(store: &Store) -> Result<Vec<LedgerLine>> {
    let charged = store.list_net_charged("nmi").await?;
    Ok(charged.into_iter().map(|(id, minor)| LedgerLine { reference: id.base32(), minor }).collect())
}

/// The acquirers' side.
fn theirs(ledger: &[LedgerEntry]) -> Vec<LedgerLine> {
    let lines = sandbox::movements(ledger).into_iter();
    lines.map(|(reference, minor)| LedgerLine { reference, minor }).collect()
}

impl Report {
    fn count(&mut self, view: &OrderView) {
        self.orders += 1;
        if let Some(AttemptState::Declined { decline, .. }) = view.attempts.first().map(|one| &one.state) {
            *self.reasons.entry(decline.reason.as_str().to_owned()).or_default() += 1;
        }
        match view.order.status {
            OrderStatus::Complete if view.order.is_salvaged => {
                self.recovered += 1;
                self.minor_recovered += view.order.total.minor();
            }
            OrderStatus::Complete => self.approved_first += 1,
            OrderStatus::Declined if view.salvage_status() == "none" => {
                self.declined += 1;
                *self.notes.entry(without_numbers(&view.order.cascade_note)).or_default() += 1;
            }
            OrderStatus::Declined | OrderStatus::Pending => self.in_doubt += 1,
            OrderStatus::Partial | OrderStatus::Refunded | OrderStatus::Cancelled => {}
        }
    }

    /// Whether no invariant is broken and the acquirers' ledger equals ours.
    pub(super) fn is_healthy(&self) -> bool {
        self.broken.is_empty() && self.mismatches.is_empty()
    }

    /// One JSON object.
    pub(super) fn json(&self) -> String {
        let mut whole = serde_json::json!({
            "orders": self.orders,
            "approved_first": self.approved_first,
            "recovered": self.recovered,
            "recovered_minor": self.minor_recovered,
            "declined": self.declined,
            "in_doubt": self.in_doubt,
            "first_declines_by_reason": self.reasons,
            "declined_because": self.notes,
            "invariants_checked": self.checked,
            "invariants_broken": self.broken.len(),
            "ledger_mismatches": self.mismatches.len(),
        });
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("quarter".to_owned(), self.quarter.json());
        }
        whole.to_string()
    }

    /// Tables for people.
    pub(super) fn table(&self) -> String {
        let mut day = Table::new();
        day.set_header(["The day", "orders"]);
        for (name, count) in [
            ("taken", self.orders),
            ("approved at once", self.approved_first),
            ("recovered by cascade", self.recovered),
            ("declined", self.declined),
            ("in doubt", self.in_doubt),
        ] {
            day.add_row([name.to_owned(), count.to_string()]);
        }
        let mut first = Table::new();
        first.set_header(["First answer of the acquirer", "orders"]);
        for (reason, count) in &self.reasons {
            first.add_row([reason.clone(), count.to_string()]);
        }
        let mut why = Table::new();
        why.set_header(["Declined, because", "orders"]);
        for (note, count) in &self.notes {
            why.add_row([note.clone(), count.to_string()]);
        }
        let mut text = String::new();
        for table in [&mut day, &mut first, &mut why] {
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            let _ = writeln!(text, "{table}");
        }
        text.push_str(&self.quarter.tables());
        let books = if self.is_healthy() {
            "none broken; the acquirers' ledger equals ours.".to_owned()
        } else {
            format!(
                "{} broken: {:?}; ledger differences: {:?}",
                self.broken.len(),
                self.broken,
                self.mismatches
            )
        };
        let _ = writeln!(text, "{} invariants checked, {books}", self.checked);
        text
    }
}

fn without_numbers(note: &str) -> String {
    if note.is_empty() { "declined again by the salvage gateway".to_owned() } else { note.to_owned() }
}
