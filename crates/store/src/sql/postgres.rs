//! The engine for several nodes: a pool of connections, one pipelined round trip for a group of batches.

pub(super) mod copy;
mod errors;
mod tls;
mod values;
mod writer;

use std::{borrow::Cow, future::Future, sync::Arc, time::Duration};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio::time::Instant;

use self::{
    errors::store_error,
    values::{bind, by_reference, from_postgres, is_readable},
    writer::Writer,
};
use super::{Batch, Expect, Row, Sql, Value, Written, migrate::Dialect};
use crate::{
    StoreError,
    stats::{Levels, Stats},
};

const DIALECT: Dialect = Dialect { bytes: "BYTEA", bool: "BOOLEAN", int: "BIGINT", clustered: "" };

const CONNECTIONS: usize = 16;
const WAIT: Duration = Duration::from_secs(5);

/// How long the server may take to answer a statement or a batch.
const ANSWER: Duration = Duration::from_secs(10);

/// How long one of several hosts may take to accept a connection, so that there is time left for the next.
const CONNECT: Duration = Duration::from_secs(2);

/// Said on every new connection: whoever waits for a row gives up before its caller does, so that nothing is done after the
/// caller was told to try again. And every statement goes by an index: a plan that was made while a table had few rows would read all
/// of it for as long as the connection lives, however many there are by then. (A table without an index to go by is read anyway, at
/// a price at which older servers would compile the plan.)
const SETTINGS: &str = "SET lock_timeout = '9s'; SET enable_seqscan = off; SET jit = off";

/// A pool of connections to one server, and what writes through it.
pub struct Postgres {
    pool: Pool,
    writer: Writer,
    pub(super) stats: Arc<Stats>,
}

impl Postgres {
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        let (mut config, tls) = tls::read(url)?;
        if config.get_application_name().is_none() {
            config.application_name("signet");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, tls, recycling))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        let stats = Arc::default();
        let writer = Writer::start(&pool, &stats);
        Ok(Self { pool, writer, stats })
    }

    /// A connection may have died since it was put back; a read can be asked again on another.
    pub(super) async fn read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        let until = Instant::now() + ANSWER;
        match self.try_read(sql, args, until).await {
            Err(StoreError::Unavailable(_)) if Instant::now() < until => {
                self.try_read(sql, args, until).await
            }
            answer => answer,
        }
    }

    async fn try_read(&self, sql: &Sql, args: &[Value], until: Instant) -> Result<Vec<Row>, StoreError> {
        let client = in_time(until, connection(&self.pool)).await?;
        let asked = async {
            let prepared = prepare(&client, sql, Expect::Any).await?;
            let args = bind(sql, &prepared, args)?;
            let rows = client.query(&prepared, &by_reference(&args)).await;
            let rows = rows.map_err(|error| store_error(sql.name, &error))?;
            rows.iter().map(|row| from_postgres(sql, row)).collect()
        };
        let answer = in_time(until, asked).await;
        put_back(client, &answer);
        answer
    }

    pub(super) async fn write(&self, batch: Batch) -> Result<Written, StoreError> {
        self.writer.write(batch).await
    }

    pub(super) async fn prepare(&self, sql: &Sql, expect: Expect) -> Result<usize, StoreError> {
        let client = connection(&self.pool).await?;
        let prepared = prepare(&client, sql, expect).await?;
        match prepared.columns().iter().find(|column| expect != Expect::One && !is_readable(column.type_())) {
            None => Ok(prepared.params().len()),
            Some(column) => {
                Err(StoreError::Internal(format!("{}: column {} cannot be read", sql.name, column.name())))
            }
        }
    }

    pub(super) async fn script(&self, text: &str) -> Result<(), StoreError> {
        let mut client = connection(&self.pool).await?;
        let run = async {
            let transaction = client.transaction().await?;
            transaction.batch_execute(&DIALECT.render(text)).await?;
            transaction.commit().await
        };
        run.await.map_err(|error| store_error("script", &error))
    }

    pub(super) fn levels(&self) -> Levels {
        let pool = self.pool.status();
        Levels {
            connections: pool.size,
            connections_in_use: pool.size.saturating_sub(pool.available),
            waiting: pool.waiting,
            queued: self.writer.queued(),
        }
    }

    pub(super) async fn close(&self) {
        self.writer.stop().await;
        self.pool.close();
    }
}

async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy,
        PoolError::Timeout(_) => late(WAIT),
        // A server that lets nobody in is away, whatever its reason.
        PoolError::Backend(error) => match store_error("connection", &error) {
            StoreError::Internal(reason) => StoreError::Unavailable(reason),
            error => error,
        },
        error => StoreError::Unavailable(error.to_string()),
    })
}

/// Puts a connection back, unless it failed: one whose answers are still to come would keep its next user waiting, and one to
/// a server that became a standby would refuse every write. The others have most likely met the same.
fn put_back<T>(client: Object, answer: &Result<T, StoreError>) {
    if let Err(StoreError::Unavailable(_)) = answer {
        if let Some(pool) = Object::pool(&client) {
            pool.retain(|_, _| false);
        }
        drop(Object::take(client));
    }
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
    client: &Object,
    sql: &Sql,
    expect: Expect,
) -> Result<tokio_postgres::Statement, StoreError> {
    let text = match expect {
        Expect::Any => Cow::Borrowed(sql.text),
        Expect::One => Cow::Owned(guarded(sql, "RETURNING 1")),
        Expect::Held => Cow::Owned(guarded(sql, "FOR NO KEY UPDATE")),
    };
    client.prepare_cached(&text).await.map_err(|error| store_error(sql.name, &error))
}

fn guarded(sql: &Sql, ending: &str) -> String {
    format!("WITH guarded AS ({} {ending}) SELECT 1 / (count(*) = 1)::int FROM guarded", sql.text)
}
