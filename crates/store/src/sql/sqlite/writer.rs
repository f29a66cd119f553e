//! The only thread that writes.
//!
//! It takes what has queued up, at most [`GROUP`] batches, and commits them together: the cost of making a commit
//! durable is shared, and the group grows by itself with the load. A batch that fails or is refused undoes only itself: nearly
//! always it has changed nothing by then, and otherwise its group runs again, each batch in a savepoint. Nobody is answered
//! before the commit is on disk.

use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
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

/// No group begins sooner after the one before: a quick disk would make groups of one, which take the processor from those who make
/// the next. A slow one has larger groups by itself, and whoever writes now and then never waits.
const PACE: Duration = Duration::from_millis(1);

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
    let mut last = None::<Instant>;
    while let Some(first) = queue.blocking_recv() {
        thread::sleep(last.map_or(Duration::ZERO, |last| PACE.saturating_sub(last.elapsed())));
        last = Some(Instant::now());
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
    let outcomes = match batches.iter().map(|batch| leaving_nothing(connection, batch)).collect() {
        Ok(outcomes) => outcomes,
        Err(Undo::Everything(error)) => return Err(error),
        Err(Undo::OneBatch) => {
            control(connection, "ROLLBACK")?;
            control(connection, "BEGIN IMMEDIATE")?;
            batches.iter().map(|batch| in_savepoint(connection, batch)).collect::<Result<_, _>>()?
        }
    };
    control(connection, "COMMIT")?;
    Ok(outcomes)
}

/// What has to be undone.
enum Undo {
    /// All of it. Some errors (disk full, I/O) make SQLite do so by itself: then everybody's batch has failed.
    Everything(StoreError),
    /// What a batch did before it was refused.
    OneBatch,
}

/// Runs a batch that stands, or is refused before it changes a row.
fn leaving_nothing(connection: &Connection, batch: &Batch) -> Result<Outcome, Undo> {
    let before = connection.total_changes();
    match apply(connection, batch) {
        Err(error) if connection.is_autocommit() => Err(Undo::Everything(error)),
        outcome if outcome == Ok(Written::Done) || connection.total_changes() == before => Ok(outcome),
        _ => Err(Undo::OneBatch),
    }
}

/// Runs a batch whatever becomes of it.
fn in_savepoint(connection: &Connection, batch: &Batch) -> Result<Outcome, StoreError> {
    control(connection, "SAVEPOINT batch")?;
    let outcome = apply(connection, batch);
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

    const LATE_GUARD: Sql = Sql { name: "late_guard", text: "UPDATE t SET a = a WHERE a = $1" };

    #[test]
    fn a_batch_undoes_what_it_did_and_nothing_else() {
        let connection = table();
        let outcomes = transact(
            &connection,
            &[
                Batch::new().then(&INSERT, args![1]),
                Batch::new().guard(&LATE_GUARD, args![9]),
                Batch::new().then(&INSERT, args![2]).guard(&LATE_GUARD, args![9]),
                Batch::new().then(&INSERT, args![3]).then(&INSERT, args![1]),
                Batch::new().guard(&LATE_GUARD, args![1]).then(&INSERT, args![4]),
            ],
        );
        let outcomes = outcomes.unwrap();
        let refused = |statement| Ok(Written::Refused { statement });
        assert_eq!(outcomes[..3], [Ok(Written::Done), refused(0), refused(1)]);
        assert!(matches!(outcomes[3], Err(StoreError::Conflict { .. })), "{:?}", outcomes[3]);
        assert_eq!(outcomes[4], Ok(Written::Done));
        let mut all = connection.prepare("SELECT a FROM t ORDER BY a").unwrap();
        let all: Vec<i64> = all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(all, [1, 4]);
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
