//! The embedded engine: one thread writes and commits in groups, a second one checkpoints, callers read inline.

mod checkpoint;
pub(super) mod copy;
mod errors;
mod writer;

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{
    CachedStatement, Connection, OpenFlags,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};
use tokio::sync::{mpsc, oneshot};

use self::{
    checkpoint::Checkpointer,
    errors::{store_error, write_error},
    writer::{Job, Message},
};
use super::{Batch, Row, Sql, Value, Written, engine::wrong_arity, migrate::Dialect};
use crate::{
    StoreError,
    stats::{Levels, Stats},
};

const DIALECT: Dialect =
    Dialect { bytes: "BLOB", bool: "INTEGER", int: "INTEGER", clustered: "WITHOUT ROWID, STRICT" };

/// More than there are statements, so that none is ever parsed twice on one connection.
const STATEMENT_CACHE: usize = 512;

/// Readers kept open; more than the threads of any machine we expect to read at one moment.
const READERS: usize = 64;

/// The page cache of a connection that writes, in negative KiB as SQLite has it: all inner pages of tables with ten million rows.
const WRITER_CACHE: i64 = -65_536;
/// That of one that reads, which begins anew with each commit of the writer.
const READER_CACHE: i64 = -2048;

/// The limits of the embedded engine.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// How many batches may wait for the writer; the next one is [`StoreError::Busy`].
    pub queue: usize,
    /// How long to wait for another process that holds the file.
    pub patience: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { queue: 4096, patience: Duration::from_secs(5) }
    }
}

/// An open file with its writer, its checkpointer and its readers.
pub struct Sqlite {
    path: PathBuf,
    options: SqliteOptions,
    queue: mpsc::Sender<Message>,
    readers: Mutex<Vec<Connection>>,
    threads: Mutex<Option<Threads>>,
    pub(super) stats: Arc<Stats>,
}

struct Threads {
    writer: JoinHandle<()>,
    checkpointer: Checkpointer,
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        create_private(path)?;
        let connection = connect(path, options.patience)?;
        let written = Arc::new(AtomicBool::new(false));
        let checkpointer = Checkpointer::start(path, connect(path, options.patience)?, Arc::clone(&written))?;
        let (queue, jobs) = mpsc::channel(options.queue);
        let stats = Arc::<Stats>::default();
        let counted = Arc::clone(&stats);
        let writer = spawn("store-writer", move || writer::run(&connection, jobs, &written, &counted))?;
        let threads = Mutex::new(Some(Threads { writer, checkpointer }));
        Ok(Self { path: path.to_owned(), options, queue, readers: Mutex::default(), threads, stats })
    }

    pub(super) fn read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        let reader = self.reader()?;
        let rows = query(&reader, sql, args);
        self.put_back(reader);
        rows
    }

    pub(super) async fn write(&self, batch: Batch) -> Result<Written, StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.queue.try_send(Message::Write(Job { batch, reply })).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the store is closed".to_owned()),
        })?;
        outcome.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer gave no answer".to_owned())))
    }

    pub(super) fn prepare(&self, sql: &Sql) -> Result<usize, StoreError> {
        let reader = self.reader()?;
        let count = reader.prepare(sql.text).map(|statement| statement.parameter_count());
        self.put_back(reader);
        count.map_err(|error| store_error(sql.name, &error))
    }

    /// Runs beside the writer on a connection of its own: the file's lock keeps them apart.
    pub(super) fn script(&self, text: &str) -> Result<(), StoreError> {
        let connection = connect(&self.path, self.options.patience)?;
        let script = format!("BEGIN IMMEDIATE;\n{}\nCOMMIT;", DIALECT.render(text));
        connection.execute_batch(&script).map_err(|error| write_error(&connection, "script", &error))
    }

    pub(super) async fn close(&self) {
        let Some(threads) = lock(&self.threads).take() else { return };
        let stopped = self.queue.send(Message::Stop).await;
        tracing::debug!(queued = stopped.is_ok(), "closing the store");
        let joined = tokio::task::spawn_blocking(move || {
            let writer = threads.writer.join();
            threads.checkpointer.stop();
            writer
        });
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("the store's writer ended by a panic");
        }
        lock(&self.readers).clear();
    }

    pub(super) fn levels(&self) -> Levels {
        let queued = self.queue.max_capacity().saturating_sub(self.queue.capacity());
        Levels { queued, ..Levels::default() }
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        match lock(&self.readers).pop() {
            Some(reader) => Ok(reader),
            None => connect_reader(&self.path, self.options.patience),
        }
    }

    fn put_back(&self, reader: Connection) {
        let mut readers = lock(&self.readers);
        if readers.len() < READERS {
            readers.push(reader);
        }
    }
}

