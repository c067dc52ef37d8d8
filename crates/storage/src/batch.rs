//! A transaction's steps as one text: one message to the database in place of one per step.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::statement::{Expect, Step};

/// Most steps of one text; a longer transaction is rare, and has a shape that no other one repeats.
pub(crate) const STEPS_MAX: usize = 24;
/// Most texts that are kept. They share the statement cache of a connection (512) with the single statements.
pub(crate) const TEXTS_MAX: usize = 256;

/// What makes two transactions the same text: where each statement's text lies, and what is expected of it.
pub(crate) type Shape = Vec<(usize, usize, Expect, bool)>;

pub(crate) fn shape_of(steps: &[Step]) -> Shape {
    let part = |step: &Step| {
        let sql = step.statement.sql;
        (sql.as_ptr().addr(), sql.len(), step.expect, step.returns)
    };
    steps.iter().map(part).collect()
}

/// The texts made so far. The same text again is found in the connection's statement cache, prepared.
#[derive(Debug)]
pub(crate) struct Texts {
    join: fn(&[Step]) -> Option<String>,
    made: HashMap<Shape, Option<Arc<str>>>,
}

impl Texts {
    /// None yet; `join` makes them, or says that these steps cannot be one text.
    pub(crate) fn new(join: fn(&[Step]) -> Option<String>) -> Self {
        Self { join, made: HashMap::new() }
    }

    /// The one text of these steps, if they can have one.
    pub(crate) fn of(&mut self, steps: &[Step]) -> Option<SqlStr> {
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return None;
        }
        let shape = shape_of(steps);
        if !self.made.contains_key(&shape) && self.made.len() >= TEXTS_MAX {
            return None;
        }
        let join = self.join;
        let text = self.made.entry(shape).or_insert_with(|| join(steps).map(Arc::from));
        text.as_ref().map(|text| AssertSqlSafe(Arc::clone(text)).into_sql_str())
    }
}

/// Appends a statement whose `$1` becomes `$(by + 1)`. What stands in quotes or in a comment stays as it is.
pub(crate) fn append_renumbered(text: &mut String, sql: &str, by: usize) {
    let (mut is_quoted, mut is_comment) = (false, false);
    let mut rest = sql.chars().peekable();
    while let Some(letter) = rest.next() {
        text.push(letter);
        match letter {
            '\n' => is_comment = false,
            '\'' if !is_comment => is_quoted = !is_quoted,
            '-' if !is_quoted && rest.peek() == Some(&'-') => is_comment = true,
            '$' if !is_quoted && !is_comment => {
                let mut number = 0_usize;
                while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
                    rest.next();
                    let digit = usize::try_from(digit).unwrap_or_default();
                    number = number.saturating_mul(10).saturating_add(digit);
                }
                // Writing to a string cannot fail.
                let _ = write!(text, "{}", number.saturating_add(by));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renumbered(sql: &str, by: usize) -> String {
        let mut text = String::new();
        append_renumbered(&mut text, sql, by);
        text
    }

    #[test]
    fn placeholders_are_counted_on_and_nothing_else_changes() {
        let sql = "-- it's $1\nSELECT '$1 -- ''', a - $2 FROM t WHERE b = $10 -- $3";
        assert_eq!(renumbered(sql, 5), "-- it's $1\nSELECT '$1 -- ''', a - $7 FROM t WHERE b = $15 -- $3");
    }

    #[test]
    fn every_statement_counted_on_by_nothing_is_itself() {
        for sql in crate::contract::statements() {
            assert_eq!(renumbered(sql, 0), sql);
        }
    }

    #[test]
    fn one_shape_has_one_text_and_too_many_steps_have_none() {
        let mut texts = Texts::new(|steps| Some(steps.len().to_string()));
        let (one, any) =
            (Step::one("SELECT $1", vec![1_i64.into()]), Step::any("SELECT $1", vec![2_i64.into()]));
        assert!(texts.of(&[]).is_none());
        assert!(texts.of(&vec![one.clone(); STEPS_MAX + 1]).is_none());
        for steps in [vec![one.clone()], vec![any.clone()], vec![one, any]] {
            assert_eq!(texts.of(&steps).unwrap().as_str(), steps.len().to_string());
            assert_eq!(texts.of(&steps).unwrap().as_str(), steps.len().to_string());
        }
        assert_eq!(texts.made.len(), 3);
    }

    #[test]
    fn the_texts_are_not_kept_without_end() {
        let mut texts = Texts::new(|_| Some(String::new()));
        let kinds = [Step::one("A", vec![]), Step::any("B", vec![])];
        let pick = |number: usize, bit: usize| kinds[(number >> bit) & 1].clone();
        let shape = |number: usize| -> Vec<Step> { (0..9).map(|bit| pick(number, bit)).collect() };
        let found = (0..512).filter(|number| texts.of(&shape(*number)).is_some()).count();
        assert_eq!((found, texts.made.len()), (TEXTS_MAX, TEXTS_MAX));
        assert!(texts.of(&shape(0)).is_some());
    }
}
