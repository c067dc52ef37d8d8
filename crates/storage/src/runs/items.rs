//! The items of a run, and the verdict on each.

use domain::ids::{MerchantId, OrderId, RunId};

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[INSERT_RUN_ITEMS, BEGIN_RUN_ITEM, FINISH_RUN_ITEM, SKIP_WAITING_ITEMS, LIST_RUN_ITEMS, COUNT_RUN_ITEMS];

/// What came of an item, as far as it was known when the run left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemVerdict {
    /// Its turn has not come.
    Waiting,
    /// The money was taken.
    Approved,
    /// Refused, or it did nothing.
    Declined,
    /// A salvage gateway works on it; until [`Item::words`] is written it is under way here.
    Pending,
    /// Nobody knows yet.
    InDoubt,
    /// It was left alone.
    Skipped,
}

impl ItemVerdict {
    /// All verdicts.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Approved, Self::Declined, Self::Pending, Self::InDoubt, Self::Skipped];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Pending => "pending",
            Self::InDoubt => "in_doubt",
            Self::Skipped => "skipped",
        }
    }

    /// The verdict with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// One item of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place, from 1.
    pub position: i64,
    /// The order.
    pub order_id: OrderId,
    /// What came of it.
    pub verdict: ItemVerdict,
    /// Why, in one sentence; empty until it has its verdict.
    pub words: String,
}

impl Item {
    /// Whether it has its verdict.
    pub fn is_finished(&self) -> bool {
        !self.words.is_empty()
    }
}

/// Rows that one insert takes.
const ROWS: usize = 20;

const INSERT_RUN_ITEMS: &str = "-- insert_run_items
INSERT INTO run_items (merchant_id, run_id, position, order_id, verdict, words)
SELECT $1, $2, $3 + listed.column1, listed.column2, 'waiting', ''
FROM (VALUES
    (1, $4), (2, $5), (3, $6), (4, $7), (5, $8), (6, $9), (7, $10), (8, $11), (9, $12), (10, $13),
    (11, $14), (12, $15), (13, $16), (14, $17), (15, $18), (16, $19), (17, $20), (18, $21), (19, $22), (20, $23)
) AS listed
WHERE listed.column2 IS NOT NULL";

/// The items of a new run, in this order, counted from 1.
pub fn insert_items(merchant_id: MerchantId, run_id: RunId, orders: &[OrderId]) -> Vec<Step> {
    let mut before = 0_i64;
    let mut steps = Vec::new();
    for chunk in orders.chunks(ROWS) {
        let mut args = vec![merchant_id.into(), run_id.into(), before.into()];
        args.extend((0..ROWS).map(|place| Value::id(chunk.get(place).copied())));
        steps.push(Step::any(INSERT_RUN_ITEMS, args));
        before = before.saturating_add(i64::try_from(chunk.len()).unwrap_or(i64::MAX));
    }
    steps
}

const BEGIN_RUN_ITEM: &str = "-- begin_run_item
UPDATE run_items
SET verdict = 'pending'
WHERE merchant_id = $1
    AND run_id = $2
    AND position = $3
    AND verdict = 'waiting'";

/// Name of the step that fails when the item was begun before, or its run was cancelled.
pub const ITEM_TAKEN: &str = "begin_run_item";

/// The item is under way from now on. Stands in the transaction of its attempt's intent, so that it is sent once whoever
/// works on the run.
pub fn begin_item(merchant_id: MerchantId, run_id: RunId, position: i64) -> Step {
    Step::one(BEGIN_RUN_ITEM, vec![merchant_id.into(), run_id.into(), position.into()])
}

const FINISH_RUN_ITEM: &str = "-- finish_run_item
UPDATE run_items
SET verdict = $4,
    words = $5
WHERE merchant_id = $1
    AND run_id = $2
    AND position = $3
    AND words = ''";

/// The verdict on an item, written once; nothing when it has one.
pub fn finish_item(
    merchant_id: MerchantId,
    run_id: RunId,
    position: i64,
    verdict: ItemVerdict,
    words: &str,
) -> Step {
    let words = if words.is_empty() { verdict.as_str() } else { words };
    let args =
        vec![merchant_id.into(), run_id.into(), position.into(), verdict.as_str().into(), words.into()];
    Step::any(FINISH_RUN_ITEM, args)
}

const SKIP_WAITING_ITEMS: &str = "-- skip_waiting_items
UPDATE run_items
SET verdict = 'skipped',
    words = $3
WHERE merchant_id = $1
    AND run_id = $2
    AND verdict = 'waiting'";

/// Leaves alone whatever still waits for its turn.
pub fn skip_waiting_items(merchant_id: MerchantId, run_id: RunId, words: &str) -> Step {
    Step::any(SKIP_WAITING_ITEMS, vec![merchant_id.into(), run_id.into(), words.into()])
}

const LIST_RUN_ITEMS: &str = "-- list_run_items
SELECT position, order_id, verdict, words
FROM run_items
WHERE merchant_id = $1
    AND run_id = $2
    AND position > $3
    AND ($4 IS NULL OR verdict = $4)
ORDER BY position
LIMIT CAST($5 AS BIGINT)";

const COUNT_RUN_ITEMS: &str = "-- count_run_items
SELECT verdict, CAST(COUNT(*) AS BIGINT) AS found
FROM run_items
WHERE merchant_id = $1
    AND run_id = $2
GROUP BY verdict
ORDER BY verdict";

impl Store {
    /// Items of a run after a position, in order.
    pub async fn list_run_items(
        &self,
        merchant_id: MerchantId,
        run_id: RunId,
        after: i64,
        verdict: Option<ItemVerdict>,
        limit: i64,
    ) -> Result<Vec<Item>, StoreError> {
        let verdict = Value::Text(verdict.map(|verdict| verdict.as_str().to_owned()));
        let args = vec![merchant_id.into(), run_id.into(), after.into(), verdict, limit.into()];
        self.query(Statement::new(LIST_RUN_ITEMS, args)).await?.iter().map(read).collect()
    }

    /// How many items of a run have each verdict; those that none has are not named.
    pub async fn count_run_items(
        &self,
        merchant_id: MerchantId,
        run_id: RunId,
    ) -> Result<Vec<(ItemVerdict, i64)>, StoreError> {
        let rows =
            self.query(Statement::new(COUNT_RUN_ITEMS, vec![merchant_id.into(), run_id.into()])).await?;
        rows.iter().map(|row| Ok((row.word("verdict", ItemVerdict::parse)?, row.int("found")?))).collect()
    }
}

fn read(row: &Row) -> Result<Item, StoreError> {
    Ok(Item {
        position: row.int("position")?,
        order_id: row.id("order_id")?,
        verdict: row.word("verdict", ItemVerdict::parse)?,
        words: row.text("words")?,
    })
}
