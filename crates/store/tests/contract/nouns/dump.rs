//! Backups: what was written down is what is restored, on either engine.

use signet_protocol::{
    consent::Consent,
    issuer::IssuerId,
    jose::KeyAlg,
    operator::Role,
    scope::Scope,
    secret::SecretHash,
    throttle::{Counter, WINDOW},
    time::Seconds,
};
use signet_store::{
    Applied, Change, Database, MasterKey, NewTrace, Options, RoleChange, SignOut, Store, StoreError,
    audit::Act,
    dump::{self, Checked, Restoring, Source, Summary},
    migrations::TABLES,
    sql::copy::Error,
    usage::Use,
};
use signet_testkit::{postgres::fresh_database, seed::Seeded};
use tempfile::TempDir;

use super::{World, after, at, until};
use crate::on_worlds;

on_worlds!(
    every_table_is_written_down,
    a_round_trip_over_both_engines_changes_nothing,
    a_restored_store_goes_on,
    a_backup_is_of_one_moment_and_keeps_nobody_from_writing,
    an_unfinished_restore_leaves_nothing,
    a_database_in_use_is_not_free,
);

/// At least one of every noun.
pub async fn populate(world: &World) {
    let store = &world.store;
    let user = world.user("alice").await;
    let application = world.told_application("notes").await;
    let account = super::accounts::new(world, &application);
    let rules = Change::Rules {
        of: application.id,
        added: vec![super::permissions::rule(&account)],
        removed: vec![],
    };
    let resources = super::permissions::put(Some(application.id), &["book"]);
    let settings = Change::UpdatePool(super::pool::sample());
    let plan = vec![settings, Change::InsertAccount(account), resources, rules];
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Done));
    let session = world.session(&user).await;
    world.transaction().await;
    let code = world.new_code(world.new_grant(&session, application.id, true));
    assert_eq!(store.issue_code(&code, None, at(0)).await, Ok(true));
    let ended = world.session(&user).await;
    let code_there = world.new_code(world.new_grant(&ended, application.id, true));
    assert_eq!(store.issue_code(&code_there, None, at(0)).await, Ok(true));
    assert_eq!(store.sign_out(SignOut::Session(ended.id), at(0)).await, Ok(true));
    let family = world.new_family();
    assert_eq!(store.redeem_code(code.id, code.grant.id, Some(&family), until(1), at(1)).await, Ok(true));
    let allowed = Consent { scope: Scope::parse("openid profile").unwrap(), ..Consent::default() };
    store.remember_consent(user.id, application.id, &allowed, at(0)).await.unwrap();
    store.revoke_jti("a-jti", after(3600), at(0)).await.unwrap();
    let used = SecretHash::of("test", b"an-assertion");
    assert_eq!(store.spend_assertion(used, after(600)).await, Ok(true));
    assert_eq!(store.put_link(&super::links::new(world, &user), at(1)).await, Ok(true));
    let counter = Counter {
        subject: SecretHash::of("test", b"alice"),
        free: 10,
        window: WINDOW,
        wait_min: Seconds(2),
        wait_max: Seconds(900),
    };
    assert_eq!(store.reserve_attempts(&[counter], at(0)).await.unwrap(), Ok(()));
    let pool = IssuerId::Pool(store.pool().id);
    store.signing_key(pool, KeyAlg::Es256, at(0), &mut Seeded(3)).await.unwrap();
    let link = SecretHash::of("test", b"a-link");
    assert_eq!(store.offer_setup(link, after(60), at(0)).await, Ok(true));
    let owner = super::administrators::administrator(&user, Role::Owner);
    assert_eq!(store.change_role(&RoleChange::Give(owner), at(0)).await, Ok(true));
    let (login, _) = super::administrators::session(world, &user);
    let begun = store.begin_console_session(&login, user.password.as_ref(), None, at(0)).await;
    assert_eq!(begun, Ok(true));
    store.write_audit(&Act::new(at(0), super::audit::login(1))).await.unwrap();
    assert_eq!(store.seal_audit().await, Ok(1));
    store.count_use(application.id, Use::SignIn, after(0));
    store.count_active(user.id, after(0));
    store.write_usage().await.unwrap();
    let trace = NewTrace {
        reference: "K7QF-2M9T".to_owned(),
        request_id: "abcdefghijklmnop".to_owned(),
        application: Some(application.id),
        content: "{}".to_owned(),
        at: at(0),
    };
    store.insert_traces(&[trace]).await.unwrap();
    super::api_requests::begin(world, "a-key", "a body", 0).await;
    let kept = Change::Keep(Box::new(super::revisions::revision(world, 0, &[application.id])));
    let of_user = Change::Keep(Box::new(super::revisions::of_user(world, 1, user.id)));
    assert_eq!(world.try_apply(vec![kept, of_user]).await, Ok(Applied::Done));
    store.put_import_desk(&super::revisions::desk(0, "users.csv")).await.unwrap();
}

