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

use super::spawn;
use crate::StoreError;

const EVERY: Duration = Duration::from_millis(250);

/// Under endless load a passive checkpoint never lets the log start over; above this size a blocking one does.
const LOG_CAP: u64 = 64 << 20;

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
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        if written.swap(false, Ordering::Relaxed) {
            checkpoint(connection, mode_for(log));
        }
    }
    checkpoint(connection, "TRUNCATE");
}

fn mode_for(log: &Path) -> &'static str {
    match fs::metadata(log) {
        Ok(found) if found.len() > LOG_CAP => "TRUNCATE",
        _ => "PASSIVE",
    }
}

fn checkpoint(connection: &Connection, mode: &str) {
    let done =
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, bool>(0));
    match done {
        Ok(false) => {}
        // A reader was in the way, or the writer; the next turn continues.
        Ok(true) => tracing::debug!(mode, "checkpoint incomplete"),
        Err(error) => tracing::warn!(mode, %error, "checkpoint failed"),
    }
}
