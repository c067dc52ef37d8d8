//! The timeline: an order's history in sentences; append-only.

use domain::ids::{MerchantId, OrderId, TimelineId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_TIMELINE, LIST_TIMELINE_OF_ORDER];

/// A line of an order's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id; lines of one moment sort by it.
    pub id: TimelineId,
    /// Its order.
    pub order_id: OrderId,
    /// When.
    pub at: Timestamp,
    /// What happened: sentences for people.
    pub words: String,
}

const INSERT_TIMELINE: &str = "-- insert_timeline
INSERT INTO timeline (merchant_id, id, order_id, at, words)
VALUES ($1, $2, $3, $4, $5)";

/// Appends a line.
pub fn insert(line: &Line) -> Step {
    Step::one(
        INSERT_TIMELINE,
        vec![
            line.merchant_id.into(),
            line.id.into(),
            line.order_id.into(),
            line.at.into(),
            Value::from(&line.words),
        ],
    )
}

const LIST_TIMELINE_OF_ORDER: &str = "-- list_timeline_of_order
SELECT merchant_id, id, order_id, at, words
FROM timeline
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY at, id";

impl Store {
    /// An order's history, oldest first.
    pub async fn list_timeline_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Line>, StoreError> {
        let statement = Statement::new(LIST_TIMELINE_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        let rows = self.query(statement).await?;
        let read = |row: &crate::Row| {
            Ok(Line {
                merchant_id: row.id("merchant_id")?,
                id: row.id("id")?,
                order_id: row.id("order_id")?,
                at: row.at("at")?,
                words: row.text("words")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
