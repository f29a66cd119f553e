//! Statements as data.

use super::Value;

/// A statement of the house dialect, written once as a constant and run by both engines.
#[derive(Debug, PartialEq, Eq)]
pub struct Sql {
    /// What errors and logs call it: `code_spend`.
    pub name: &'static str,
    /// The text, with `$1…$n` for its arguments.
    pub text: &'static str,
}

/// A statement of a batch as it is said of many rows at once, for an engine to which each statement has to be sent.
#[derive(Debug)]
pub struct Bulk {
    /// The statement.
    pub one: &'static Sql,
    /// PostgreSQL's text with the same placeholders, some of them lists. It goes by the key, so that it is planned the same
    /// however many rows there are.
    pub many: &'static str,
    /// The numbers of those that are lists; the first is the key of the row.
    pub each: &'static [usize],
}

/// What a statement of a batch must have done for the batch to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number of rows.
    Any,
    /// Exactly one row affected: a guard. Otherwise the whole batch is undone.
    One,
    /// Exactly one row found by a `SELECT`, which nobody else changes before the batch ends. Otherwise the whole batch is
    /// undone. It waits for whoever is changing the row, so that neither can miss the other, and writes nothing.
    Held,
}

/// A statement with its arguments, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(super) sql: &'static Sql,
    pub(super) args: Vec<Value>,
    pub(super) expect: Expect,
}

/// What became of a batch that met no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// All of it is durable.
    Done,
    /// A guard did not affect, or a hold not find, exactly one row; nothing of the batch remains.
    Refused {
        /// The guard's position in the batch, counted from 0.
        statement: usize,
    },
}

/// A write: statements that happen together or not at all, all known before the first one runs.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Batch(pub(super) Vec<Statement>);

impl Batch {
    /// A batch of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a statement that must affect exactly one row.
    pub fn guard(self, sql: &'static Sql, args: Vec<Value>) -> Self {
        self.push(sql, args, Expect::One)
    }

    /// Adds a `SELECT` that must find exactly one row, and holds it until the batch ends.
    pub fn hold(self, sql: &'static Sql, args: Vec<Value>) -> Self {
        self.push(sql, args, Expect::Held)
    }

    /// Adds a statement that may affect any number of rows.
    pub fn then(self, sql: &'static Sql, args: Vec<Value>) -> Self {
        self.push(sql, args, Expect::Any)
    }

    /// Adds the statements of another batch behind these; its guards count on from here.
    pub fn chain(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// How many statements it holds: the position the next one will have.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it holds no statement.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(mut self, sql: &'static Sql, args: Vec<Value>, expect: Expect) -> Self {
        self.0.push(Statement { sql, args, expect });
        self
    }
}
