//! Runs: long work that a person began, item by item, worked on by any process.

use domain::ids::{MerchantId, RunId};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

pub(crate) mod due;
pub(crate) mod items;

pub use due::{NOT_HELD, advance, release};
pub use items::{ITEM_TAKEN, Item, ItemVerdict, begin_item, finish_item, insert_items, skip_waiting_items};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[INSERT_RUN, CANCEL_RUN, FIND_RUN, LIST_RUNS];

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Items are waiting for their turn.
    Running,
    /// Every item has a verdict.
    Done,
    /// A person stopped it; what was under way then has ended by itself.
    Cancelled,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Cancelled];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Long work over many items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: RunId,
    /// What kind of work, e.g. `rerun`.
    pub kind: String,
    /// Where it stands.
    pub state: RunState,
    /// What was asked, as JSON of the one who began it.
    pub settings: String,
    /// Who began it.
    pub actor: String,
    /// How many items it has.
    pub item_count: i64,
    /// The cursor: every item up to this position has a verdict.
    pub done_count: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "merchant_id, id, kind, state, settings, actor, item_count, done_count, created_at, updated_at"
    };
}
pub(crate) use columns;

const INSERT_RUN: &str = "-- insert_run
INSERT INTO runs (merchant_id, id, kind, state, settings, actor, item_count, done_count, created_at, updated_at,
    next_action_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9)
ON CONFLICT (merchant_id, id) DO NOTHING";

/// A new run, due at once; one without items is done.
pub fn insert(run: &Run) -> Step {
    let state = if run.item_count == 0 { RunState::Done } else { RunState::Running };
    let due = (state == RunState::Running).then_some(run.created_at);
    Step::one(
        INSERT_RUN,
        vec![
            run.merchant_id.into(),
            run.id.into(),
            Value::from(&run.kind),
            state.as_str().into(),
            Value::from(&run.settings),
            Value::from(&run.actor),
            run.item_count.into(),
            run.created_at.into(),
            Value::at(due),
        ],
    )
}

const CANCEL_RUN: &str = "-- cancel_run
UPDATE runs
SET state = 'cancelled',
    next_action_at = NULL,
    updated_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND state = 'running'";

/// Name of the step that fails when the run has ended already.
pub const NOT_RUNNING: &str = "cancel_run";

/// Stops a run; conflict when it has ended already.
pub fn cancel(merchant_id: MerchantId, id: RunId, at: Timestamp) -> Step {
    Step::one(CANCEL_RUN, vec![merchant_id.into(), id.into(), at.into()])
}

const FIND_RUN: &str = concat!(
    "-- find_run
SELECT ",
    columns!(),
    "
FROM runs
WHERE merchant_id = $1
    AND id = $2"
);

const LIST_RUNS: &str = concat!(
    "-- list_runs
SELECT ",
    columns!(),
    "
FROM runs
WHERE merchant_id = $1
    AND ($2 IS NULL OR id < $2)
ORDER BY id DESC
LIMIT CAST($3 AS BIGINT)"
);

impl Store {
    /// A run.
    pub async fn find_run(&self, merchant_id: MerchantId, id: RunId) -> Result<Option<Run>, StoreError> {
        let statement = Statement::new(FIND_RUN, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Runs, newest first, from the one after `before` on; ids sort by minting.
    pub async fn list_runs(
        &self,
        merchant_id: MerchantId,
        before: Option<RunId>,
        limit: i64,
    ) -> Result<Vec<Run>, StoreError> {
        let args = vec![merchant_id.into(), Value::id(before), limit.into()];
        self.query(Statement::new(LIST_RUNS, args)).await?.iter().map(read).collect()
    }
}

pub(crate) fn read(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        kind: row.text("kind")?,
        state: row.word("state", RunState::parse)?,
        settings: row.text("settings")?,
        actor: row.text("actor")?,
        item_count: row.int("item_count")?,
        done_count: row.int("done_count")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}
