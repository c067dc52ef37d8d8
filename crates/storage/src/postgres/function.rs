//! A whole transaction as one call of a function that the session made for it: one round trip in place of one per step
//! and two more.
//!
//! The steps stay what they are: one after the other, each with a snapshot of its own, as a function that may change
//! rows takes one per statement (<https://www.postgresql.org/docs/current/xfunc-volatility.html>). So a step may lock a
//! row for the next one to count under, or end what the next one begins anew. A step that meets another number of rows
//! than it expects raises an error of ours, which undoes the call and names the step.
//!
//! The functions are temporary: they belong to the session and go with it, so a connection has none to begin with and
//! they are made when a call finds none.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, SqlSafeStr};

use crate::batch::{STEPS_MAX, Shape, TEXTS_MAX, append_renumbered, shape_of};
use crate::error::StoreError;
use crate::postgres::bind;
use crate::postgres::whole::is_question;
use crate::statement::{Expect, Step};
use crate::value::Value;

/// Most arguments of a function (<https://www.postgresql.org/docs/current/limits.html>).
const ARGUMENTS_MAX: usize = 100;
/// The error that says which step met another number of rows: a class that PostgreSQL does not use.
const UNEXPECTED: &str = "RE001";
/// What PostgreSQL says when a session has no such function, or nothing temporary at all yet: `undefined_function`,
/// `invalid_schema_name` (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const UNDEFINED: [&str; 2] = ["42883", "3F000"];

/// A function for transactions of one shape.
#[derive(Debug)]
pub(super) struct Function {
    call: Arc<str>,
    definition: Arc<str>,
}

/// The functions known to this process; each session makes its own copies.
#[derive(Debug, Default)]
pub(super) struct Functions {
    known: HashMap<Shape, Arc<Function>>,
}

impl Functions {
    /// The function for these steps; none when they are too many, or somebody wants rows that a change returns.
    pub(super) fn of(&mut self, steps: &[Step]) -> Option<Arc<Function>> {
        let arguments: usize = steps.iter().map(|step| step.statement.args.len()).sum();
        if steps.is_empty() || steps.len() > STEPS_MAX || arguments > ARGUMENTS_MAX {
            return None;
        }
        if steps.iter().any(|step| step.returns != is_question(step.statement.sql)) {
            return None;
        }
        let (shape, number) = (shape_of(steps), self.known.len());
        if let Some(known) = self.known.get(&shape) {
            return Some(Arc::clone(known));
        }
        if number >= TEXTS_MAX {
            return None;
        }
        let made = Arc::new(function(number, steps));
        self.known.insert(shape, Arc::clone(&made));
        Some(made)
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Id(_) => "UUID",
        Value::Int(_) => "BIGINT",
        Value::Text(_) => "TEXT",
        Value::Bool(_) => "BOOLEAN",
        Value::Bytes(_) => "BYTEA",
    }
}

/// Writing to a string cannot fail, so what it answers is not looked at.
fn function(number: usize, steps: &[Step]) -> Function {
    let name = format!("pg_temp.recoup_{number}");
    let types: Vec<_> = steps.iter().flat_map(|step| &step.statement.args).map(type_of).collect();
    let places: Vec<_> = (1..=types.len()).map(|place| format!("${place}")).collect();
    let mut body = String::new();
    let mut before = 0_usize;
    for (place, step) in steps.iter().enumerate() {
        // The line breaks end a comment.
        let is_question = is_question(step.statement.sql);
        let (begin, end) =
            if is_question { ("PERFORM 1 FROM (\n", "\n) AS question;\n") } else { ("", "\n;\n") };
        body.push_str(begin);
        append_renumbered(&mut body, step.statement.sql, before);
        body.push_str(end);
        before = before.saturating_add(step.statement.args.len());
        let unexpected = match step.expect {
            Expect::One => "<> 1",
            Expect::None => "<> 0",
            Expect::Any => continue,
        };
        let _ = write!(
            body,
            "GET DIAGNOSTICS rows_of_step = ROW_COUNT;\nIF rows_of_step {unexpected} THEN RAISE EXCEPTION '{place}' \
             USING ERRCODE = '{UNEXPECTED}'; END IF;\n"
        );
    }
    let definition = format!(
        "CREATE OR REPLACE FUNCTION {name}({}) RETURNS VOID LANGUAGE plpgsql VOLATILE AS $recoup$\n\
         DECLARE rows_of_step BIGINT;\nBEGIN\n{body}END\n$recoup$",
        types.join(", ")
    );
    Function { call: format!("SELECT {name}({})", places.join(", ")).into(), definition: definition.into() }
}

