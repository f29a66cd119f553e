//! What one version of Signet leaves behind works with the next, and the other way round.
//!
//! `schema/` keeps for each schema version the texts of its statements, and a backup with a row of every noun. Those of
//! the newest version are written by `SIGNET_WRITE_SCHEMA=1 cargo test -p signet-store --test contract what_is_kept`; those
//! of the versions before stay as they are.

use std::{collections::BTreeMap, fs, iter, path::PathBuf};

use signet_protocol::{issuer::Identifier, user::LoginName};
use signet_store::{
    Database, MasterKey, Options, Store, dump,
    migrations::MIGRATIONS,
    sql::{self, Engine, Expect, Sql, Table, copy::Loading},
};
use signet_testkit::seed::Seeded;

use crate::{
    nouns::{
        World, at,
        dump::{content, empty, populate, restore, written},
        noon,
    },
    statements::is_write,
};

fn path(version: usize, what: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{version}.{what}"))
}

fn kept(version: usize, what: &str) -> String {
    let path = path(version, what);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn statements() -> String {
    let all: BTreeMap<&str, &str> = sql::all().into_iter().map(|sql| (sql.name, sql.text)).collect();
    serde_json::to_string_pretty(&all).unwrap() + "\n"
}

/// The versions whose binaries may run on the schema of today.
fn accepted() -> impl Iterator<Item = usize> {
    (1..=MIGRATIONS.len()).filter(|version| MIGRATIONS[*version..].iter().all(|step| step.oldest <= *version))
}

async fn open(database: Database) -> Store {
    let options = Options { database, master_key: MasterKey::generate(&mut Seeded(1)), clock: noon() };
    Store::open(options, at(0), &mut Seeded(2)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_this_version_is_what_there_is() {
    let version = MIGRATIONS.len();
    if std::env::var_os("SIGNET_WRITE_SCHEMA").is_some() {
        let world = World::sqlite().await;
        populate(&world).await;
        fs::write(path(version, "statements.json"), statements()).unwrap();
        fs::write(path(version, "backup"), written(&world.options.database).await.0).unwrap();
    }
    let again = "SIGNET_WRITE_SCHEMA=1 cargo test -p signet-store --test contract what_is_kept";
    assert!(kept(version, "statements.json") == statements(), "statements have changed: run {again}");
    let tables = |text: &str| text.lines().filter(|line| line.starts_with("{\"table\"")).count();
    assert_eq!(tables(&kept(version, "backup")), signet_store::migrations::TABLES.len(), "run {again}");
}

#[test]
fn every_version_is_kept_and_each_step_says_who_may_stay() {
    for version in 1..=MIGRATIONS.len() {
        assert!(!kept(version, "statements.json").is_empty() && !kept(version, "backup").is_empty());
        let oldest = MIGRATIONS[version - 1].oldest;
        assert!((1..=version).contains(&oldest), "step {version} says {oldest}");
    }
}

/// Forwards: a database of every version before is migrated, and its rows are read.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_every_version_opens_and_its_rows_are_read() {
    for version in 1..=MIGRATIONS.len() {
        let backup = kept(version, "backup");
        let (_directory, databases) = empty();
        for database in databases {
            restore(&backup, &database).await;
            let store = open(database.clone()).await;
            let alice = LoginName::Username("alice".to_owned());
            assert!(store.user_by_login(&alice).await.unwrap().is_some());
            let notes = Identifier::parse("notes").unwrap();
            assert!(store.application_by_identifier(&notes).await.unwrap().unwrap().secret.is_some());
            assert_eq!(store.applications().await.unwrap().len(), 1);
            assert!(store.is_revoked(None, "a-jti"));
            store.close().await;
            let rows = |text: &str| content(text).iter().filter(|line| line.starts_with('[')).count();
            assert_eq!(rows(&written(&database).await.0), rows(&backup));
        }
    }
}

/// Backwards: every statement of a version that may stay prepares on the schema of today.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_may_stay_finds_its_statements_understood() {
    for version in accepted() {
        let texts: BTreeMap<String, String> =
            serde_json::from_str(&kept(version, "statements.json")).unwrap();
        let (_directory, databases) = empty();
        for database in databases {
            let engine = engine(&database);
            engine.migrate(MIGRATIONS).await.unwrap();
            for (name, text) in &texts {
                let sql: &'static Sql =
                    Box::leak(Box::new(Sql { name: name.clone().leak(), text: text.clone().leak() }));
                let guard = is_write(sql).then_some(Expect::One);
                for expect in iter::once(Expect::Any).chain(guard) {
                    let prepared = engine.prepare(sql, expect).await;
                    assert!(prepared.is_ok(), "version {version}: {prepared:?}");
                }
            }
            assert_eq!(engine.migrate(&MIGRATIONS[..version]).await, Ok(0));
        }
    }
}

/// Backwards: the rows that a version that may stay writes, in its own columns, fit into the schema of today.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_may_stay_can_insert_its_rows() {
    for version in accepted() {
        let backup = kept(version, "backup");
        let (_directory, databases) = empty();
        for database in databases {
            let loading = match &database {
                Database::Sqlite(path) => Loading::sqlite(path, MIGRATIONS).unwrap(),
                Database::Postgres(url) => Loading::postgres(url, MIGRATIONS).await.unwrap(),
            };
            let mut archive = dump::Archive::open(backup.as_bytes()).unwrap();
            while let Some((table, columns)) = archive.table().unwrap() {
                let rows = iter::from_fn(|| archive.row().transpose());
                let fit = loading.rows(table, &columns, rows).await;
                assert!(fit.is_ok(), "version {version}, {}: {fit:?}", table.name);
            }
            loading.finish(MIGRATIONS, MIGRATIONS.len()).await.unwrap();
            let store = open(database).await;
            assert_eq!(store.applications().await.unwrap().len(), 1);
            store.close().await;
        }
    }
}

fn engine(database: &Database) -> Engine {
    match database {
        Database::Sqlite(path) => Engine::sqlite(path).unwrap(),
        Database::Postgres(url) => Engine::postgres(url).unwrap(),
    }
}

/// The list of tables is that of the schema.
#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_the_schema_is_listed() {
    let world = World::sqlite().await;
    let file = rusqlite::Connection::open(world.file().unwrap()).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut made = file.prepare(names).unwrap();
    let made: Vec<String> = made.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut listed: Vec<&str> = signet_store::migrations::TABLES.iter().map(|table| table.name).collect();
    listed.extend(["schema_oldest", "schema_version"]);
    listed.sort_unstable();
    assert_eq!(made, listed);
    for Table { name, key, .. } in signet_store::migrations::TABLES {
        let columns = "SELECT group_concat(name, ', ' ORDER BY pk) FROM pragma_table_info($1) WHERE pk > 0";
        let primary: String = file.query_row(columns, [name], |row| row.get(0)).unwrap();
        assert_eq!(primary, *key, "{name}");
    }
}
