//! The SQL seam: statements as data, and the two engines that run them.
//!
//! A read is one [`Sql`] with its arguments; a write is a [`Batch`], atomic and known before it starts. Nothing
//! outside this module names a database driver. The dialect is what SQLite and PostgreSQL share:
//!
//! - placeholders `$1…$n`, each used at least once; texts, 64-bit integers, booleans and bytes, nothing else;
//! - never the database's clock, `ILIKE`, `FOR UPDATE` or advisory locks; to keep a row as it is, [`Batch::hold`];
//! - uniqueness by `CREATE UNIQUE INDEX name`, or by an unnamed primary key (`{table}_pkey`), so that both engines
//!   report the same name in [`StoreError::Conflict`](crate::StoreError::Conflict);
//! - `NOT pool_id <> $n` where another column finds the rows: without statistics SQLite may take an index for `pool_id = $n`, and
//!   all rows have the same pool;
//! - a statement of a batch carries no `RETURNING`, and a guard's condition looks at the row it changes, which is
//!   what PostgreSQL evaluates again after waiting for another writer.

pub mod copy;
mod engine;
mod migrate;
mod postgres;
mod sqlite;
mod statement;
mod value;

pub use copy::Table;
pub use engine::Engine;
pub use migrate::Migration;
pub(crate) use migrate::schema_version;
pub use sqlite::SqliteOptions;
pub use statement::{Batch, Bulk, Expect, Sql, Statement, Written};
pub use value::{Row, RowReader, Value};

/// Every statement that can be said of many rows at once.
pub fn bulks() -> &'static [Bulk] {
    crate::store::BULKS
}

/// Every statement of the store, for the test that prepares them all on both engines.
pub fn all() -> Vec<&'static Sql> {
    [&[engine::STATEMENTS, migrate::STATEMENTS], crate::store::STATEMENT_LISTS].concat().concat()
}
