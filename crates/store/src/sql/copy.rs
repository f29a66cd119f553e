//! Whole tables out of a database and into an empty one, the same on both engines: what backups are made of.

use std::{io, path::Path};

use thiserror::Error;

use super::{Migration, Row, Sql, Value, migrate, postgres::copy as postgres, sqlite::copy as sqlite};
use crate::StoreError;

/// A table of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns of its primary key, in whose order its rows are copied.
    pub key: &'static str,
    /// The first schema version that has it.
    pub since: usize,
}

impl Table {
    pub(super) fn select(&self) -> String {
        format!("SELECT * FROM {} ORDER BY {}", self.name, self.key)
    }

    pub(super) fn select_columns(&self, columns: &[String]) -> String {
        format!("SELECT {} FROM {}", columns.join(", "), self.name)
    }

    pub(super) fn insert(&self, columns: &[String]) -> String {
        let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, columns.join(", "), places.join(", "))
    }

    pub(super) fn copy_in(&self, columns: &[String]) -> String {
        format!("COPY {} ({}) FROM STDIN BINARY", self.name, columns.join(", "))
    }
}

/// Why a copy was not made.
#[derive(Debug, Error)]
pub enum Error {
    /// The database, or what it holds.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not a whole and unchanged backup.
    #[error("line {line}: {what}")]
    Damaged {
        /// Where it was noticed.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// The columns of a copy are columns of the table. Their names go into statements, so no other may.
pub(super) fn known_columns<'a>(
    table: &Table,
    given: &[String],
    own: impl IntoIterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let own: Vec<&str> = own.into_iter().collect();
    match given.iter().find(|column| !own.contains(&column.as_str())) {
        None => Ok(()),
        Some(_) => {
            Err(StoreError::corrupt(format!("the columns of {} are not those of its schema", table.name)))
        }
    }
}

/// A view of a whole database that stays the same while others write, and keeps none of them from writing.
pub struct Snapshot(View);

enum View {
    Sqlite(sqlite::Snapshot),
    Postgres(postgres::Snapshot),
}

impl Snapshot {
    /// Of the embedded database at `path`.
    pub fn sqlite(path: &Path) -> Result<Self, StoreError> {
        sqlite::Snapshot::open(path).map(|view| Self(View::Sqlite(view)))
    }

    /// Of the database at `url`.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        postgres::Snapshot::open(url).await.map(|view| Self(View::Postgres(view)))
    }

    /// Whether there is a table of this name.
    pub async fn has(&self, table: &str) -> Result<bool, StoreError> {
        match &self.0 {
            View::Sqlite(view) => view.has(table),
            View::Postgres(view) => view.has(table).await,
        }
    }

    /// Runs one reading statement.
    pub async fn read(&self, sql: &Sql, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match &self.0 {
            View::Sqlite(view) => view.read(sql, &args),
            View::Postgres(view) => view.read(sql, &args).await,
        }
    }

    /// The time of the server in seconds, where there is one.
    pub async fn clock(&self) -> Result<Option<i64>, StoreError> {
        match &self.0 {
            View::Sqlite(_) => Ok(None),
            View::Postgres(view) => view.clock().await.map(Some),
        }
    }

    /// Hands out the names of the columns and then each row. A boolean comes as 0 or 1.
    pub async fn rows(
        &self,
        table: &Table,
        columns: impl FnOnce(Vec<String>) -> Result<(), Error>,
        row: impl FnMut(Vec<Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &self.0 {
            View::Sqlite(view) => view.rows(table, columns, row),
            View::Postgres(view) => view.rows(table, columns, row).await,
        }
    }
}

/// A database in the making. Dropped unfinished, it leaves nothing.
#[must_use]
pub struct Loading(Site);

enum Site {
    Sqlite(sqlite::Loading),
    Postgres(postgres::Loading),
}

impl Loading {
    /// Begins a new embedded database for `path`, with the schema of `steps`.
    pub fn sqlite(path: &Path, steps: &[Migration]) -> Result<Self, StoreError> {
        sqlite::Loading::begin(path, &migrate::whole(steps)).map(|site| Self(Site::Sqlite(site)))
    }

    /// Begins in the empty database at `url`, with the schema of `steps`.
    pub async fn postgres(url: &str, steps: &[Migration]) -> Result<Self, StoreError> {
        postgres::Loading::begin(url, &migrate::whole(steps)).await.map(|site| Self(Site::Postgres(site)))
    }

    /// Fills a table. Refused: columns that are not the table's ([`StoreError::Corrupt`]), and rows that do not fit.
    pub async fn rows(
        &self,
        table: &Table,
        columns: &[String],
        rows: impl Iterator<Item = Result<Vec<Value>, Error>>,
    ) -> Result<(), Error> {
        match &self.0 {
            Site::Sqlite(site) => site.rows(table, columns, rows),
            Site::Postgres(site) => site.rows(table, columns, rows).await,
        }
    }

    /// Brings the schema from its first `from` steps to all of `steps`, and makes all of it durable and visible.
    pub async fn finish(self, steps: &[Migration], from: usize) -> Result<(), StoreError> {
        let rest = migrate::rest(steps, from);
        match self.0 {
            Site::Sqlite(site) => site.finish(&rest),
            Site::Postgres(site) => site.finish(&rest).await,
        }
    }
}

/// Whether an embedded database may be put at `path`: there is none, and no log of one.
pub fn sqlite_is_free(path: &Path) -> bool {
    sqlite::is_free(path)
}

/// Whether the database at `url` has no schema of ours.
pub async fn postgres_is_free(url: &str) -> Result<bool, StoreError> {
    postgres::is_free(url).await
}
