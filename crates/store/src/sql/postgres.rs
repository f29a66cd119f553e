//! The engine for several nodes: a pool of connections, one pipelined round trip per batch.

mod errors;
mod values;

use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    hash::{BuildHasher, RandomState},
    iter,
    pin::Pin,
    task::Poll,
    time::Duration,
};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, maybe_done},
};
use tokio_postgres::{Config, Error, NoTls, error::SqlState};

use self::{
    errors::{is_transient, store_error},
    values::{bind, by_reference, from_postgres, is_readable},
};
use super::{Batch, Expect, Row, Sql, Statement, Value, Written, migrate::Dialect};
use crate::StoreError;

const DIALECT: Dialect = Dialect { bytes: "BYTEA", bool: "BOOLEAN", int: "BIGINT", clustered: "" };

const CONNECTIONS: usize = 16;
const WAIT: Duration = Duration::from_secs(5);

/// How long the server may take to answer a statement or a batch.
const ANSWER: Duration = Duration::from_secs(10);

/// How often a batch is tried when the server reports a deadlock or a serialisation failure.
const TRIES: u32 = 5;

/// A pool of connections to one server.
pub struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        // The URL may hold a password: the parser's message is kept, the text is not.
        let mut config: Config = url.parse().map_err(|error: Error| store_error("database URL", &error))?;
        if config.get_application_name().is_none() {
            config.application_name("signet");
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(Self { pool })
    }

    /// A connection may have died since it was put back; a read can be asked again on another.
    pub(super) async fn read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        in_time(async {
            match self.try_read(sql, args).await {
                Err(StoreError::Unavailable(_)) => self.try_read(sql, args).await,
                answer => answer,
            }
        })
        .await
    }

    async fn try_read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        let client = self.connection().await?;
        let prepared = prepare(&client, sql, Expect::Any).await?;
        let args = bind(sql, &prepared, args)?;
        let rows = client
            .query(&prepared, &by_reference(&args))
            .await
            .map_err(|error| store_error(sql.name, &error))?;
        rows.iter().map(|row| from_postgres(sql, row)).collect()
    }

    pub(super) async fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
        for attempt in 1..=TRIES {
            let client = self.connection().await?;
            let tried = in_time(try_write(&client, batch)).await?;
            drop(client);
            match tried {
                Some(written) => return Ok(written),
                None => tokio::time::sleep(pause(attempt)).await,
            }
        }
        Err(StoreError::Busy)
    }

    pub(super) async fn prepare(&self, sql: &Sql, expect: Expect) -> Result<usize, StoreError> {
        let client = self.connection().await?;
        let prepared = prepare(&client, sql, expect).await?;
        match prepared.columns().iter().find(|column| expect == Expect::Any && !is_readable(column.type_())) {
            None => Ok(prepared.params().len()),
            Some(column) => {
                Err(StoreError::Internal(format!("{}: column {} cannot be read", sql.name, column.name())))
            }
        }
    }

    pub(super) async fn script(&self, text: &str) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let run = async {
            let transaction = client.transaction().await?;
            transaction.batch_execute(&DIALECT.render(text)).await?;
            transaction.commit().await
        };
        run.await.map_err(|error| store_error("script", &error))
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy,
            PoolError::Backend(error) => store_error("connection", &error),
            error => StoreError::Unavailable(error.to_string()),
        })
    }
}

/// A server that hangs, or a network that swallows packets, must not hold its callers: they are told, and may try again.
async fn in_time<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::Unavailable(format!("no answer within {} s", ANSWER.as_secs()));
    tokio::time::timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(late()))
}

/// Sends the whole transaction before waiting for any of its answers. Nothing has to be decided in between: a guard
/// that fails aborts the transaction at the server, which then turns the COMMIT into a rollback. Because all of it
/// leaves in one go, a caller that goes away cannot leave half of it behind. `None` asks for another try.
async fn try_write(client: &Object, batch: &Batch) -> Result<Option<Written>, StoreError> {
    let mut prepared = Vec::with_capacity(batch.len());
    for statement in &batch.0 {
        let text = prepare(client, statement.sql, statement.expect).await?;
        let args = bind(statement.sql, &text, &statement.args)?;
        prepared.push((text, args));
    }
    let begin = client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").boxed();
    let statements = prepared.iter().map(|(text, args)| {
        async move { client.query(text, &by_reference(args)).map_ok(drop).await }.boxed()
    });
    let commit = client.batch_execute("COMMIT").boxed();
    let requests = iter::once(begin).chain(statements).chain(iter::once(commit)).collect();
    judge(batch, pipelined(requests).await)
}

/// The first answer that is an error decides; those behind it only say that the transaction has failed.
fn judge(batch: &Batch, answers: Vec<Result<(), Error>>) -> Result<Option<Written>, StoreError> {
    let failed =
        answers.into_iter().enumerate().find_map(|(position, answer)| Some((position, answer.err()?)));
    let Some((position, error)) = failed else { return Ok(Some(Written::Done)) };
    // BEGIN is at position 0, the statements follow it.
    let index = position.checked_sub(1);
    let statement = index.and_then(|index| batch.0.get(index));
    match (index, statement) {
        _ if is_transient(&error) => Ok(None),
        (Some(index), Some(statement)) if refused(statement, &error) => {
            Ok(Some(Written::Refused { statement: index }))
        }
        (_, statement) => {
            Err(store_error(statement.map_or("transaction", |statement| statement.sql.name), &error))
        }
    }
}

fn refused(statement: &Statement, error: &Error) -> bool {
    statement.expect == Expect::One && error.code() == Some(&SqlState::DIVISION_BY_ZERO)
}

/// Waits for all futures, polling them in the order given, so that their requests leave in that order.
async fn pipelined<T>(requests: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut requests: Vec<_> = requests.into_iter().map(maybe_done).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for request in &mut requests {
            waiting |= Pin::new(request).poll(context).is_pending();
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    requests.iter_mut().filter_map(|request| Pin::new(request).take_output()).collect()
}

/// A guard becomes a query that divides by zero unless exactly one row was affected.
async fn prepare(
    client: &Object,
    sql: &Sql,
    expect: Expect,
) -> Result<tokio_postgres::Statement, StoreError> {
    let text = match expect {
        Expect::Any => Cow::Borrowed(sql.text),
        Expect::One => Cow::Owned(format!(
            "WITH guarded AS ({} RETURNING 1) SELECT 1 / (count(*) = 1)::int FROM guarded",
            sql.text
        )),
    };
    client.prepare_cached(&text).await.map_err(|error| store_error(sql.name, &error))
}

/// Some milliseconds, more after each try and never the same for two rivals.
fn pause(attempt: u32) -> Duration {
    let spread = RandomState::new().hash_one(attempt) % 8;
    Duration::from_millis(u64::from(attempt) * (1 + spread))
}
