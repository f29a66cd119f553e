//! The one door to either database.

use std::{path::Path, time::Instant};

use tracing::Instrument;

use super::{
    Batch, Expect, Migration, Row, Sql, SqliteOptions, Value, Written, migrate, postgres::Postgres,
    sqlite::Sqlite,
};
use crate::{
    StoreError, args,
    stats::{Levels, SPANS, Stats},
};

const PING: Sql = Sql { name: "ping", text: "SELECT 1" };

pub(super) const STATEMENTS: &[&Sql] = &[&PING];

/// An open database. Shared by reference; every method may be called from many tasks at once.
pub enum Engine {
    /// The embedded engine: one file, one writer thread, group commit.
    Sqlite(Sqlite),
    /// A server shared by several nodes.
    Postgres(Postgres),
}

impl Engine {
    /// Opens what the address names: `sqlite:PATH`, `postgres://…` or `postgresql://…`. A file is created when it is
    /// missing. The schema is not touched; see [`Engine::migrate`].
    pub fn open(address: &str) -> Result<Self, StoreError> {
        match address.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Self::sqlite(Path::new(path)),
            Some(("postgres" | "postgresql", _)) => Self::postgres(address),
            _ => Err(StoreError::Unavailable(
                "a database address begins with sqlite: or postgres://".to_owned(),
            )),
        }
    }

    /// Opens the embedded engine on a file.
    pub fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::sqlite_with(path, SqliteOptions::default())
    }

    /// Opens the embedded engine with limits other than the default ones.
    pub fn sqlite_with(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        Sqlite::open(path, options).map(Self::Sqlite)
    }

    /// Prepares a pool of connections to a PostgreSQL server; the first statement opens the first of them. To be called on
    /// an asynchronous runtime, where its writer lives.
    pub fn postgres(url: &str) -> Result<Self, StoreError> {
        Postgres::open(url).map(Self::Postgres)
    }

    /// Runs one reading statement.
    pub async fn read(&self, sql: &'static Sql, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        refuse_nul(sql, &args)?;
        let answer = match self {
            Self::Sqlite(engine) => engine.read(sql, &args),
            // Boxed, here and below: what waits for a network would make every future above it some kilobytes longer.
            Self::Postgres(engine) => Box::pin(engine.read(sql, &args)).await,
        };
        answer.inspect_err(|error| self.stats().erred(error))
    }

    /// The same of a statement that looks one row up by its key, at once: it may be asked together with others.
    pub async fn look_up(&self, sql: &'static Sql, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        refuse_nul(sql, &args)?;
        let answer = match self {
            Self::Sqlite(engine) => engine.read(sql, &args),
            Self::Postgres(engine) => Box::pin(engine.look_up(sql, &args)).await,
        };
        answer.inspect_err(|error| self.stats().erred(error))
    }

    /// Applies a batch and answers when it is durable. A guard that found no row is [`Written::Refused`], a unique
    /// index that refused is [`StoreError::Conflict`]; in both cases nothing of the batch remains.
    pub async fn write(&self, batch: Batch) -> Result<Written, StoreError> {
        for statement in &batch.0 {
            refuse_nul(statement.sql, &statement.args)?;
        }
        let since = Instant::now();
        let span = tracing::trace_span!(target: SPANS, "store write");
        let outcome = match self {
            _ if batch.is_empty() => return Ok(Written::Done),
            Self::Sqlite(engine) => engine.write(batch).instrument(span).await,
            Self::Postgres(engine) => Box::pin(engine.write(batch).instrument(span)).await,
        };
        self.stats().wrote(&outcome, since.elapsed());
        outcome
    }

    /// What is counted.
    pub fn stats(&self) -> &Stats {
        match self {
            Self::Sqlite(engine) => &engine.stats,
            Self::Postgres(engine) => &engine.stats,
        }
    }

    /// What waits and what is in use.
    pub fn levels(&self) -> Levels {
        match self {
            Self::Sqlite(engine) => engine.levels(),
            Self::Postgres(engine) => engine.levels(),
        }
    }

    /// Brings the schema to the last of `migrations`, each applied once however many nodes start together, and
    /// returns how many of them this call applied. Refused: a schema newer than the list, and an applied migration
    /// whose text is no longer the same.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<usize, StoreError> {
        migrate::run(self, migrations).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(&PING, args![]).await.map(drop)
    }

    /// Prepares a statement without running it, as a read or as a member of a batch, and returns how many arguments
    /// it takes. A select list with a column of a type outside [`Value`] is refused where the engine knows types.
    pub async fn prepare(&self, sql: &'static Sql, expect: Expect) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(engine) => engine.prepare(sql),
            Self::Postgres(engine) => engine.prepare(sql, expect).await,
        }
    }

    /// Finishes what is queued and lets go of the database. Later writes are [`StoreError::Unavailable`].
    pub async fn close(&self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::Postgres(engine) => engine.close().await,
        }
    }

    /// Runs a text of several statements in one transaction, with the engine's own type names put in.
    pub(super) async fn script(&self, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(engine) => engine.script(text),
            Self::Postgres(engine) => engine.script(text).await,
        }
    }
}

/// SQLite would store a NUL character, PostgreSQL refuses it: the seam refuses it for both.
fn refuse_nul(sql: &Sql, args: &[Value]) -> Result<(), StoreError> {
    let has_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    match args.iter().any(has_nul) {
        true => Err(StoreError::Internal(format!("{}: a text argument holds a NUL character", sql.name))),
        false => Ok(()),
    }
}

pub(super) fn wrong_arity(sql: &Sql, wanted: usize, given: usize) -> StoreError {
    StoreError::Internal(format!("{}: {given} arguments given, {wanted} wanted", sql.name))
}
