//! The quarter in figures: bills, re-attempts, hand-overs, subscriptions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use comfy_table::{CellAlignment, Table};
use domain::attempt::Route;
use storage::attempts::AttemptCount;
use storage::subscriptions::SubscriptionFilter;

use super::super::setup::Stage;

/// Most subscriptions that a demo reads back.
const SUBSCRIPTIONS_MAX: i64 = 10_000;

/// What became of the bills and reruns.
#[derive(Debug, Default)]
pub(super) struct Quarter {
    bills: BTreeMap<&'static str, i64>,
    reruns: BTreeMap<&'static str, i64>,
    subscriptions: BTreeMap<&'static str, i64>,
    stopped: BTreeMap<String, i64>,
    chargebacks: i64,
    open_salvages: i64,
    minor_salvaged: i64,
}

/// Reads it back from the hub's database.
pub(super) async fn read(stage: &Stage) -> Result<Quarter> {
    let store = stage.hub.store();
    let mut quarter = Quarter::default();
    for one in store.count_attempts_by_route(stage.merchant).await? {
        quarter.count(&one);
    }
    let all = SubscriptionFilter::default();
    for one in store.list_subscriptions(stage.merchant, &all, SUBSCRIPTIONS_MAX, 0).await? {
        *quarter.subscriptions.entry(one.status.as_str()).or_default() += 1;
        if !one.stop_reason.is_empty() {
            *quarter.stopped.entry(one.stop_reason).or_default() += 1;
        }
    }
    quarter.chargebacks = i64::try_from(store.list_chargebacks(stage.merchant, None, 1_000).await?.len())?;
    quarter.open_salvages = store.count_open_salvages(stage.merchant).await?;
    Ok(quarter)
}

impl Quarter {
    fn count(&mut self, one: &AttemptCount) {
        let name = match (one.route, one.is_open_salvage, one.state.as_str()) {
            (Route::Rebill, _, "approved") => "approved at once",
            (Route::Rebill, _, "declined") => "declined at first",
            (Route::Recycle, false, "approved") => "collected by a re-attempt",
            (Route::Recycle, false, "declined") => "re-attempts declined",
            (Route::Recycle, true, "approved") => "collected by the salvage gateway",
            (Route::Recycle, true, "declined") => "hand-overs that failed",
            (Route::Recycle, true, "not_executed") => "hand-overs stopped for the customer",
            _ => "",
        };
        if !name.is_empty() {
            *self.bills.entry(name).or_default() += one.count;
        }
        if one.route == Route::Recycle && one.is_open_salvage && one.state == "approved" {
            self.minor_salvaged += one.minor;
        }
        let name = match (one.route, one.state.as_str()) {
            (Route::Rerun, "approved") => "recovered",
            (Route::Rerun, "declined") => "failed",
            (Route::Rerun, "pending") => "open",
            (Route::Rerun, _) => "other",
            _ => return,
        };
        *self.reruns.entry(name).or_default() += one.count;
    }

    /// As one JSON object.
    pub(super) fn json(&self) -> serde_json::Value {
        let bills = |name: &str| self.bills.get(name).copied().unwrap_or(0);
        serde_json::json!({
            "bills_approved_at_once": bills("approved at once"),
            "bills_declined_at_first": bills("declined at first"),
            "bills_collected_by_re_attempt": bills("collected by a re-attempt"),
            "re_attempts_declined": bills("re-attempts declined"),
            "bills_collected_by_salvage": bills("collected by the salvage gateway"),
            "bills_salvaged_minor": self.minor_salvaged,
            "hand_overs_failed": bills("hand-overs that failed"),
            "hand_overs_stopped": bills("hand-overs stopped for the customer"),
            "reruns": self.reruns,
            "subscriptions": self.subscriptions,
            "stopped_because": self.stopped,
            "chargebacks": self.chargebacks,
            "open_salvages": self.open_salvages,
        })
    }

    /// As tables for people.
    pub(super) fn tables(&self) -> String {
        let mut bills = Table::new();
        bills.set_header(["Bills of the quarter", "count"]);
        for (name, count) in &self.bills {
            bills.add_row([(*name).to_owned(), count.to_string()]);
        }
        bills.add_row(["chargebacks reported and marked".to_owned(), self.chargebacks.to_string()]);
        let mut reruns = Table::new();
        reruns.set_header(["Declined sales rerun at the salvage gateway", "count"]);
        for (name, count) in &self.reruns {
            reruns.add_row([(*name).to_owned(), count.to_string()]);
        }
        let mut subscriptions = Table::new();
        subscriptions.set_header(["Subscriptions are now", "count"]);
        for (name, count) in &self.subscriptions {
            subscriptions.add_row([(*name).to_owned(), count.to_string()]);
        }
        let mut stopped = Table::new();
        stopped.set_header(["Stopped, because", "count"]);
        for (why, count) in &self.stopped {
            stopped.add_row([why.clone(), count.to_string()]);
        }
        let mut text = String::new();
        for table in [&mut bills, &mut reruns, &mut subscriptions, &mut stopped] {
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            let _ = writeln!(text, "{table}");
        }
        text
    }
}
