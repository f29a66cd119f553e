//! What can go wrong in the store, in the words a caller can act on.

use thiserror::Error;

/// Why the store did not do what it was asked. The texts are for logs, never for an answer to a browser or client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Too much is asked at once: the queue is full, no connection came free, or conflicts outlasted the retries.
    /// Nothing was changed; the caller may try again after a pause.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached or cannot write. A write that ends so may or may not have happened.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A uniqueness rule, named alike on both engines, or [`StoreError::FOREIGN_KEY`] refused the write.
    #[error("conflict with {constraint}")]
    Conflict {
        /// The unique index (`{table}_pkey` for a primary key) that refused.
        constraint: String,
    },
    /// What was read is not what was written: a missing column, a wrong type, a damaged file.
    #[error("corrupt data: {what}")]
    Corrupt {
        /// Where it was found.
        what: String,
    },
    /// The master key at hand is not the one that sealed the data.
    #[error("the master key does not fit this database")]
    KeyMismatch,
    /// The schema is not one this binary can work with: newer than it knows, or altered after it was applied.
    #[error("{0}")]
    Schema(String),
    /// A mistake of the program: a statement that does not prepare, a wrong number of arguments.
    #[error("internal: {0}")]
    Internal(String),
}

impl StoreError {
    /// The constraint named when a row that was referred to does not exist (or is still referred to).
    /// SQLite does not say which reference it was, so neither engine does.
    pub const FOREIGN_KEY: &'static str = "foreign_key";

    /// Whether a unique index of this name refused the write.
    pub fn is_conflict_on(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(crate) fn conflict(constraint: impl Into<String>) -> Self {
        Self::Conflict { constraint: constraint.into() }
    }
}
