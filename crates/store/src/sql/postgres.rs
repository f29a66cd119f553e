//! The engine for several nodes: a pool of connections, one pipelined round trip for a group of batches.

mod bulk;
mod connections;
pub(super) mod copy;
mod errors;
mod lookups;
mod tls;
mod values;
mod writer;

use std::{borrow::Cow, future::Future, sync::Arc, time::Duration};

use deadpool_postgres::ClientWrapper;
use tokio::time::Instant;

use self::{
    connections::Connections,
    errors::store_error,
    lookups::Lookups,
    values::{bind, by_reference, from_postgres, is_readable},
    writer::Writer,
};
use super::{Batch, Bulk, Expect, Row, Sql, Value, Written, migrate::Dialect};
use crate::{
    StoreError,
    stats::{Levels, Stats},
};

const DIALECT: Dialect = Dialect { bytes: "BYTEA", bool: "BOOLEAN", int: "BIGINT", clustered: "" };

/// How long the server may take to answer a statement or a batch.
const ANSWER: Duration = Duration::from_secs(10);

/// The connections to one server, and what writes through them.
pub struct Postgres {
    connections: Connections,
    lookups: Lookups,
    writer: Writer,
    pub(super) stats: Arc<Stats>,
}

impl Postgres {
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        let connections = Connections::open(url)?;
        let stats = Arc::default();
        let writer = Writer::start(&connections, &stats);
        Ok(Self { lookups: Lookups::start(&connections), connections, writer, stats })
    }

    pub(super) async fn read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        again(|until| async move {
            let client = in_time(until, self.connections.take()).await?;
            let answer = in_time(until, ask(&client, sql, args)).await;
            self.connections.put_back(client, &answer);
            answer
        })
        .await
    }

    /// The same of one row by its key, together with what others look up.
    pub(super) async fn look_up(&self, sql: &'static Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        match again(|_| self.lookups.ask(sql, args.to_vec())).await {
            // There are many of them, or somebody holds a lock: by itself it keeps nobody else waiting.
            Err(StoreError::Busy) => self.read(sql, args).await,
            answer => answer,
        }
    }

    pub(super) async fn write(&self, batch: Batch) -> Result<Written, StoreError> {
        self.writer.write(batch).await
    }

    pub(super) async fn prepare(&self, sql: &Sql, expect: Expect) -> Result<usize, StoreError> {
        let client = self.connections.take().await?;
        let prepared = prepare(&client, sql, expect).await?;
        match prepared.columns().iter().find(|column| expect != Expect::One && !is_readable(column.type_())) {
            None => Ok(prepared.params().len()),
            Some(column) => {
                Err(StoreError::Internal(format!("{}: column {} cannot be read", sql.name, column.name())))
            }
        }
    }

    pub(super) async fn script(&self, text: &str) -> Result<(), StoreError> {
        let mut client = self.connections.take().await?;
        let run = async {
            let transaction = client.transaction().await?;
            transaction.batch_execute(&DIALECT.render(text)).await?;
            transaction.commit().await
        };
        run.await.map_err(|error| store_error("script", &error))
    }

    pub(super) fn levels(&self) -> Levels {
        let queued = self.writer.queued() + self.lookups.queued();
        Levels { queued, ..self.connections.levels() }
    }

    pub(super) async fn close(&self) {
        self.writer.stop().await;
        self.connections.close();
    }
}

/// A connection may have died since it was last used; a read can be asked again on another.
async fn again<T, F: Future<Output = Result<T, StoreError>>>(
    ask: impl Fn(Instant) -> F,
) -> Result<T, StoreError> {
    let until = Instant::now() + ANSWER;
    match ask(until).await {
        Err(StoreError::Unavailable(_)) if Instant::now() < until => ask(until).await,
        answer => answer,
    }
}

async fn ask(client: &ClientWrapper, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
    let prepared = prepare(client, sql, Expect::Any).await?;
    let args = bind(sql, &prepared, args)?;
    let rows = client.query(&prepared, &by_reference(&args)).await;
    let rows = rows.map_err(|error| store_error(sql.name, &error))?;
    rows.iter().map(|row| from_postgres(sql, row)).collect()
}

/// A server that hangs, or a network that swallows packets, must not hold its callers: they are told, and may try again.
async fn in_time<T>(
    until: Instant,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout_at(until, asked).await.unwrap_or_else(|_| Err(late(ANSWER)))
}

fn late(patience: Duration) -> StoreError {
    StoreError::Unavailable(format!("no answer within {} s", patience.as_secs()))
}

/// A guard becomes a query that divides by zero unless exactly one row was affected.
async fn prepare(
    client: &ClientWrapper,
    sql: &Sql,
    expect: Expect,
) -> Result<tokio_postgres::Statement, StoreError> {
    prepare_text(client, sql, expecting(sql.text, expect, "1")).await
}

/// The same of many rows, whose number follows the arguments of the statement.
async fn prepare_bulk(
    client: &ClientWrapper,
    bulk: &Bulk,
    expect: Expect,
    args: usize,
) -> Result<tokio_postgres::Statement, StoreError> {
    let wanted = format!("${}", args + 1);
    prepare_text(client, bulk.one, expecting(bulk.many, expect, &wanted)).await
}

async fn prepare_text(
    client: &ClientWrapper,
    sql: &Sql,
    text: Cow<'_, str>,
) -> Result<tokio_postgres::Statement, StoreError> {
    client.prepare_cached(&text).await.map_err(|error| store_error(sql.name, &error))
}

fn expecting<'t>(text: &'t str, expect: Expect, rows: &str) -> Cow<'t, str> {
    let ending = match expect {
        Expect::Any => return Cow::Borrowed(text),
        Expect::One => "RETURNING 1",
        Expect::Held => "FOR NO KEY UPDATE",
    };
    Cow::Owned(format!("WITH guarded AS ({text} {ending}) SELECT 1 / (count(*) = {rows})::int FROM guarded"))
}
