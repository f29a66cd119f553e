//! Reading a backup, line by line, and never more of it than one line.

use std::{
    io::{BufRead, Read},
    str,
};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Deserialize;

use super::{FORMAT, Header, Mark, Summary, cell::Cell, hex, known, tables};
use crate::{
    StoreError,
    sql::{Table, Value, copy::Error},
};

/// Bytes of a line. A row is far smaller.
const LINE_BYTES: u64 = 64 << 20;

/// A backup that is being read. Each sum is compared when its line is reached.
pub struct Archive<R> {
    source: R,
    line: Vec<u8>,
    number: u64,
    digest: Context,
    header: Header,
    tables: Vec<&'static Table>,
    current: Option<Current>,
    done: usize,
    rows: u64,
    end: Option<Summary>,
}

/// The table whose rows come next.
struct Current {
    table: &'static Table,
    width: usize,
    rows: u64,
}

/// What tells a backup, of any format, from another file.
#[derive(Deserialize)]
struct Format {
    signet_backup: u32,
}

impl<R: BufRead> Archive<R> {
    /// Reads the first line.
    pub fn open(mut source: R) -> Result<Self, Error> {
        let foreign =
            || Error::Damaged { line: 1, what: "this is not a backup made by signet backup".to_owned() };
        let mut line = Vec::new();
        (&mut source).take(LINE_BYTES).read_until(b'\n', &mut line)?;
        let format: Format = serde_json::from_slice(&line).map_err(|_| foreign())?;
        if format.signet_backup != FORMAT {
            return Err(StoreError::Schema("the backup was written by a newer Signet".to_owned()).into());
        }
        let header: Header = serde_json::from_slice(&line).map_err(|_| foreign())?;
        known(&header.schema)?;
        let mut digest = Context::new(&SHA256);
        digest.update(&line);
        let tables = tables(&header).collect();
        Ok(Self {
            source,
            line,
            number: 1,
            digest,
            header,
            tables,
            current: None,
            done: 0,
            rows: 0,
            end: None,
        })
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next table with the columns of its rows; `None` behind the last. The rows of the one before must have been
    /// read.
    pub fn table(&mut self) -> Result<Option<(&'static Table, Vec<String>)>, Error> {
        self.next_line()?;
        match self.mark()? {
            Mark::Table { name, columns } => {
                let table = self.tables.get(self.done).copied().filter(|table| table.name == name);
                let table =
                    table.ok_or_else(|| self.damaged(format!("the table {name} does not belong here")))?;
                self.current = Some(Current { table, width: columns.len(), rows: 0 });
                Ok(Some((table, columns)))
            }
            Mark::End { tables, rows, sha256 } => {
                self.compare(&sha256)?;
                if (tables, tables, rows) != (self.done, self.tables.len(), self.rows) {
                    return Err(self.damaged("tables are missing"));
                }
                self.end = Some(Summary { tables, rows, sha256 });
                Ok(None)
            }
            Mark::Sum { .. } => Err(self.damaged("a sum does not belong here")),
        }
    }

    /// The next row of the table; `None` behind its last, when its sum was found right.
    pub fn row(&mut self) -> Result<Option<Vec<Value>>, Error> {
        let Some(mut current) = self.current.take() else { return Ok(None) };
        self.next_line()?;
        let text = str::from_utf8(&self.line).map_err(|_| self.damaged("it is not UTF-8"))?;
        if text.starts_with('[') {
            let cells: Vec<Cell> = serde_json::from_str(text).map_err(|_| self.unreadable())?;
            if cells.len() != current.width {
                return Err(self.damaged(format!("a row of {} has another width", current.table.name)));
            }
            current.rows += 1;
            self.current = Some(current);
            self.digest.update(&self.line);
            return Ok(Some(cells.into_iter().map(|cell| cell.0).collect()));
        }
        let (rows, sha256) = match self.mark()? {
            Mark::Sum { rows, sha256 } => (rows, sha256),
            _ => return Err(self.damaged(format!("the sum of {} is missing", current.table.name))),
        };
        self.compare(&sha256)?;
        if rows != current.rows {
            return Err(self.damaged(format!("rows of {} are missing", current.table.name)));
        }
        self.rows += rows;
        self.done += 1;
        self.digest.update(&self.line);
        Ok(None)
    }

    /// Ends the reading, after the last table: nothing may follow.
    pub fn finish(mut self) -> Result<(Header, Summary), Error> {
        let summary = self.end.take().ok_or_else(|| self.damaged("it goes on"))?;
        match self.source.fill_buf()?.is_empty() {
            true => Ok((self.header, summary)),
            false => Err(self.damaged("something follows the end")),
        }
    }

    /// Reads a line without summing it up, since a sum is of what is before its line.
    fn next_line(&mut self) -> Result<(), Error> {
        self.number += 1;
        self.line.clear();
        (&mut self.source).take(LINE_BYTES).read_until(b'\n', &mut self.line)?;
        match self.line.last() {
            Some(b'\n') => Ok(()),
            _ if self.line.len() as u64 == LINE_BYTES => Err(self.damaged("the line is too long")),
            _ => Err(self.damaged("it is cut off here")),
        }
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        let mark: Mark = serde_json::from_slice(&self.line).map_err(|_| self.unreadable())?;
        if matches!(mark, Mark::Table { .. }) {
            self.digest.update(&self.line);
        }
        Ok(mark)
    }

    fn compare(&self, sha256: &str) -> Result<(), Error> {
        match hex(&self.digest) == sha256 {
            true => Ok(()),
            false => Err(self.damaged(match self.tables.get(self.done) {
                Some(table) => format!("the sum of {} is wrong: it was changed", table.name),
                None => "the sum of all is wrong: it was changed".to_owned(),
            })),
        }
    }

    fn unreadable(&self) -> Error {
        self.damaged("it cannot be understood: it was changed")
    }

    fn damaged(&self, what: impl Into<String>) -> Error {
        Error::Damaged { line: self.number, what: what.into() }
    }
}
