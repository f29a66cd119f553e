//! Where an operator leaves a file of users: it is looked through, and then taken in or taken away again.

use std::{
    io::Cursor,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use signet_protocol::time::Timestamp;
use signet_store::audit::Origin;

use super::{FileError, Format, Here, Import, ImportJob, Mode, elsewhere};
use crate::Signet;

/// How long a file is kept that nobody takes in. It may hold passwords.
const KEPT: Duration = Duration::from_secs(3600);

/// A file.
#[derive(Clone)]
pub struct File {
    /// What it is called where it comes from.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
    /// How it is written.
    pub format: Format,
}

/// What lies on the desk.
pub struct Desk {
    /// What its file is called.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// How it is taken in now, or was.
    pub mode: Mode,
    /// Since when.
    pub begun_at: Timestamp,
    /// How far that is.
    pub job: ImportJob,
    /// The file itself, while it was only looked through.
    file: Option<File>,
}

impl Desk {
    /// Whether it can be taken in: it was looked through to its end.
    pub fn is_ready(&self) -> bool {
        self.file.is_some() && self.mode.dry_run && matches!(self.job.outcome(), Some(Ok(_)))
    }
}

/// The one desk of this node: one file at a time, so that an import is as large as one may be and no larger. What lies on it is
/// in memory; a node that ends leaves what it had taken in, line by line, and forgets the rest.
#[derive(Default)]
pub struct Imports(Mutex<Option<Arc<Desk>>>);

/// Why a file was not taken.
#[derive(Debug)]
pub enum DeskError {
    /// Another file is being taken in.
    Occupied,
    /// It is no file of users.
    File(FileError),
}

impl From<FileError> for DeskError {
    fn from(error: FileError) -> DeskError {
        DeskError::File(error)
    }
}

impl Imports {
    /// What lies there.
    pub fn desk(&self) -> Option<Arc<Desk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to look through a file, in the place of one that is done with.
    pub fn look(
        &self,
        signet: &Arc<Signet>,
        file: File,
        mode: Mode,
        origin: Origin,
    ) -> Result<(), DeskError> {
        let mode = Mode { dry_run: true, ..mode };
        self.begin(signet, file, mode, origin)?;
        let (signet, begun) = (Arc::downgrade(signet), self.desk());
        drop(tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            if let (Some(signet), Some(begun)) = (signet.upgrade(), begun) {
                signet.imports().clear(&signet, &begun);
            }
        }));
        Ok(())
    }

    /// Takes in the file that was looked through; `false` when there is none that could be.
    pub fn take_in(&self, signet: &Arc<Signet>, origin: Origin) -> Result<bool, DeskError> {
        let Some(desk) = self.desk().filter(|desk| desk.is_ready()) else { return Ok(false) };
        let Some(file) = desk.file.clone() else { return Ok(false) };
        self.begin(signet, file, Mode { dry_run: false, ..desk.mode }, origin).map(|()| true)
    }

    fn begin(&self, signet: &Arc<Signet>, file: File, mode: Mode, origin: Origin) -> Result<(), DeskError> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.as_ref().is_some_and(|desk| !desk.job.is_finished()) {
            return Err(DeskError::Occupied);
        }
        let import = Import::new(Cursor::new(file.bytes.clone()), file.format, mode)?;
        let desk = Arc::new(Desk {
            name: file.name.clone(),
            size: file.bytes.len() as u64,
            mode,
            begun_at: signet.now().timestamp(),
            job: ImportJob::start(Here(Arc::clone(signet), origin), import),
            file: mode.dry_run.then_some(file),
        });
        *place = Some(Arc::clone(&desk));
        elsewhere::keep_telling(signet, desk);
        Ok(())
    }

    /// Stops what runs, and clears the desk of what does not.
    pub fn put_away(&self, signet: &Arc<Signet>) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match place.as_ref() {
            Some(desk) if !desk.job.is_finished() => desk.job.stop(),
            Some(_) => {
                *place = None;
                elsewhere::tell_cleared(signet);
            }
            None => {}
        }
    }

    fn clear(&self, signet: &Arc<Signet>, begun: &Arc<Desk>) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.as_ref().is_some_and(|desk| Arc::ptr_eq(desk, begun) && desk.job.is_finished()) {
            *place = None;
            elsewhere::tell_cleared(signet);
        }
    }
}
