//! Users from files: CSV with a header, or a JSON object on each line.
//!
//! [`Reader`] turns a file into [`Record`]s, [`Import`] takes them chunk by chunk to a [`Sink`], which has [`chunk::run`] do
//! it, here or through the control socket of another process. A chunk is written as a whole or not at all; lines that are wrong are
//! told and left out. Nothing but one chunk, the keys that were met and the first problems is kept in memory.

pub mod chunk;
mod csv;
mod desk;
mod elsewhere;
mod job;
mod reader;
mod seen;
#[cfg(test)]
pub(super) mod tests;

use serde::{Deserialize, Serialize};

use super::fields::{FieldProblem, Fields};

pub(super) use csv::write as write_row;
pub use desk::{Desk, DeskError, File, Imports};
pub use elsewhere::{Elsewhere, State, elsewhere};
pub use job::{Here, Import, ImportError, ImportJob, Progress, Report, Sink};
pub use reader::{FIELDS, FileError, Format, Reader, typed_field};

/// Users that are written together.
pub const CHUNK_USERS: usize = 500;
/// Bytes of lines that are written together.
const CHUNK_BYTES: usize = 512 * 1024;
/// Bytes of one user in a file.
pub const RECORD_BYTES: usize = 64 * 1024;
/// Columns of a CSV file.
pub const COLUMNS: usize = 300;
/// Users of one file.
pub const USERS_PER_FILE: usize = 1_000_000;
/// Problems that are told of one file; of the others the number is.
pub const LINES_TOLD: usize = 1000;

/// One user of a file. It may hold a password, so it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    /// The line it begins on.
    pub line: usize,
    /// What it says.
    pub fields: Fields,
    /// Whether every value is a text, whose type only the pool knows: CSV.
    pub texts: bool,
}

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineProblem {
    /// The line, counted from one.
    pub line: usize,
    /// What of it.
    #[serde(flatten)]
    pub problem: FieldProblem,
}

impl LineProblem {
    fn new(line: usize, problem: FieldProblem) -> LineProblem {
        LineProblem { line, problem }
    }
}

/// How users are taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// Look at everything and write nothing.
    pub dry_run: bool,
    /// Change those that exist; otherwise each of them is a problem.
    pub update: bool,
}

/// What became of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Users that are new.
    pub created: usize,
    /// Users that were changed.
    pub updated: usize,
    /// Users who were as the file says.
    pub unchanged: usize,
    /// Lines that were left out.
    pub refused: usize,
    /// What is wrong with those.
    pub problems: Vec<LineProblem>,
}
