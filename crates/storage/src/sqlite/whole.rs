//! A whole transaction in one message to the thread that holds the connection.
//!
//! Each message costs two wake-ups of threads, more than most statements cost themselves; SQLite itself takes the
//! statements of one text one after the other, and tells of each how many rows it changed.

use std::future::poll_fn;

use sqlx::{Either, Executor, SqlStr, Sqlite, SqliteConnection};

use crate::batch::append_renumbered;
use crate::error::StoreError;
use crate::sqlite::{bind, read};
use crate::statement::Step;
use crate::value::Row;

/// Keeps the transaction before and marks the place that this one is undone to. It needs a savepoint `one` to be open.
pub(super) const MARK: &str = "RELEASE one;\nSAVEPOINT one";
/// How many statements that is.
const MARKS: usize = 2;

/// The steps as one text, after [`MARK`].
pub(super) fn text_of(steps: &[Step]) -> String {
    let mut text = MARK.to_owned();
    let mut args = 0_usize;
    for step in steps {
        text.push_str(";\n");
        append_renumbered(&mut text, step.statement.sql, args);
        // A comment at the statement's end ends here.
        text.push('\n');
        args = args.saturating_add(step.statement.args.len());
    }
    text
}

/// Runs [`MARK`] and the steps; what it leaves behind after an error is undone by `ROLLBACK TO one`.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    text: SqlStr,
    steps: &[Step],
) -> Result<Vec<Row>, StoreError> {
    let values = steps.iter().flat_map(|step| &step.statement.args);
    let query = values.fold(sqlx::query::<Sqlite>(text), bind);
    let mut answers = connection.fetch_many(query);
    let (mut rows, mut returned, mut done) = (Vec::new(), 0_u64, 0_usize);
    while let Some(answer) = poll_fn(|context| answers.as_mut().poll_next(context)).await {
        match answer.map_err(StoreError::unavailable)? {
            Either::Right(row) => {
                rows.push(read(&row)?);
                returned = returned.saturating_add(1);
            }
            Either::Left(result) => {
                if let Some(step) = done.checked_sub(MARKS).and_then(|place| steps.get(place)) {
                    let count = if step.returns { returned } else { result.rows_affected() };
                    if !step.accepts(count) {
                        // What follows may have run; it is undone with the rest.
                        return Err(StoreError::Conflict { step: step.statement.name() });
                    }
                }
                returned = 0;
                done = done.saturating_add(1);
            }
        }
    }
    if done == steps.len().saturating_add(MARKS) {
        return Ok(rows);
    }
    Err(StoreError::unavailable("the database did not answer every step"))
}
