//! Backups: the whole database as lines of text, the same from either engine and for either engine.
//!
//! The first line is the [`Header`]. Each table follows: a line with its columns, one line for each row, and a sum. The
//! last line ends it. A row is a JSON array; a boolean is 0 or 1, bytes are `{"b":"base64url"}`. A sum is the SHA-256 of
//! everything before its line, so that what is missing or changed is found, and in which table. It finds damage, not
//! forgery: who can write a backup could write the database.

mod archive;
mod cell;
mod key;

use std::{
    io::{BufRead, Write},
    iter,
};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use signet_protocol::{jose::b64, time::Timestamp};

use self::cell::Cell;
pub use self::{
    archive::Archive,
    key::{PASSPHRASE_BYTES, SealedKey},
};
use crate::{
    Database, MasterKey, StoreError, installation,
    migrations::{MIGRATIONS, TABLES},
    sql::{
        Migration, Table, Value,
        copy::{self, Error, Loading, Snapshot},
    },
};

/// The number of the format. A reader takes no other.
const FORMAT: u32 = 1;

const SCHEMA: Table = Table { name: "schema_version", key: "version", since: 1 };
const INSTALLATION: &str = "installation";

/// What a backup says of itself, in its first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The number of the format.
    pub signet_backup: u32,
    /// The version of Signet that wrote it.
    pub signet: String,
    /// When, in seconds since 1970.
    pub created_at: i64,
    /// The engine it was read from: `sqlite` or `postgres`.
    pub engine: String,
    /// The steps of its schema.
    pub schema: Vec<Step>,
    /// The name of the master key that its secrets are sealed with, in base64url.
    pub master_key_id: String,
    /// That key, if it was asked for.
    pub master_key: Option<SealedKey>,
}

/// A step of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// The SHA-256 of its text.
    pub checksum: String,
}

/// A line that is neither the first nor a row.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Table { name: String, columns: Vec<String> },
    Sum { rows: u64, sha256: String },
    End { tables: usize, rows: u64, sha256: String },
}

/// How much there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Tables.
    pub tables: usize,
    /// Rows of all of them.
    pub rows: u64,
    /// The sum of the last line.
    pub sha256: String,
}

/// A database that is about to be written down: as it is now, whatever others write meanwhile.
pub struct Source {
    snapshot: Snapshot,
    /// The first line. The caller may add the master key.
    pub header: Header,
}

impl Source {
    /// Looks at `database`; `signet` is the version that writes. Refused: a database without an installation, and a
    /// schema newer than this binary, some of which it would miss ([`StoreError::Schema`]).
    pub async fn open(database: &Database, signet: &str, now: Timestamp) -> Result<Self, Error> {
        let (snapshot, engine) = match database {
            Database::Sqlite(path) => (Snapshot::sqlite(path)?, "sqlite"),
            Database::Postgres(url) => (Snapshot::postgres(url).await?, "postgres"),
        };
        if !snapshot.has(SCHEMA.name).await? {
            return Err(no_installation().into());
        }
        let schema = steps(&snapshot).await?;
        known(&schema)?;
        let header = Header {
            signet_backup: FORMAT,
            signet: signet.to_owned(),
            created_at: now.0,
            engine: engine.to_owned(),
            schema,
            master_key_id: key_id(&snapshot).await?,
            master_key: None,
        };
        Ok(Self { snapshot, header })
    }

    /// Writes all of it to `out`.
    pub async fn write(&self, out: &mut impl Write) -> Result<Summary, Error> {
        let mut lines = Lines { out, digest: Context::new(&SHA256), line: Vec::new() };
        lines.put(&self.header)?;
        let (mut count, mut rows) = (0, 0);
        for table in tables(&self.header) {
            rows += self.table(table, &mut lines).await?;
            count += 1;
        }
        let sha256 = lines.sum();
        lines.put(&Mark::End { tables: count, rows, sha256: sha256.clone() })?;
        lines.out.flush()?;
        Ok(Summary { tables: count, rows, sha256 })
    }

    async fn table(&self, table: &Table, lines: &mut Lines<'_, impl Write>) -> Result<u64, Error> {
        let (lines, mut rows) = (std::cell::RefCell::new(lines), 0);
        let columns = |columns| {
            let mark = Mark::Table { name: table.name.to_owned(), columns };
            lines.borrow_mut().put(&mark)
        };
        let row = |row: Vec<Value>| {
            rows += 1;
            lines.borrow_mut().put(&row.into_iter().map(Cell).collect::<Vec<_>>())
        };
        self.snapshot.rows(table, columns, row).await?;
        let lines = lines.into_inner();
        let sha256 = lines.sum();
        lines.put(&Mark::Sum { rows, sha256 })?;
        Ok(rows)
    }
}

/// A backup that was read to its end and found whole.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its first line.
    pub header: Header,
    /// How much it holds.
    pub summary: Summary,
    probe: Option<Vec<u8>>,
}

impl Checked {
    /// Whether `master_key` opens what is in it; else [`StoreError::KeyMismatch`].
    pub fn opens_with(&self, master_key: &MasterKey) -> Result<(), StoreError> {
        let probe = self.probe.as_ref().ok_or_else(no_installation)?;
        installation::check_probe(master_key, probe)
    }
}

