//! Where a command writes a file that is for its owner alone: complete under its name, or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// The file name that stands for standard output.
pub const STANDARD_OUTPUT: &str = "-";

/// A place to write to.
pub enum Output {
    /// Standard output.
    Standard(io::Stdout),
    /// A file that does not have its name yet.
    File { out: BufWriter<File>, unfinished: Unfinished, path: PathBuf },
}

impl Output {
    /// A new file at `path`, or standard output. Refused: a file that exists, unless it may be overwritten.
    pub fn open(path: &Path, overwrite: bool) -> Result<Output, Failure> {
        if path.as_os_str() == STANDARD_OUTPUT {
            return Ok(Output::Standard(io::stdout()));
        }
        refuse_existing(path, overwrite)?;
        let unfinished = Unfinished::beside(path)?;
        let opened = OpenOptions::new().write(true).open(unfinished.path());
        let out = opened.map_err(|error| failed(path, &error))?;
        Ok(Output::File { out: BufWriter::new(out), unfinished, path: path.to_owned() })
    }

    /// Writes some more.
    pub fn write(&mut self, text: &str) -> Result<(), Failure> {
        match self {
            Output::Standard(out) => printed(out.write_all(text.as_bytes())),
            Output::File { out, path, .. } => {
                out.write_all(text.as_bytes()).map_err(|error| failed(path, &error))
            }
        }
    }

    /// All of it is written.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Output::Standard(mut out) => printed(out.flush()),
            Output::File { mut out, unfinished, path } => {
                let kept = out.flush().and_then(|()| out.get_ref().sync_all());
                kept.map_err(|error| failed(&path, &error))?;
                unfinished.become_named(&path)
            }
        }
    }
}

/// A reader that left early, such as `head`, is no failure.
fn printed(done: io::Result<()>) -> Result<(), Failure> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("cannot print", &error)),
        _ => Ok(()),
    }
}

/// Refuses a file that exists, unless it may be overwritten.
pub fn refuse_existing(path: &Path, overwrite: bool) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) if !overwrite => Err(Failure::new(format!("{} exists already", path.display()))
            .help("Choose another name, or overwrite it with --force.")),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("cannot write {}", path.display()), error)
}

/// A file for its owner alone, under a name of its own until all of it is on the disk. Removed if that does not happen.
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// One that will have the name `path`.
    pub fn beside(path: &Path) -> Result<Unfinished, Failure> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name);
        created.map_err(|error| failed(Path::new(&name), &error))?;
        Ok(Unfinished(name.into()))
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its name, durably.
    pub fn become_named(&self, path: &Path) -> Result<(), Failure> {
        let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let named = fs::rename(&self.0, path).and_then(|()| File::open(directory)?.sync_all());
        named.map_err(|error| failed(path, &error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
