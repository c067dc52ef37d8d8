//! Facts about the database itself, and heartbeats of the processes that use it (M31).

use jiff::Timestamp;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[SET_MARK, CLEAR_MARK, FIND_MARK, BEAT, LAST_BEAT];

const SET_MARK: &str = "-- set_mark
INSERT INTO marks (name, value)
VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value";

/// Sets a mark.
pub fn set(name: &str, value: &str) -> Step {
    Step::one(SET_MARK, vec![name.into(), value.into()])
}

const CLEAR_MARK: &str = "-- clear_mark
DELETE FROM marks
WHERE name = $1";

/// Takes a mark away.
pub fn clear(name: &str) -> Step {
    Step::any(CLEAR_MARK, vec![name.into()])
}

const FIND_MARK: &str = "-- find_mark
SELECT value
FROM marks
WHERE name = $1";

const BEAT: &str = "-- beat
INSERT INTO heartbeats (node, at)
VALUES ($1, $2)
ON CONFLICT (node) DO UPDATE
SET at = excluded.at";

/// This process is alive.
pub fn beat(node: &str, at: Timestamp) -> Step {
    Step::one(BEAT, vec![node.into(), at.into()])
}

const LAST_BEAT: &str = "-- last_beat
SELECT MAX(at) AS last
FROM heartbeats";

impl Store {
    /// The value of a mark.
    pub async fn find_mark(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = self.query_one(Statement::new(FIND_MARK, vec![name.into()])).await?;
        row.map(|row| row.text("value")).transpose()
    }

    /// The newest heartbeat of any process.
    pub async fn last_heartbeat(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(LAST_BEAT, vec![])).await? {
            Some(row) => row.opt_at("last"),
            None => Ok(None),
        }
    }
}
