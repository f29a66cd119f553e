//! A look at a database that changes nothing in it: for an operator who wants to know whether all is well.

use signet_protocol::time::Timestamp;

use crate::{
    Database, MasterKey, StoreError, args, installation,
    migrations::MIGRATIONS,
    sql::{Row, RowReader, Sql, copy::Snapshot, schema_version},
    sweep,
};

const SIGNING: Sql = Sql {
    name: "inspect_keys",
    text: "SELECT issuer, alg, created_at FROM issuer_key WHERE state = 'active' ORDER BY created_at, issuer, alg",
};
const IDENTIFIERS: Sql = Sql {
    name: "inspect_identifiers",
    text: "SELECT identifier FROM application
           WHERE enabled AND pool_id = (SELECT pool_id FROM installation WHERE id = 1) ORDER BY identifier LIMIT $1",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&SIGNING, &IDENTIFIERS];

/// Seconds after which the sweeper should have deleted what it may delete.
const SWEPT_WITHIN: i64 = 3600;

/// What was seen.
#[derive(Debug)]
pub struct Inspection {
    /// The version of the schema.
    pub schema: usize,
    /// The schema version that this binary makes.
    pub known: usize,
    /// Whether the master key opens the pool's keys; `None` without one.
    pub opens: Option<Result<(), StoreError>>,
    /// The keys that sign, oldest first.
    pub signing_keys: Vec<SigningKeyAge>,
    /// Tables with hundreds of rows that should have been deleted an hour ago.
    pub unswept: Vec<&'static str>,
    /// Identifiers of applications of the default pool that are enabled, some of them at most.
    pub identifiers: Vec<String>,
    /// The database server's time in seconds, where there is a server.
    pub clock: Option<i64>,
}

/// How long a key has been there.
#[derive(Debug, PartialEq, Eq)]
pub struct SigningKeyAge {
    /// The issuer as it is stored.
    pub issuer: String,
    /// Its algorithm.
    pub alg: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Looks at `database`, at no more than `most` of its applications. Refused: a database that cannot be reached or holds
/// no installation ([`StoreError::Unavailable`]), and a schema that this binary cannot run on ([`StoreError::Schema`]).
pub async fn inspect(
    database: &Database,
    master_key: Option<&MasterKey>,
    now: Timestamp,
    most: i64,
) -> Result<Inspection, StoreError> {
    let view = match database {
        Database::Sqlite(path) => Snapshot::sqlite(path)?,
        Database::Postgres(url) => Snapshot::postgres(url).await?,
    };
    let schema = schema_version(&view, MIGRATIONS).await?;
    let opens = match master_key {
        Some(key) => Some(installation::check(&view, key).await),
        None => None,
    };
    let keys = view.read(&SIGNING, args![]).await?;
    let identifiers = view.read(&IDENTIFIERS, args![most]).await?;
    Ok(Inspection {
        schema,
        known: MIGRATIONS.len(),
        opens,
        signing_keys: read(keys, &SIGNING, |row| {
            Ok(SigningKeyAge { issuer: row.text()?, alg: row.text()?, created_at: Timestamp(row.int()?) })
        })?,
        unswept: sweep::unswept(&view, Timestamp(now.0 - SWEPT_WITHIN)).await?,
        identifiers: read(identifiers, &IDENTIFIERS, RowReader::text)?,
        clock: view.clock().await?,
    })
}

fn read<T>(
    rows: Vec<Row>,
    sql: &Sql,
    read: impl Fn(&mut RowReader) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(|row| read(&mut row.reader(sql.name))).collect()
}
