//! What was measured on one database.

use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

/// The figures of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Its name.
    pub(super) database: String,
    /// Orders taken per second.
    pub(super) orders_per_sec: u64,
    /// Orders stored per second without HTTP and rules.
    pub(super) floor_per_sec: u64,
    /// Median of what the hub adds to the gateway's time, microseconds.
    pub(super) p50_micros: u64,
    /// The same of the slowest hundredth.
    pub(super) p99_micros: u64,
    /// Processor time of the hub per order, its storage included, microseconds.
    pub(super) hub_micros: u64,
    /// Processor time of load generator and gateway stub per order, microseconds.
    pub(super) load_micros: u64,
    /// Processor time of the PostgreSQL server's sessions per order, microseconds; 0 on SQLite.
    pub(super) server_micros: u64,
    /// Processor time of the floor per order, everything included, microseconds.
    pub(super) floor_micros: u64,
    /// Reads per 100 orders.
    pub(super) reads_per_100: u64,
    /// Transactions per 100 orders.
    pub(super) transactions_per_100: u64,
    /// Statements within those transactions per 100 orders.
    pub(super) steps_per_100: u64,
    /// Resident memory after the throughput run, KiB.
    pub(super) resident_kib: u64,
    /// Resident memory before the first order, KiB.
    pub(super) idle_kib: u64,
}

const NAMES: [&str; 13] = [
    "orders_per_sec",
    "floor_per_sec",
    "p50_micros",
    "p99_micros",
    "hub_micros",
    "load_micros",
    "server_micros",
    "floor_micros",
    "reads_per_100",
    "transactions_per_100",
    "steps_per_100",
    "resident_kib",
    "idle_kib",
];

impl Figures {
    fn cells(&mut self) -> [&mut u64; 13] {
        [
            &mut self.orders_per_sec,
            &mut self.floor_per_sec,
            &mut self.p50_micros,
            &mut self.p99_micros,
            &mut self.hub_micros,
            &mut self.load_micros,
            &mut self.server_micros,
            &mut self.floor_micros,
            &mut self.reads_per_100,
            &mut self.transactions_per_100,
            &mut self.steps_per_100,
            &mut self.resident_kib,
            &mut self.idle_kib,
        ]
    }

    /// One JSON object, for the process that asked.
    pub(super) fn to_json(&self) -> Value {
        let mut copy = self.clone();
        let cells = NAMES.iter().zip(copy.cells()).map(|(name, cell)| ((*name).to_owned(), json!(*cell)));
        Value::Object(cells.collect())
    }

    /// Reads it; none when it is something else.
    pub(super) fn from_json(only: &str, text: &str) -> Option<Self> {
        let known: Value = serde_json::from_str(text).ok()?;
        let database = if only == "sqlite" { "SQLite" } else { "PostgreSQL" };
        let mut figures = Self { database: database.to_owned(), ..Self::default() };
        for (name, cell) in NAMES.iter().zip(figures.cells()) {
            *cell = known.get(name)?.as_u64()?;
        }
        Some(figures)
    }
}

/// One line per database.
pub(super) fn table(rows: &[Figures]) -> Table {
    let mut table = Table::new();
    table.set_header([
        "database",
        "orders/s",
        "floor orders/s",
        "of the floor",
        "added p50",
        "added p99",
        "CPU: hub",
        "server",
        "load",
        "floor",
        "reads, transactions, statements",
        "resident",
        "idle",
    ]);
    let micros = |micros: u64| format!("{micros} µs");
    let per_order = |hundred: u64| format!("{}.{:02}", hundred / 100, hundred % 100);
    for row in rows {
        table.add_row([
            row.database.clone(),
            row.orders_per_sec.to_string(),
            row.floor_per_sec.to_string(),
            format!("{} %", row.orders_per_sec * 100 / row.floor_per_sec.max(1)),
            micros(row.p50_micros),
            micros(row.p99_micros),
            micros(row.hub_micros),
            micros(row.server_micros),
            micros(row.load_micros),
            micros(row.floor_micros),
            [row.reads_per_100, row.transactions_per_100, row.steps_per_100].map(per_order).join(", "),
            format!("{} MiB", row.resident_kib / 1024),
            format!("{} MiB", row.idle_kib / 1024),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_pass_from_process_to_process_unchanged() {
        let mut figures = Figures { database: "SQLite".to_owned(), ..Figures::default() };
        for (number, cell) in figures.cells().into_iter().enumerate() {
            *cell = u64::try_from(number).unwrap() + 1;
        }
        assert_eq!(Figures::from_json("sqlite", &figures.to_json().to_string()).unwrap(), figures);
        assert_eq!(Figures::from_json("sqlite", "{}"), None);
    }
}
