//! The only thread that writes.
//!
//! It takes what has queued up, at most [`GROUP`] batches, and commits them together: the cost of making a commit
//! durable is shared, and the group grows by itself with the load. Each batch runs in a savepoint, so one that fails
//! or is refused undoes only itself. Nobody is answered before the commit is on disk.

use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{errors::store_error, execute, query};
use crate::{
    StoreError,
    sql::{Batch, Expect, Written},
    stats::Stats,
};

/// Beyond this a larger group gains nothing and only delays those in it.
const GROUP: usize = 128;

pub(super) enum Message {
    Write(Job),
    /// Take no more; what is queued is still done.
    Stop,
}

pub(super) struct Job {
    pub batch: Batch,
    pub reply: oneshot::Sender<Outcome>,
}

type Outcome = Result<Written, StoreError>;

/// Serves the queue until it is closed and empty. `written` tells the checkpointer that there is something to do.
pub(super) fn run(
    connection: &Connection,
    mut queue: mpsc::Receiver<Message>,
    written: &AtomicBool,
    stats: &Stats,
) {
    while let Some(first) = queue.blocking_recv() {
        let more = iter::from_fn(|| queue.try_recv().ok());
        let (mut group, mut stop) = (Vec::new(), false);
        for message in iter::once(first).chain(more).take(GROUP) {
            match message {
                Message::Write(job) => group.push(job),
                Message::Stop => stop = true,
            }
        }
        if stop {
            queue.close();
        }
        surviving(connection, || commit(connection, group, stats));
        written.store(true, Ordering::Relaxed);
    }
}

/// A panic costs the group that met it, not the store: its transaction is undone, its callers find their reply
/// dropped, and the next group starts clean.
fn surviving(connection: &Connection, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("panic while writing; the group of batches was undone");
        undo(connection);
    }
}

/// Commits the group and answers everyone in it.
fn commit(connection: &Connection, group: Vec<Job>, stats: &Stats) {
    let since = Instant::now();
    let (batches, replies): (Vec<_>, Vec<_>) = group.into_iter().map(|job| (job.batch, job.reply)).unzip();
    let outcomes = transact(connection, &batches).unwrap_or_else(|error| {
        tracing::error!(%error, batches = batches.len(), "a group of batches could not be committed");
        undo(connection);
        vec![Err(error); batches.len()]
    });
    stats.group.had(batches.len());
    stats.commit.took(since.elapsed());
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        // Whoever asked may have gone away; what was written stays written.
        let _gone = reply.send(outcome);
    }
}

/// Runs all batches in one transaction. An error here is everyone's; the batches' own are in the list.
fn transact(connection: &Connection, batches: &[Batch]) -> Result<Vec<Outcome>, StoreError> {
    control(connection, "BEGIN IMMEDIATE")?;
    let outcomes = batches.iter().map(|batch| in_savepoint(connection, batch)).collect::<Result<_, _>>()?;
    control(connection, "COMMIT")?;
    Ok(outcomes)
}

fn in_savepoint(connection: &Connection, batch: &Batch) -> Result<Outcome, StoreError> {
    control(connection, "SAVEPOINT batch")?;
    let outcome = apply(connection, batch);
    // Some errors (disk full, I/O) make SQLite undo the whole transaction by itself: then all have failed.
    if let (Err(error), true) = (&outcome, connection.is_autocommit()) {
        return Err(error.clone());
    }
    if outcome != Ok(Written::Done) {
        control(connection, "ROLLBACK TO batch")?;
    }
    control(connection, "RELEASE batch")?;
    Ok(outcome)
}

fn apply(connection: &Connection, batch: &Batch) -> Outcome {
    for (index, statement) in batch.0.iter().enumerate() {
        let touched = match statement.expect {
            Expect::Any | Expect::One => execute(connection, statement.sql, &statement.args)?,
            // Nobody else writes while this thread does.
            Expect::Held => query(connection, statement.sql, &statement.args)?.len(),
        };
        if statement.expect != Expect::Any && touched != 1 {
            return Ok(Written::Refused { statement: index });
        }
    }
    Ok(Written::Done)
}

fn control(connection: &Connection, text: &'static str) -> Result<(), StoreError> {
    let done = connection.prepare_cached(text).and_then(|mut statement| statement.execute([]));
    done.map(drop).map_err(|error| store_error(text, &error))
}

fn undo(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = control(connection, "ROLLBACK")
    {
        tracing::error!(%error, "could not undo a transaction");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args, sql::Sql};

    const INSERT: Sql = Sql { name: "insert", text: "INSERT INTO t (a) VALUES ($1)" };

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY)").unwrap();
        connection
    }

    fn job(value: i64) -> (Job, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        (Job { batch: Batch::new().then(&INSERT, args![value]), reply }, outcome)
    }

    #[test]
    fn after_a_panic_nothing_remains_and_the_next_group_is_written() {
        let connection = table();
        let (lost, mut no_answer) = job(1);
        surviving(&connection, || {
            let lost = lost;
            control(&connection, "BEGIN IMMEDIATE").unwrap();
            assert_eq!(apply(&connection, &lost.batch), Ok(Written::Done));
            panic!("as asked");
        });
        assert!(no_answer.try_recv().is_err());
        let (next, mut answer) = job(1);
        surviving(&connection, || commit(&connection, vec![next], &Stats::default()));
        assert_eq!(answer.try_recv().unwrap(), Ok(Written::Done));
    }

    #[test]
    fn a_commit_that_fails_is_an_error_for_everyone() {
        let mut connection = table();
        connection.commit_hook(Some(|| true)).unwrap();
        let (jobs, answers): (Vec<_>, Vec<_>) = [job(1), job(2)].into_iter().unzip();
        commit(&connection, jobs, &Stats::default());
        for mut answer in answers {
            assert!(answer.try_recv().unwrap().is_err());
        }
        connection.commit_hook(None::<fn() -> bool>).unwrap();
        let (next, mut answer) = job(1);
        commit(&connection, vec![next], &Stats::default());
        assert_eq!(answer.try_recv().unwrap(), Ok(Written::Done));
    }
}
