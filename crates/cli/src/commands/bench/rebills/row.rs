//! What one drain of everything due showed.

use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

macro_rules! row {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// One drain, and the floor after it.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub(in super::super) struct Row {
            /// The database's name.
            pub(super) database: String,
            $($(#[$doc])* pub(super) $name: u64,)+
        }

        impl Row {
            /// One JSON object, for the process that asked.
            pub(in super::super) fn to_json(&self) -> Value {
                json!({ $(stringify!($name): self.$name),+ })
            }

            /// Reads it; none when it is something else.
            pub(super) fn from_json(database: &str, known: &Value) -> Option<Self> {
                Some(Self {
                    database: database.to_owned(),
                    $($name: known.get(stringify!($name))?.as_u64()?,)+
                })
            }
        }
    };
}

row! {
    /// Merchants that the subscriptions are spread over.
    merchants,
    /// Subscriptions, the due ones among them.
    subscriptions,
    /// Due ones.
    due,
    /// Rebills per second.
    per_sec,
    /// Rebills stored per second without reads, rules and gateway; 0 when it was not measured.
    floor_per_sec,
    /// Processor time of the hub per rebill, its storage included, microseconds.
    hub_micros,
    /// Processor time of the PostgreSQL server's sessions per rebill, microseconds; 0 on SQLite.
    server_micros,
    /// Processor time of the gateway stub per rebill, microseconds.
    load_micros,
    /// Processor time of the floor per rebill, everything included, microseconds.
    floor_micros,
    /// Reads per 100 rebills.
    reads_per_100,
    /// Transactions per 100 rebills.
    transactions_per_100,
    /// Statements within those transactions per 100 rebills.
    steps_per_100,
    /// Resident memory before the drain, KiB.
    before_kib,
    /// Most resident memory during the drain, KiB.
    peak_kib,
}

impl Row {
    /// Processor time per rebill, hub and server, microseconds.
    fn cost(&self) -> u64 {
        self.hub_micros + self.server_micros
    }
}

/// One line per drain.
pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.set_header([
        "database",
        "merchants",
        "subscriptions",
        "due",
        "rebills/s",
        "floor/s",
        "of the floor",
        "CPU: hub",
        "server",
        "gateway",
        "floor",
        "cost against the smallest",
        "reads, transactions, statements",
        "memory before",
        "peak",
    ]);
    let micros = |micros: u64| format!("{micros} µs");
    let per_rebill = |hundred: u64| format!("{}.{:02}", hundred / 100, hundred % 100);
    for row in rows {
        let floor = |text: String| if row.floor_per_sec == 0 { String::new() } else { text };
        table.add_row([
            row.database.clone(),
            row.merchants.to_string(),
            row.subscriptions.to_string(),
            row.due.to_string(),
            row.per_sec.to_string(),
            floor(row.floor_per_sec.to_string()),
            floor(format!("{} %", row.per_sec * 100 / row.floor_per_sec.max(1))),
            micros(row.hub_micros),
            micros(row.server_micros),
            micros(row.load_micros),
            floor(micros(row.floor_micros)),
            growth(rows, row),
            [row.reads_per_100, row.transactions_per_100, row.steps_per_100].map(per_rebill).join(", "),
            format!("{} MiB", row.before_kib / 1024),
            format!("{} MiB", row.peak_kib / 1024),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The cost per rebill beside that of the smallest table with as many due on the same database and merchants.
fn growth(rows: &[Row], row: &Row) -> String {
    let alike = |other: &&Row| {
        (&other.database, other.merchants, other.due) == (&row.database, row.merchants, row.due)
    };
    let smallest = rows.iter().filter(alike).min_by_key(|other| other.subscriptions);
    let cost = smallest.map_or(0, Row::cost).max(1);
    let hundred = row.cost() * 100 / cost;
    format!("{}.{:02}", hundred / 100, hundred % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subscriptions: u64, hub_micros: u64) -> Row {
        Row { database: "SQLite".to_owned(), subscriptions, hub_micros, due: 10, ..Row::default() }
    }

    #[test]
    fn a_row_passes_from_process_to_process_unchanged() {
        let row = Row { merchants: 3, per_sec: 7, peak_kib: 9, ..row(10, 5) };
        assert_eq!(Row::from_json("SQLite", &row.to_json()).unwrap(), row);
        assert_eq!(Row::from_json("SQLite", &json!({})), None);
    }

    #[test]
    fn growth_is_told_against_the_smallest_table() {
        let rows = [row(1_000, 110), row(10, 100), Row { merchants: 2, ..row(1_000, 500) }];
        let told: Vec<String> = rows.iter().map(|row| growth(&rows, row)).collect();
        assert_eq!(told, ["1.10", "1.00", "1.00"]);
    }
}
