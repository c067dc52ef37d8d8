//! Statements as values, and transactions made of them.

use crate::value::Value;

/// A statement and its arguments `$1`, `$2`, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text; begins with `-- name`, so that a slow-query log leads back here.
    pub sql: &'static str,
    /// Its arguments.
    pub args: Vec<Value>,
}

impl Statement {
    /// A statement with these arguments.
    pub fn new(sql: &'static str, args: Vec<Value>) -> Self {
        Self { sql, args }
    }

    /// The name in its first line.
    pub fn name(&self) -> &'static str {
        name_of(self.sql)
    }
}

/// The name in a statement's first line.
pub(crate) fn name_of(sql: &'static str) -> &'static str {
    sql.trim_start().strip_prefix("-- ").and_then(|rest| rest.lines().next()).unwrap_or("unnamed").trim()
}

/// What a step expects; anything else is a conflict and undoes the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expect {
    /// Exactly one row changed (or returned, for a statement that returns).
    One,
    /// Any number.
    Any,
    /// No row returned.
    None,
}

/// One statement of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The statement.
    pub statement: Statement,
    /// What it expects.
    pub expect: Expect,
    /// Whether it returns rows.
    pub returns: bool,
}

impl Step {
    /// A change of exactly one row.
    pub fn one(sql: &'static str, args: Vec<Value>) -> Self {
        Self { statement: Statement::new(sql, args), expect: Expect::One, returns: false }
    }

    /// A change of any number of rows.
    pub fn any(sql: &'static str, args: Vec<Value>) -> Self {
        Self { statement: Statement::new(sql, args), expect: Expect::Any, returns: false }
    }

    /// A question that must be answered by exactly one row.
    pub fn require(sql: &'static str, args: Vec<Value>) -> Self {
        Self { statement: Statement::new(sql, args), expect: Expect::One, returns: true }
    }

    /// A question that must be answered by no row.
    pub fn refuse(sql: &'static str, args: Vec<Value>) -> Self {
        Self { statement: Statement::new(sql, args), expect: Expect::None, returns: true }
    }

    /// A change that returns the rows it made.
    pub fn returning(sql: &'static str, args: Vec<Value>) -> Self {
        Self { statement: Statement::new(sql, args), expect: Expect::Any, returns: true }
    }

    /// Whether so many rows are what is expected.
    pub(crate) fn accepts(&self, rows: u64) -> bool {
        match self.expect {
            Expect::One => rows == 1,
            Expect::Any => true,
            Expect::None => rows == 0,
        }
    }
}

/// A named transaction: it commits whole, or not at all. It holds no network call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its name, for logs.
    pub name: &'static str,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Whether no step needs to see what another one changed: [`Transaction::independent`].
    pub independent: bool,
    /// Whether nobody wants the rows of its returning steps: [`Transaction::without_rows`].
    pub without_rows: bool,
}

impl Transaction {
    /// An empty transaction.
    pub fn new(name: &'static str) -> Self {
        Self { name, steps: Vec::new(), independent: false, without_rows: false }
    }

    /// Adds a step.
    #[must_use]
    pub fn with(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds steps.
    #[must_use]
    pub fn with_all(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// Lets a database answer without the rows of its returning steps: their number is all that matters, as it is for
    /// those that require or refuse. Then the steps can run in one round trip (PostgreSQL does), still one after the
    /// other. Worth it for what is committed often.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        self.without_rows = true;
        self
    }

    /// Lets a database run all steps as one statement, in one round trip (PostgreSQL does). The result is the same, but
    /// for two things that the caller vouches for:
    ///
    /// - No step needs to see what another one changed, and no two touch the same row: all of them read what was there
    ///   before. So never when one step ends a live attempt and another one begins the next, nor when one locks a row
    ///   so that another one can count under a limit.
    /// - No row is wanted back: the answer may be empty, even for steps that return.
    #[must_use]
    pub fn independent(mut self) -> Self {
        self.independent = true;
        self
    }
}
