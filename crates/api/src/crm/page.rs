//! Pages of lists.

use serde_json::{Value, json};

use super::answer::Answer;
use super::reader::Reader;

/// Rows of a page unless the call says otherwise.
const ROWS_DEFAULT: i64 = 25;
/// Most rows of a page.
const ROWS_MAX: i64 = 200;
/// Largest number of a page.
const PAGE_MAX: i64 = 1_000_000;

/// Asks for more fields of each row, and filters nothing.
pub(crate) const EVERYTHING: &str = "includeCustomFields";

/// The parameters that choose a page.
pub(crate) const NAMES: [&str; 2] = ["resultsPerPage", "page"];

/// Which rows of a list are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1.
    number: i64,
    /// Rows of a page.
    rows: i64,
}

impl Page {
    /// Reads `resultsPerPage` and `page`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let rows = reader.whole_number("resultsPerPage", 1, ROWS_MAX).unwrap_or(ROWS_DEFAULT);
        let number = reader.whole_number("page", 1, PAGE_MAX).unwrap_or(1);
        Self { number, rows }
    }

    /// Rows of this page.
    pub(crate) fn rows(self) -> i64 {
        self.rows
    }

    /// Rows before this page.
    pub(crate) fn offset(self) -> i64 {
        self.number.saturating_sub(1).saturating_mul(self.rows)
    }

    /// This page of rows that are all at hand.
    pub(crate) fn cut<T>(self, rows: Vec<T>) -> Vec<T> {
        let count = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        rows.into_iter().skip(count(self.offset())).take(count(self.rows)).collect()
    }

    /// The answer with `rows` of `total`; an empty list is an error that names `what` was looked for.
    pub(crate) fn answer(self, total: i64, rows: &[Value], what: &str) -> Answer {
        if rows.is_empty() {
            return Answer::Error(format!("No {what} matching those parameters could be found"));
        }
        Answer::Success(json!({
            "totalResults": total,
            "resultsPerPage": self.rows,
            "page": self.number,
            "data": rows,
        }))
    }
}
