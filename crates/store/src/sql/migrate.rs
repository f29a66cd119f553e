//! Bringing a schema up to date, once, whoever starts first.
//!
//! Each migration runs in one transaction that begins by inserting its row into `schema_version`. Of two nodes that
//! start together the second waits for that row, is refused by its primary key, and looks again.
//!
//! `schema_oldest` says beside it from which version on a binary may run on the result, so that nodes of the version
//! before go on while a newer one starts. (It is a table of its own because the first release writes
//! `schema_version` without naming columns. That release takes no schema but its own.)

use aws_lc_rs::digest::{SHA256, digest};

use super::{Engine, Row, Sql, copy::Snapshot};
use crate::{StoreError, args};

const APPLIED: Sql = Sql {
    name: "schema_applied",
    text: "SELECT v.version, v.checksum, o.oldest
           FROM schema_version v LEFT JOIN schema_oldest o ON o.version = v.version ORDER BY v.version",
};

const APPLIED_FIRST: Sql = Sql {
    name: "schema_applied_first",
    text: "SELECT version, checksum, CAST(NULL AS BIGINT) FROM schema_version ORDER BY version",
};

pub(super) const STATEMENTS: &[&Sql] = &[&APPLIED, &APPLIED_FIRST];

const TABLES: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version {int} NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (version)
) {clustered};
CREATE TABLE IF NOT EXISTS schema_oldest (
    version {int} NOT NULL,
    oldest {int} NOT NULL,
    PRIMARY KEY (version)
) {clustered};";

/// How often another node may have been first before we give up.
const LOST_RACES: u32 = 100;

/// One step of the schema, never changed once released. In its text `{bytes}`, `{bool}`, `{int}` and `{clustered}`
/// stand for what the engine calls them.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What the step is called: letters, digits and `_`.
    pub name: &'static str,
    /// Its statements, each ended by a semicolon.
    pub text: &'static str,
    /// The oldest schema version whose binaries still run on the result: the version before where the step only adds
    /// what they need not know of, its own where it takes away or demands something.
    pub oldest: usize,
}

