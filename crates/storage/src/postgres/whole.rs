//! A whole transaction as one statement, for one round trip in place of one per step and two more.
//!
//! Every step becomes a CTE, and the statement divides by zero unless each changed as many rows as it should; that
//! undoes them all. All of them read the snapshot of the statement's beginning, so this is only for steps that do not
//! need to see each other's changes ([`Transaction::independent`](crate::Transaction::independent)).
//!
//! It waits for others as the single steps do. An UPDATE looks again at a row that changed since the snapshot, and
//! `ON CONFLICT` finds rows that are newer than it (<https://www.postgresql.org/docs/current/transaction-iso.html>,
//! Read Committed). A row that is seen too old can only make a step change too few rows, and then the steps run one by
//! one, each with a snapshot of its own.
//!
//! Deadlocks: the counts are compared in the order of the steps, and PostgreSQL runs a CTE when it is first read, so
//! locks are taken in the same order as step by step and two such transactions wait in line. It does not promise this;
//! if it ever changed, a deadlock would end one of the two whole, and that one would run step by step.

use std::fmt::Write;

use sqlx::error::DatabaseError;
use sqlx::{PgConnection, Postgres, SqlStr};

use crate::batch::append_renumbered;
use crate::postgres::bind;
use crate::statement::{Expect, Step};

/// The steps as one statement; none when one of them returns rows that somebody wants.
pub(super) fn text_of(steps: &[Step]) -> Option<String> {
    let (mut parts, mut checks) = (String::new(), String::new());
    let mut args = 0_usize;
    for (place, step) in steps.iter().enumerate() {
        let is_question = is_question(step.statement.sql);
        if step.returns != is_question {
            return None;
        }
        let (word, and) = if place == 0 { ("WITH", "") } else { (",", " AND ") };
        // Writing to a string cannot fail. The line breaks end a comment.
        let _ = writeln!(parts, "{word} s{place} AS (");
        append_renumbered(&mut parts, step.statement.sql, args);
        parts.push_str(if is_question { "\n)" } else { "\nRETURNING 1\n)" });
        let wanted = match step.expect {
            Expect::One => "= 1",
            Expect::Any => ">= 0",
            Expect::None => "= 0",
        };
        let _ = write!(checks, "{and}(SELECT COUNT(*) FROM s{place}) {wanted}");
        args = args.saturating_add(step.statement.args.len());
    }
    Some(format!("{parts}\nSELECT 1 / (CASE WHEN {checks} THEN 1 ELSE 0 END)"))
}

pub(super) fn is_question(sql: &str) -> bool {
    let first = sql.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with("--"));
    first.is_some_and(|line| line.starts_with("SELECT"))
}

/// Runs it, in a transaction of its own.
pub(super) async fn run(
    connection: &mut PgConnection,
    text: SqlStr,
    steps: &[Step],
) -> Result<(), sqlx::Error> {
    let values = steps.iter().flat_map(|step| &step.statement.args);
    values.fold(sqlx::query::<Postgres>(text), bind).execute(connection).await.map(|_| ())
}

/// Whether the database undid the statement for what it met, so that its steps may run one by one to say which met it:
/// an expectation (division by zero) or another fault of data (class 22), a constraint (23), a deadlock (40), a trigger
/// (P0). After a lost connection nobody knows.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| ["22", "23", "40", "P0"].iter().any(|class| code.starts_with(class)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_become_one_statement_that_checks_each() {
        let steps = [
            Step::require("-- q\nSELECT a FROM t WHERE b = $1", vec![1_i64.into()]),
            Step::any("-- u\nUPDATE t SET a = $1 WHERE b = $2", vec![1_i64.into(), 2_i64.into()]),
            Step::one("-- i\nINSERT INTO t VALUES ($1)", vec![3_i64.into()]),
            Step::refuse("-- r\nSELECT a FROM t WHERE b = $1", vec![1_i64.into()]),
        ];
        let wanted = "WITH s0 AS (\n-- q\nSELECT a FROM t WHERE b = $1\n), s1 AS (\n\
                      -- u\nUPDATE t SET a = $2 WHERE b = $3\nRETURNING 1\n), s2 AS (\n\
                      -- i\nINSERT INTO t VALUES ($4)\nRETURNING 1\n), s3 AS (\n\
                      -- r\nSELECT a FROM t WHERE b = $5\n)\n\
                      SELECT 1 / (CASE WHEN (SELECT COUNT(*) FROM s0) = 1 AND (SELECT COUNT(*) FROM s1) >= 0 AND \
                      (SELECT COUNT(*) FROM s2) = 1 AND (SELECT COUNT(*) FROM s3) = 0 THEN 1 ELSE 0 END)";
        assert_eq!(text_of(&steps).unwrap(), wanted);
    }

    #[test]
    fn steps_whose_rows_are_wanted_stay_single() {
        let step = Step::returning("-- c\nUPDATE t SET a = 1 RETURNING a", vec![]);
        assert_eq!(text_of(&[step]), None);
    }
}