/// Reads a backup from its beginning to its end. Refused: what is not one, is cut off or changed ([`Error::Damaged`]),
/// and what a newer Signet wrote ([`StoreError::Schema`]).
pub fn check(source: impl BufRead) -> Result<Checked, Error> {
    let mut archive = Archive::open(source)?;
    let mut probe = None;
    while let Some((table, columns)) = archive.table()? {
        let probed = columns.iter().position(|column| table.name == INSTALLATION && column == "probe");
        while let Some(row) = archive.row()? {
            if let Some(Value::Bytes(bytes)) = probed.and_then(|at| row.into_iter().nth(at)) {
                probe = Some(bytes);
            }
        }
    }
    let (header, summary) = archive.finish()?;
    Ok(Checked { header, summary, probe })
}

/// A backup on its way into an empty database. Dropped before it is finished, it leaves nothing.
#[must_use]
pub struct Restoring {
    loading: Loading,
    steps: usize,
}

impl Restoring {
    /// Fills `database`, which must be empty, from a backup that was checked before. Refused: a source that is no longer
    /// what was checked.
    pub async fn load(source: impl BufRead, checked: &Checked, database: &Database) -> Result<Self, Error> {
        let mut archive = Archive::open(source)?;
        let steps = checked.header.schema.len();
        let schema = MIGRATIONS.get(..steps).unwrap_or(MIGRATIONS);
        let loading = match database {
            Database::Sqlite(path) => Loading::sqlite(path, schema)?,
            Database::Postgres(url) => Loading::postgres(url, schema).await?,
        };
        while let Some((table, columns)) = archive.table()? {
            loading.rows(table, &columns, iter::from_fn(|| archive.row().transpose())).await?;
        }
        let (_, summary) = archive.finish()?;
        match summary == checked.summary {
            true => Ok(Self { loading, steps }),
            false => Err(Error::Damaged { line: 1, what: "it was changed while it was read".to_owned() }),
        }
    }

    /// Brings the schema up to date and makes everything durable.
    pub async fn finish(self) -> Result<(), StoreError> {
        self.loading.finish(MIGRATIONS, self.steps).await
    }
}

/// Whether a backup may be restored into `database`: nothing of Signet is there.
pub async fn is_free(database: &Database) -> Result<bool, StoreError> {
    match database {
        Database::Sqlite(path) => Ok(copy::sqlite_is_free(path)),
        Database::Postgres(url) => copy::postgres_is_free(url).await,
    }
}

/// The tables that a schema of the header's steps has.
fn tables(header: &Header) -> impl Iterator<Item = &'static Table> + use<> {
    let version = header.schema.len();
    TABLES.iter().filter(move |table| table.since <= version)
}

/// Refuses a schema that is not the beginning of ours.
fn known(schema: &[Step]) -> Result<(), StoreError> {
    if schema.len() > MIGRATIONS.len() {
        return Err(StoreError::Schema(format!(
            "its schema has version {} and this binary knows {}: it was written by a newer Signet",
            schema.len(),
            MIGRATIONS.len()
        )));
    }
    let same = |(step, known): (&Step, &Migration)| step.checksum == known.checksum();
    match schema.iter().zip(MIGRATIONS).all(same) {
        true => Ok(()),
        false => Err(StoreError::Schema("its schema is not one that this binary knows".to_owned())),
    }
}

async fn steps(snapshot: &Snapshot) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let read = |row: Vec<Value>| match <[Value; 3]>::try_from(row) {
        Ok([Value::Int(_), Value::Text(name), Value::Text(checksum)]) => {
            steps.push(Step { name, checksum });
            Ok(())
        }
        _ => Err(StoreError::corrupt("schema_version").into()),
    };
    snapshot.rows(&SCHEMA, |_| Ok(()), read).await?;
    Ok(steps)
}

/// The name of the master key, which is in a column of its own.
async fn key_id(snapshot: &Snapshot) -> Result<String, Error> {
    let (mut at, mut found) = (None, None);
    let table = TABLES.iter().find(|table| table.name == INSTALLATION).ok_or_else(no_installation)?;
    let columns = |columns: Vec<String>| {
        at = columns.iter().position(|column| column == "key_id");
        Ok(())
    };
    let mut rows = Vec::new();
    let row = |row: Vec<Value>| {
        rows.push(row);
        Ok(())
    };
    snapshot.rows(table, columns, row).await?;
    if let Some(Value::Bytes(id)) = at.and_then(|at| rows.into_iter().next()?.into_iter().nth(at)) {
        found = Some(b64(&id));
    }
    found.ok_or_else(|| no_installation().into())
}

fn no_installation() -> StoreError {
    StoreError::Unavailable("it holds no installation".to_owned())
}

/// Writes lines and sums them up.
struct Lines<'o, O> {
    out: &'o mut O,
    digest: Context,
    line: Vec<u8>,
}

impl<O: Write> Lines<'_, O> {
    fn put(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(std::io::Error::from)?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.out.write_all(&self.line)?;
        Ok(())
    }

    fn sum(&self) -> String {
        hex(&self.digest)
    }
}

/// The sum of what was put into `digest` so far.
fn hex(digest: &Context) -> String {
    digest.clone().finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