/// A panic while one of these short locks was held left the list behind it whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| StoreError::Unavailable(format!("{name}: {error}")))
}

/// The file holds password hashes: it is its owner's alone, and SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let created = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    created.map(drop).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))
}

/// A connection that may write. Checkpoints are the checkpointer's alone.
fn connect(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        settle(&connection, patience)?;
        let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        connection
            .execute_batch("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0;")?;
        connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
        Ok((connection, mode))
    };
    match open() {
        Ok((connection, mode)) if mode == "wal" => Ok(connection),
        Ok(_) => Err(StoreError::Unavailable(format!(
            "{}: the file system allows no write-ahead log",
            path.display()
        ))),
        Err(error) => Err(store_error(&path.display().to_string(), &error)),
    }
}

fn connect_reader(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        settle(&connection, patience)?;
        connection.pragma_update(None, "cache_size", READER_CACHE)?;
        Ok(connection)
    };
    open().map_err(|error| store_error(&path.display().to_string(), &error))
}

fn settle(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.busy_timeout(patience)?;
    // Else plans may depend on the values bound, and a statement is parsed again whenever another value is: measured at an
    // eighth of a refresh.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // No memory map: with every commit of the writer each reader would take its whole map down.
    connection.execute_batch("PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;")
}

fn query(connection: &Connection, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
    let fail = |error| store_error(sql.name, &error);
    let mut statement = bound(connection, sql, args)?;
    let columns = statement.column_count();
    let mut cursor = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().map_err(fail)? {
        let values = (0..columns).map(|column| from_sqlite(sql, row.get_ref(column).map_err(fail)?));
        rows.push(Row(values.collect::<Result<_, _>>()?));
    }
    Ok(rows)
}

fn execute(connection: &Connection, sql: &Sql, args: &[Value]) -> Result<usize, StoreError> {
    bound(connection, sql, args)?.raw_execute().map_err(|error| write_error(connection, sql.name, &error))
}

/// To SQLite `$2` is a name like any other, numbered by its first appearance: arguments are bound by that name.
fn bound<'c>(
    connection: &'c Connection,
    sql: &Sql,
    args: &[Value],
) -> Result<CachedStatement<'c>, StoreError> {
    let fail = |error| store_error(sql.name, &error);
    let mut statement = connection.prepare_cached(sql.text).map_err(fail)?;
    let wanted = statement.parameter_count();
    if wanted != args.len() {
        return Err(wrong_arity(sql, wanted, args.len()));
    }
    for index in 1..=wanted {
        let number =
            statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| args.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| wrong_arity(sql, wanted, args.len()))?;
        statement.raw_bind_parameter(index, to_sqlite(value)).map_err(fail)?;
    }
    Ok(statement)
}

fn to_sqlite(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Int(int) => ValueRef::Integer(*int),
        Value::Bool(bool) => ValueRef::Integer(i64::from(*bool)),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

fn from_sqlite(sql: &Sql, value: ValueRef<'_>) -> Result<Value, StoreError> {
    let corrupt = |found: &str| StoreError::corrupt(format!("{}: {found}", sql.name));
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(int) => Ok(Value::Int(int)),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(corrupt("text that is not UTF-8")),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(corrupt("a floating-point column")),
    }
}