pub async fn written(database: &Database) -> (String, Summary) {
    let mut out = Vec::new();
    let source = Source::open(database, "0.0.0", after(0)).await.unwrap();
    let summary = source.write(&mut out).await.unwrap();
    (String::from_utf8(out).unwrap(), summary)
}

/// The lines that do not depend on the engine: tables and rows.
pub fn content(backup: &str) -> Vec<&str> {
    backup.lines().filter(|line| line.starts_with('[') || line.starts_with("{\"table\"")).collect()
}

/// An empty database of each engine.
pub fn empty() -> (TempDir, [Database; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let file = Database::Sqlite(directory.path().join("restored.db"));
    (directory, [file, Database::Postgres(fresh_database())])
}

pub async fn restore(backup: &str, database: &Database) -> Checked {
    assert_eq!(dump::is_free(database).await, Ok(true));
    let checked = dump::check(backup.as_bytes()).unwrap();
    Restoring::load(backup.as_bytes(), &checked, database).await.unwrap().finish().await.unwrap();
    checked
}

async fn every_table_is_written_down(world: World) {
    populate(&world).await;
    let (backup, summary) = written(&world.options.database).await;
    assert_eq!(summary.tables, TABLES.len());
    let mut lines = backup.lines().peekable();
    for table in TABLES {
        let head = format!("{{\"table\":{{\"name\":\"{}\",", table.name);
        assert!(lines.any(|line| line.starts_with(&head)), "{}", table.name);
        assert!(lines.peek().unwrap().starts_with('['), "no row of {}: let populate make one", table.name);
    }
    assert_eq!(backup.lines().filter(|line| line.starts_with('[')).count() as u64, summary.rows);
}

async fn a_round_trip_over_both_engines_changes_nothing(world: World) {
    populate(&world).await;
    let (first, _) = written(&world.options.database).await;
    let mut before = first.clone();
    let (_directory, there) = empty();
    let (_other, back) = empty();
    for database in there.iter().chain(&back) {
        restore(&before, database).await;
        let (again, _) = written(database).await;
        assert_eq!(content(&again), content(&first));
        before = again;
    }
}

async fn a_restored_store_goes_on(world: World) {
    populate(&world).await;
    let (family, grant) = world.family(true).await;
    let key =
        world.store.signing_key(IssuerId::Pool(world.store.pool().id), KeyAlg::Es256, at(0), &mut Seeded(3));
    let kid = key.await.unwrap().kid().clone();
    let (backup, _) = written(&world.options.database).await;
    let (_directory, databases) = empty();
    for database in databases {
        let checked = restore(&backup, &database).await;
        assert_eq!(checked.opens_with(&world.options.master_key), Ok(()));
        assert_eq!(checked.opens_with(&MasterKey::from_bytes([9; 32])), Err(StoreError::KeyMismatch));
        let store =
            Store::open(Options { database, ..world.options.clone() }, at(1), &mut Seeded(8)).await.unwrap();
        assert_eq!(store.pool().refresh_key, world.store.pool().refresh_key);
        assert!(store.is_revoked(None, "a-jti"));
        let kept = store.signing_key(IssuerId::Pool(store.pool().id), KeyAlg::Es256, at(9), &mut Seeded(4));
        assert_eq!(*kept.await.unwrap().kid(), kid);
        assert!(store.refresh_family(family).await.unwrap().is_some());
        assert_eq!(store.revoke_grant(grant, at(2)).await, Ok(true));
        store.close().await;
    }
}

async fn a_backup_is_of_one_moment_and_keeps_nobody_from_writing(world: World) {
    populate(&world).await;
    let (before, summary) = written(&world.options.database).await;
    let source = Source::open(&world.options.database, "0.0.0", after(0)).await.unwrap();
    for number in 0..20 {
        world.user(&format!("later{number}")).await;
    }
    let mut out = Vec::new();
    assert_eq!(source.write(&mut out).await.unwrap().rows, summary.rows);
    assert_eq!(content(str::from_utf8(&out).unwrap()), content(&before));
    assert!(written(&world.options.database).await.1.rows > summary.rows);
}

async fn an_unfinished_restore_leaves_nothing(world: World) {
    populate(&world).await;
    let (backup, _) = written(&world.options.database).await;
    let checked = dump::check(backup.as_bytes()).unwrap();
    let (directory, databases) = empty();
    for database in &databases {
        drop(Restoring::load(backup.as_bytes(), &checked, database).await.unwrap());
        // Another file in place of the one that was checked.
        let other = backup.replace("alice", "mllory");
        assert!(matches!(
            Restoring::load(other.as_bytes(), &checked, database).await,
            Err(Error::Damaged { .. })
        ));
        restore(&backup, database).await;
    }
    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["restored.db"]);
}

