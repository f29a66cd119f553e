//! An import from its first line to its report.

use std::{
    fmt,
    future::Future,
    io::BufRead,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde::{Deserialize, Serialize};
use signet_protocol::{said::Said, says};
use signet_store::audit::Origin;
use tokio::task::JoinHandle;

use super::{
    CHUNK_BYTES, CHUNK_USERS, FileError, Format, LINES_TOLD, LineProblem, Mode, Outcome, Reader, Record,
    USERS_PER_FILE, chunk, seen::Seen,
};
use crate::Signet;

/// Where chunks are written.
pub trait Sink: Sync {
    /// Takes in some users; the error is what stopped it, in words.
    fn take(&self, records: Vec<Record>, mode: Mode) -> impl Future<Output = Result<Outcome, Said>> + Send;
}

/// Into the store of this process, as an act of somebody.
pub struct Here(pub Arc<Signet>, pub Origin);

impl Sink for Here {
    async fn take(&self, records: Vec<Record>, mode: Mode) -> Result<Outcome, Said> {
        let Here(signet, origin) = self;
        chunk::run(signet, records, mode, origin).await.map_err(|error| Said::from(&error))
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The last line that was taken in.
    pub line: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// Users that are new.
    pub created: usize,
    /// Users that were changed.
    pub updated: usize,
    /// Users who were as the file says.
    pub unchanged: usize,
    /// Lines that were left out.
    pub refused: usize,
}

/// What an import came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The numbers.
    pub progress: Progress,
    /// How it was asked for.
    #[serde(skip)]
    pub mode: Mode,
    /// The first problems, by line; [`Progress::refused`] counts the lines of all.
    pub problems: Vec<LineProblem>,
    /// Problems that are not among them.
    pub untold: usize,
}

/// Why an import ended before its file did. What was taken in before stays.
#[derive(Debug)]
pub enum ImportError {
    /// The file.
    File(FileError),
    /// A chunk could not be written.
    Stopped {
        /// The last line that is done.
        line: usize,
        /// What was done before.
        report: Box<Report>,
        /// What stopped it.
        reason: Said,
    },
    /// The file has more users than an import takes.
    TooMany(usize),
}

says!(ImportError {
    ImportError::File(error) => "{error}", "{error}", error;
    ImportError::Stopped { line, reason, .. } =>
        "line {line} and those before are done; the next could not be imported: {reason}",
        "第 {line} 行及之前的已导入；下一行无法导入：{reason}", reason;
    ImportError::TooMany(line) =>
        "a file may have at most {USERS_PER_FILE} users; those up to line {line} are done; import the rest as another file",
        "一个文件最多有 {USERS_PER_FILE} 个用户；第 {line} 行及之前的已导入；其余请作为另一个文件导入";
});

impl From<FileError> for ImportError {
    fn from(error: FileError) -> ImportError {
        ImportError::File(error)
    }
}

/// An import that is about to begin.
pub struct Import<R> {
    reader: Reader<R>,
    mode: Mode,
    from: usize,
}

impl<R: BufRead> Import<R> {
    /// Of a file.
    pub fn new(source: R, format: Format, mode: Mode) -> Result<Import<R>, FileError> {
        Ok(Import { reader: Reader::new(source, format)?, mode, from: 0 })
    }

    /// Passes over the lines before `line`: what an import that was stopped has done.
    #[must_use]
    pub fn from_line(self, line: usize) -> Import<R> {
        Import { from: line, ..self }
    }

    /// Takes the file in, and says after each chunk how far it is.
    pub async fn run(
        mut self,
        sink: &impl Sink,
        mut told: impl FnMut(Progress),
    ) -> Result<Report, ImportError> {
        let mut report = Report { mode: self.mode, ..Report::default() };
        let (mut seen, mut users) = (Seen::default(), 0);
        loop {
            let (records, wrong, more) = self.read_chunk(&mut seen)?;
            users += records.len();
            if users > USERS_PER_FILE {
                return Err(ImportError::TooMany(report.progress.line));
            }
            let refused = wrong.len();
            let mut outcome = Outcome::default();
            if !records.is_empty() {
                outcome = match sink.take(records, self.mode).await {
                    Ok(outcome) => outcome,
                    Err(reason) => {
                        let line = report.progress.line;
                        return Err(ImportError::Stopped { line, report: Box::new(report), reason });
                    }
                };
            }
            outcome.add(Outcome { refused, problems: wrong, ..Outcome::default() });
            report.take(outcome, (self.reader.line(), self.reader.bytes()));
            told(report.progress);
            if !more {
                return Ok(report);
            }
        }
    }

    /// The next users, what is wrong with lines among them, and whether there is more.
    fn read_chunk(&mut self, seen: &mut Seen) -> Result<(Vec<Record>, Vec<LineProblem>, bool), FileError> {
        let (mut records, mut wrong) = (Vec::new(), Vec::new());
        let begun = self.reader.bytes();
        while records.len() + wrong.len() < CHUNK_USERS {
            let read = self.reader.bytes().saturating_sub(begun);
            if usize::try_from(read).is_ok_and(|read| read >= CHUNK_BYTES) {
                break;
            }
            match self.reader.read()? {
                None => return Ok((records, wrong, false)),
                Some(Err(problem)) if problem.line >= self.from => wrong.push(problem),
                Some(Ok(record)) => match seen.note(&record) {
                    _ if record.line < self.from => {}
                    Ok(()) => records.push(record),
                    Err(problem) => wrong.push(problem),
                },
                Some(Err(_)) => {}
            }
        }
        Ok((records, wrong, true))
    }
}

impl Report {
    fn take(&mut self, outcome: Outcome, (line, bytes): (usize, u64)) {
        let progress = &mut self.progress;
        (progress.line, progress.bytes) = (line, bytes);
        progress.created += outcome.created;
        progress.updated += outcome.updated;
        progress.unchanged += outcome.unchanged;
        progress.refused += outcome.refused;
        let mut problems = outcome.problems;
        problems.sort_by_key(|problem| problem.line);
        let room = LINES_TOLD.saturating_sub(self.problems.len());
        self.untold += problems.len().saturating_sub(room);
        self.problems.extend(problems.into_iter().take(room));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { created, updated, unchanged, refused, .. } = self.progress;
        if self.mode.dry_run {
            write!(
                f,
                "{created} to create, {updated} to change, {unchanged} unchanged, {refused} wrong; nothing was written"
            )
        } else {
            write!(f, "{created} created, {updated} changed, {unchanged} unchanged, {refused} left out")
        }
    }
}

/// An import that runs by itself, for a page that shows how far it is.
pub struct ImportJob {
    progress: Arc<Mutex<Progress>>,
    outcome: Arc<OnceLock<Result<Report, ImportError>>>,
    task: JoinHandle<()>,
}

impl ImportJob {
    /// Starts it.
    pub fn start<R: BufRead + Send + 'static>(here: Here, import: Import<R>) -> ImportJob {
        let progress = Arc::new(Mutex::new(Progress::default()));
        let outcome = Arc::<OnceLock<_>>::default();
        let (told, kept) = (Arc::clone(&progress), Arc::clone(&outcome));
        let task = tokio::spawn(async move {
            let tell = |now| *told.lock().unwrap_or_else(PoisonError::into_inner) = now;
            // A task comes to one end.
            let _ = kept.set(import.run(&here, tell).await);
        });
        ImportJob { progress, outcome, task }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops it after what is being written; what was written stays.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// What it came to; `None` while it runs, and when it was stopped.
    pub fn outcome(&self) -> Option<&Result<Report, ImportError>> {
        self.outcome.get()
    }

    /// What it came to; `None` when it was stopped.
    pub async fn finish(self) -> Option<Result<Report, ImportError>> {
        self.task.await.ok()?;
        Arc::into_inner(self.outcome)?.into_inner()
    }
}