impl Migration {
    /// The SHA-256 of its text, in hexadecimal digits.
    pub fn checksum(&self) -> String {
        digest(&SHA256, self.text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The step with its guard row before it. The values are ours and hold no quote.
    fn script(&self, version: usize) -> String {
        let (name, checksum) = (self.name, self.checksum());
        format!(
            "INSERT INTO schema_version (version, name, checksum) VALUES ({version}, '{name}', '{checksum}');
             INSERT INTO schema_oldest (version, oldest) VALUES ({version}, {});\n{}",
            self.oldest, self.text
        )
    }
}

/// A step that a database has.
struct Applied {
    version: i64,
    checksum: String,
    oldest: Option<i64>,
}

/// The text that makes the schema of `migrations` in an empty database.
pub(super) fn whole(migrations: &[Migration]) -> String {
    let steps = (1..).zip(migrations).map(|(version, step)| step.script(version));
    std::iter::once(TABLES.to_owned()).chain(steps).collect::<Vec<_>>().join("\n")
}

/// The text that brings a schema of `from` steps to all of `migrations`.
pub(super) fn rest(migrations: &[Migration], from: usize) -> String {
    let steps = (1..).zip(migrations).skip(from).map(|(version, step)| step.script(version));
    steps.collect::<Vec<_>>().join("\n")
}

/// What an engine calls the types of the dialect.
pub(super) struct Dialect {
    pub bytes: &'static str,
    pub bool: &'static str,
    pub int: &'static str,
    pub clustered: &'static str,
}

impl Dialect {
    pub(super) fn render(&self, text: &str) -> String {
        text.replace("{bytes}", self.bytes)
            .replace("{bool}", self.bool)
            .replace("{int}", self.int)
            .replace("{clustered}", self.clustered)
    }
}

pub(super) async fn run(engine: &Engine, migrations: &[Migration]) -> Result<usize, StoreError> {
    let (mut done, mut lost) = (0, 0);
    loop {
        match step(engine, migrations).await {
            Ok(true) => done += 1,
            Ok(false) => return Ok(done),
            Err(error) if another_node_was_first(&error) && lost < LOST_RACES => lost += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Applies the first migration that is missing, if any is.
async fn step(engine: &Engine, migrations: &[Migration]) -> Result<bool, StoreError> {
    engine.script(TABLES).await?;
    let applied = applied(engine).await?;
    compare(&applied, migrations)?;
    let Some(next) = migrations.get(applied.len()) else { return Ok(false) };
    engine.script(&next.script(applied.len() + 1)).await?;
    tracing::info!(version = applied.len() + 1, name = next.name, "schema migrated");
    Ok(true)
}

async fn applied(engine: &Engine) -> Result<Vec<Applied>, StoreError> {
    read(engine.read(&APPLIED, args![]).await?)
}

fn read(rows: Vec<Row>) -> Result<Vec<Applied>, StoreError> {
    let read = rows.into_iter().map(|row| {
        let mut row = row.reader(APPLIED.name);
        let found = Applied { version: row.int()?, checksum: row.text()?, oldest: row.opt_int()? };
        row.finish().map(|()| found)
    });
    read.collect()
}

/// The version of the schema that `view` shows. Refused: none, and one that a binary that knows `known` cannot run on.
pub(crate) async fn schema_version(view: &Snapshot, known: &[Migration]) -> Result<usize, StoreError> {
    if !view.has("schema_version").await? {
        return Err(StoreError::Unavailable("it holds no installation".to_owned()));
    }
    // The first release has no table of what is compatible.
    let sql = if view.has("schema_oldest").await? { &APPLIED } else { &APPLIED_FIRST };
    let applied = read(view.read(sql, args![]).await?)?;
    compare(&applied, known)?;
    Ok(applied.len())
}

/// Refuses a schema that this binary cannot run on.
fn compare(applied: &[Applied], known: &[Migration]) -> Result<(), StoreError> {
    let altered = (1..).zip(applied).zip(known);
    let mut altered = altered
        .filter(|((number, step), known)| *number != step.version || step.checksum != known.checksum());
    if let Some(((_, step), known)) = altered.next() {
        return Err(StoreError::Schema(format!(
            "schema version {} of the database is not the {} this binary knows",
            step.version, known.name
        )));
    }
    let ours = i64::try_from(known.len()).unwrap_or(i64::MAX);
    let unknown = applied.get(known.len()..).unwrap_or_default();
    match unknown.iter().find(|step| step.oldest.is_none_or(|oldest| oldest > ours)) {
        None => Ok(()),
        Some(step) => Err(StoreError::Schema(format!(
            "the database has schema version {} and this binary knows {ours}: it was written by a newer Signet, and \
             version {} is one that older binaries cannot run on",
            applied.len(),
            step.version
        ))),
    }
}

/// The guard row exists already, or PostgreSQL's own catalogue refused to create the table twice at once.
fn another_node_was_first(error: &StoreError) -> bool {
    let ours = |name: &str| name == "schema_version_pkey" || name.starts_with("pg_");
    matches!(error, StoreError::Conflict { constraint } if ours(constraint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_is_put_in() {
        let dialect = Dialect { bytes: "BLOB", bool: "INTEGER", int: "INTEGER", clustered: "STRICT" };
        assert_eq!(
            dialect.render("a {bytes}, b {bool}, c {int}) {clustered}"),
            "a BLOB, b INTEGER, c INTEGER) STRICT"
        );
    }

    fn applied(version: i64, step: &Migration, oldest: Option<i64>) -> Applied {
        Applied { version, checksum: step.checksum(), oldest }
    }

    const ONE: Migration = Migration { name: "one", text: "SELECT 1;", oldest: 1 };

    #[test]
    fn a_gap_in_the_versions_is_refused() {
        assert!(matches!(compare(&[applied(2, &ONE, None)], &[ONE]), Err(StoreError::Schema(_))));
    }

    #[test]
    fn a_newer_schema_is_taken_if_each_of_its_steps_takes_us() {
        for (second, third, taken) in [
            (Some(1), Some(1), true),
            (Some(1), Some(2), false),
            (Some(2), Some(1), false),
            (Some(1), Some(3), false),
            (None, Some(1), false),
            (Some(1), None, false),
        ] {
            let found = [applied(1, &ONE, None), applied(2, &ONE, second), applied(3, &ONE, third)];
            assert_eq!(compare(&found, &[ONE]).is_ok(), taken, "{second:?} {third:?}");
        }
    }
}