async fn a_database_in_use_is_not_free(world: World) {
    assert_eq!(dump::is_free(&world.options.database).await, Ok(false));
    let (_directory, databases) = empty();
    for database in databases {
        let missing = Source::open(&database, "0.0.0", after(0)).await.err();
        assert!(matches!(missing, Some(Error::Store(StoreError::Unavailable(_)))), "{missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_byte_is_changed_is_noticed() {
    let world = World::sqlite().await;
    populate(&world).await;
    let (backup, _) = written(&world.options.database).await;
    let bytes = backup.as_bytes();
    assert!(dump::check(bytes).is_ok());
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert!(dump::check(changed.as_slice()).is_err(), "byte {at}");
    }
    for length in (0..bytes.len()).step_by(7) {
        assert!(dump::check(&bytes[..length]).is_err(), "{length} bytes");
    }
    for line in 1..backup.lines().count() {
        let without: Vec<&str> = backup
            .split_inclusive('\n')
            .enumerate()
            .filter(|(at, _)| *at != line)
            .map(|(_, line)| line)
            .collect();
        assert!(dump::check(without.concat().as_bytes()).is_err(), "without line {line}");
    }
    assert!(dump::check(format!("{backup}\n").as_bytes()).is_err());
    let damaged = |text: String| dump::check(text.as_bytes()).unwrap_err().to_string();
    let said = damaged(backup.replacen("alice", "mlice", 1));
    assert!(said.contains("the sum of pool_user is wrong"), "{said}");
    let said = damaged(backup.replacen("{\"signet_backup\":1,", "{\"signet_backup\":2,", 1));
    assert!(said.contains("newer Signet"), "{said}");
    assert_eq!(damaged("PK\x03\x04".to_owned()), "line 1: this is not a backup made by signet backup");
}

/// A schema that this binary does not know is refused before anything is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_newer_schema_is_refused() {
    let world = World::sqlite().await;
    let (backup, _) = written(&world.options.database).await;
    let step = "{\"name\":\"later\",\"checksum\":\"00\"}";
    let newer = backup.replacen("}],\"master_key_id\"", &format!("}},{step}],\"master_key_id\""), 1);
    assert_ne!(newer, backup);
    let refused = dump::check(newer.as_bytes()).err();
    assert!(
        matches!(&refused, Some(Error::Store(StoreError::Schema(text))) if text.contains("newer Signet")),
        "{refused:?}"
    );
}