/// Runs the steps, in a transaction of their own.
pub(super) async fn run(
    connection: &mut PgConnection,
    function: &Function,
    steps: &[Step],
) -> Result<(), StoreError> {
    let mut result = call(connection, function, steps).await;
    if result.as_ref().is_err_and(|error| UNDEFINED.iter().any(|code| has_code(error, code))) {
        let definition = AssertSqlSafe(Arc::clone(&function.definition)).into_sql_str();
        let made = sqlx::query::<Postgres>(definition).persistent(false).execute(&mut *connection).await;
        made.map_err(StoreError::unavailable)?;
        result = call(connection, function, steps).await;
    }
    result.map_err(|error| match unexpected_step(&error).and_then(|place| steps.get(place)) {
        Some(step) => StoreError::Conflict { step: step.statement.name() },
        None => StoreError::unavailable(error),
    })
}

async fn call(connection: &mut PgConnection, function: &Function, steps: &[Step]) -> Result<(), sqlx::Error> {
    let text = AssertSqlSafe(Arc::clone(&function.call)).into_sql_str();
    let values = steps.iter().flat_map(|step| &step.statement.args);
    values.fold(sqlx::query::<Postgres>(text), bind).execute(connection).await.map(|_| ())
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|found| found == code)
}

fn unexpected_step(error: &sqlx::Error) -> Option<usize> {
    if !has_code(error, UNEXPECTED) {
        return None;
    }
    error.as_database_error()?.message().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_become_the_body_of_a_function_that_checks_each() {
        let steps = [
            Step::require("-- q\nSELECT a FROM t WHERE b = $1", vec![1_i64.into()]),
            Step::any("-- u\nUPDATE t SET a = $1 WHERE b = $2", vec!["a".into(), 2_i64.into()]),
            Step::one("-- i\nINSERT INTO t VALUES ($1)", vec![true.into()]),
        ];
        let mut functions = Functions::default();
        let function = functions.of(&steps).unwrap();
        assert_eq!(&*function.call, "SELECT pg_temp.recoup_0($1, $2, $3, $4)");
        let check = |place: usize| {
            format!(
                "GET DIAGNOSTICS rows_of_step = ROW_COUNT;\nIF rows_of_step <> 1 THEN RAISE EXCEPTION '{place}' \
                 USING ERRCODE = 'RE001'; END IF;\n"
            )
        };
        let wanted = format!(
            "CREATE OR REPLACE FUNCTION pg_temp.recoup_0(BIGINT, TEXT, BIGINT, BOOLEAN) RETURNS VOID LANGUAGE plpgsql \
             VOLATILE AS $recoup$\nDECLARE rows_of_step BIGINT;\nBEGIN\nPERFORM 1 FROM (\n-- q\nSELECT a FROM t WHERE \
             b = $1\n) AS question;\n{}-- u\nUPDATE t SET a = $2 WHERE b = $3\n;\n-- i\nINSERT INTO t VALUES \
             ($4)\n;\n{}END\n$recoup$",
            check(0),
            check(2)
        );
        assert_eq!(&*function.definition, wanted);
        assert!(Arc::ptr_eq(&functions.of(&steps).unwrap(), &function));
    }

    #[test]
    fn there_is_none_for_rows_that_are_wanted_nor_for_too_many_steps_or_arguments() {
        let mut functions = Functions::default();
        assert!(functions.of(&[]).is_none());
        assert!(functions.of(&[Step::returning("-- c\nUPDATE t SET a = 1 RETURNING a", vec![])]).is_none());
        let step = |count| Step::any("-- u\nUPDATE t SET a = 1", vec![1_i64.into(); count]);
        assert!(functions.of(&vec![step(1); STEPS_MAX + 1]).is_none());
        assert!(functions.of(&[step(ARGUMENTS_MAX), step(1)]).is_none());
        assert!(functions.of(&[step(ARGUMENTS_MAX)]).is_some());
    }
}
