//! Moves the write-ahead log into the file, off the commit path.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::{SqliteOptions, spawn};
use crate::StoreError;

const EVERY: Duration = Duration::from_millis(250);

/// Under endless load a passive checkpoint never lets the log start over; above this size a blocking one does.
const LOG_CAP: u64 = 64 << 20;

/// How long a blocking one waits for readers, since writers wait for it. Only a reader with a long view, such as a backup,
/// takes longer; then the log grows by another cap before the next try.
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) struct Checkpointer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Starts the thread. `written` is set by the writer after each commit and cleared here.
    pub(super) fn start(
        path: &Path,
        connection: Connection,
        written: Arc<AtomicBool>,
    ) -> Result<Self, StoreError> {
        let log = log_of(path);
        let (stop, stopped) = channel();
        let thread = spawn("store-checkpoint", move || run(&connection, &log, &written, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Checkpoints everything and ends the thread.
    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the store's checkpointer ended by a panic");
        }
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn run(connection: &Connection, log: &Path, written: &AtomicBool, stopped: &Receiver<()>) {
    let mut cap = LOG_CAP;
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        if written.swap(false, Ordering::Relaxed) {
            let size = fs::metadata(log).map_or(0, |found| found.len());
            cap = match size > cap {
                true if restart(connection) => LOG_CAP,
                true => size + LOG_CAP,
                // All of it is moved: nobody has a long view any more.
                false if checkpoint(connection, "PASSIVE") => LOG_CAP,
                false => cap,
            };
        }
    }
    checkpoint(connection, "TRUNCATE");
}

/// Whether the log starts over.
fn restart(connection: &Connection) -> bool {
    let waits = |time| {
        if let Err(error) = connection.busy_timeout(time) {
            tracing::warn!(%error, "checkpointer");
        }
    };
    waits(PATIENCE);
    let done = checkpoint(connection, "TRUNCATE");
    waits(SqliteOptions::default().patience);
    done
}

/// Whether all of the log was moved.
fn checkpoint(connection: &Connection, mode: &str) -> bool {
    let pragma = format!("PRAGMA wal_checkpoint({mode})");
    let done = connection.query_row(&pragma, [], |row| {
        Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)? == row.get::<_, i64>(2)?))
    });
    match done {
        Ok((false, whole)) => return whole,
        // A reader was in the way, or the writer; the next turn continues.
        Ok((true, _)) => tracing::debug!(mode, "checkpoint incomplete"),
        Err(error) => tracing::warn!(mode, %error, "checkpoint failed"),
    }
    false
}
