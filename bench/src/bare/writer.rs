//! One durable write for each answer, those that wait together in one transaction.

use std::thread;

use rusqlite::Connection;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
};
use tokio_postgres::{Client, NoTls};

use crate::Failure;

/// Rows that are written to.
const ROWS: i64 = 100_000;
/// Writes of one transaction at most, and what may wait for one.
const BATCH: usize = 128;
const QUEUE: usize = 1024;

const TABLE: &str = "CREATE TABLE bare (id BIGINT PRIMARY KEY, generation BIGINT NOT NULL)";

/// Somebody who waits until the row of this number is written.
type Write = (i64, oneshot::Sender<()>);

/// The one that writes.
pub struct Writer(mpsc::Sender<oneshot::Sender<()>>);

impl Writer {
    /// Makes the rows, in a new file or in an empty database of a server.
    pub fn open(database: &str) -> Result<Writer, Failure> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut queue = Queue { receiver, count: 0 };
        if database.starts_with("postgres") {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let client = runtime.block_on(prepare_server(database))?;
            thread::spawn(move || to_server(&runtime, &client, &mut queue));
        } else {
            let file = prepare_file(database)?;
            thread::spawn(move || to_file(&file, &mut queue));
        }
        Ok(Writer(sender))
    }

    /// Moves a row on, and returns when that is durable.
    pub async fn write(&self) -> Result<(), Failure> {
        let (done, written) = oneshot::channel();
        self.0.send(done).await?;
        Ok(written.await?)
    }
}

struct Queue {
    receiver: mpsc::Receiver<oneshot::Sender<()>>,
    count: i64,
}

impl Queue {
    /// What waits, each with its row: scattered, as grants are. Empty when nobody will ever write again.
    async fn next(&mut self) -> Vec<Write> {
        let mut waiting = Vec::new();
        self.receiver.recv_many(&mut waiting, BATCH).await;
        let rows = (self.count..).map(|number| number.wrapping_mul(0x9E37_79B9).rem_euclid(ROWS));
        self.count += i64::try_from(waiting.len()).unwrap_or_default();
        rows.zip(waiting).collect()
    }
}

fn tell(written: Vec<Write>) {
    for (_, done) in written {
        // One that has gone away needs no answer.
        let _ = done.send(());
    }
}

fn prepare_file(path: &str) -> Result<Connection, Failure> {
    let file = Connection::open(path)?;
    file.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")?;
    file.execute_batch(TABLE)?;
    file.execute(
        "WITH RECURSIVE each(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM each WHERE id + 1 < ?1)
         INSERT INTO bare SELECT id, 0 FROM each",
        [ROWS],
    )?;
    Ok(file)
}

fn to_file(file: &Connection, queue: &mut Queue) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().build()?;
    loop {
        let writes = runtime.block_on(queue.next());
        if writes.is_empty() {
            return Ok(());
        }
        file.execute_batch("BEGIN IMMEDIATE")?;
        let mut update = file.prepare_cached("UPDATE bare SET generation = generation + 1 WHERE id = ?1")?;
        for (row, _) in &writes {
            update.execute([row])?;
        }
        file.execute_batch("COMMIT")?;
        tell(writes);
    }
}

async fn prepare_server(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(TABLE).await?;
    client
        .execute("INSERT INTO bare SELECT id, 0 FROM generate_series(0, $1::bigint - 1) id", &[&ROWS])
        .await?;
    Ok(client)
}

fn to_server(runtime: &Runtime, client: &Client, queue: &mut Queue) -> Result<(), Failure> {
    runtime.block_on(async {
        let update =
            "UPDATE bare SET generation = generation + 1 FROM unnest($1::bigint[]) wanted WHERE id = wanted";
        let update = client.prepare(update).await?;
        loop {
            let writes = queue.next().await;
            if writes.is_empty() {
                return Ok(());
            }
            let rows: Vec<i64> = writes.iter().map(|(row, _)| *row).collect();
            client.execute(&update, &[&rows]).await?;
            tell(writes);
        }
    })
}
