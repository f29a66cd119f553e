//! Bringing a schema up to date, once, whoever starts first.
//!
//! Each migration runs in one transaction that begins by inserting its row into `schema_version`. Of two nodes that
//! start together the second waits for that row, is refused by its primary key, and looks again.

use aws_lc_rs::digest::{SHA256, digest};

use super::{Engine, Sql};
use crate::{StoreError, args};

const APPLIED: Sql =
    Sql { name: "schema_applied", text: "SELECT version, checksum FROM schema_version ORDER BY version" };

pub(super) const STATEMENTS: &[&Sql] = &[&APPLIED];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version {int} NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
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
}

impl Migration {
    fn checksum(&self) -> String {
        digest(&SHA256, self.text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The step with its guard row before it. The values are ours and hold no quote.
    fn script(&self, version: usize) -> String {
        let (name, checksum) = (self.name, self.checksum());
        format!("INSERT INTO schema_version VALUES ({version}, '{name}', '{checksum}');\n{}", self.text)
    }
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
    engine.script(TABLE).await?;
    let applied = applied(engine).await?;
    compare(&applied, migrations)?;
    let Some(next) = migrations.get(applied.len()) else { return Ok(false) };
    engine.script(&next.script(applied.len() + 1)).await?;
    tracing::info!(version = applied.len() + 1, name = next.name, "schema migrated");
    Ok(true)
}

async fn applied(engine: &Engine) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = engine.read(&APPLIED, args![]).await?;
    let read = rows.into_iter().map(|row| {
        let mut row = row.reader(APPLIED.name);
        let found = (row.int()?, row.text()?);
        row.finish().map(|()| found)
    });
    read.collect()
}

fn compare(applied: &[(i64, String)], migrations: &[Migration]) -> Result<(), StoreError> {
    if applied.len() > migrations.len() {
        return Err(StoreError::Schema(format!(
            "the database has schema version {} and this binary knows {}: it was written by a newer Signet",
            applied.len(),
            migrations.len()
        )));
    }
    let altered = (1..)
        .zip(applied)
        .zip(migrations)
        .find(|((number, (version, checksum)), known)| number != version || *checksum != known.checksum());
    match altered {
        None => Ok(()),
        Some(((version, _), known)) => Err(StoreError::Schema(format!(
            "schema version {version} of the database is not the {} this binary knows",
            known.name
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

    #[test]
    fn a_gap_in_the_versions_is_refused() {
        let step = Migration { name: "one", text: "SELECT 1;" };
        let applied = [(2, step.checksum())];
        assert!(matches!(compare(&applied, &[step]), Err(StoreError::Schema(_))));
    }
}
