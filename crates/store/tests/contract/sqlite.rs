//! What only the embedded engine promises.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use rusqlite::Connection;
use signet_store::{
    StoreError, args,
    sql::{Batch, Engine, Sql, SqliteOptions, Written, copy::Snapshot},
};
use tempfile::TempDir;

use crate::{Database, SAMPLE, insert, int, parallel};

const LARGE: Sql = Sql { name: "thing_large", text: "INSERT INTO thing (id, content) VALUES ($1, $2)" };

fn options() -> SqliteOptions {
    SqliteOptions { queue: 8, patience: Duration::from_millis(300) }
}

async fn small() -> (TempDir, Arc<Engine>) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::sqlite_with(&directory.path().join("signet.db"), options()).unwrap();
    engine.migrate(&[SAMPLE]).await.unwrap();
    (directory, Arc::new(engine))
}

/// Holds the file's write lock as another process would.
fn hold(directory: &TempDir) -> Connection {
    let rival = Connection::open(directory.path().join("signet.db")).unwrap();
    rival.execute_batch("BEGIN IMMEDIATE").unwrap();
    rival
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_survives() {
    let database = Database::sqlite().with_sample().await;
    let outcomes = parallel(200, |number| {
        let engine = Arc::clone(&database.engine);
        async move { insert(&engine, &format!("{number}"), None).await }
    })
    .await;
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(Written::Done)));
    let reopened = database.again();
    assert_eq!(int(&reopened, &crate::COUNT, vec![]).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_is_busy_and_the_rest_is_written() {
    let (directory, engine) = small().await;
    let rival = hold(&directory);
    let all = {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            parallel(400, |number| {
                let engine = Arc::clone(&engine);
                async move { insert(&engine, &format!("{number}"), None).await }
            })
            .await
        })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    rival.execute_batch("COMMIT").unwrap();
    let outcomes = all.await.unwrap();
    let done = outcomes.iter().filter(|outcome| **outcome == Ok(Written::Done)).count();
    let busy = outcomes.iter().filter(|outcome| **outcome == Err(StoreError::Busy)).count();
    assert_eq!(done + busy, 400, "{outcomes:?}");
    assert!(done >= 8 && busy >= 1, "{done} done, {busy} busy");
    assert_eq!(int(&engine, &crate::COUNT, vec![]).await, i64::try_from(done).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rival_that_stays_makes_writes_busy_and_leaves_reads_alone() {
    let (directory, engine) = small().await;
    let rival = hold(&directory);
    assert_eq!(insert(&engine, "one", None).await, Err(StoreError::Busy));
    assert_eq!(int(&engine, &crate::COUNT, vec![]).await, 0);
    rival.execute_batch("COMMIT").unwrap();
    assert_eq!(insert(&engine, "one", None).await, Ok(Written::Done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_finishes_the_queue_and_empties_the_log() {
    let (directory, engine) = small().await;
    let writes = {
        let engine = Arc::clone(&engine);
        parallel(8, move |number| {
            let engine = Arc::clone(&engine);
            async move { insert(&engine, &format!("{number}"), None).await }
        })
    };
    assert!(writes.await.iter().all(|outcome| *outcome == Ok(Written::Done)));
    engine.close().await;
    let refused = insert(&engine, "late", None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let log = std::fs::metadata(directory.path().join("signet.db-wal")).map_or(0, |found| found.len());
    assert_eq!(log, 0);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_cannot_write() {
    let (_directory, engine) = small().await;
    let refused = engine.read(&crate::INSERT, signet_store::args!["one", "l"]).await;
    assert!(refused.is_err());
    assert_eq!(int(&engine, &crate::COUNT, vec![]).await, 0);
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let (directory, engine) = small().await;
    assert_eq!(insert(&engine, "one", None).await, Ok(Written::Done));
    for name in ["signet.db", "signet.db-wal", "signet.db-shm"] {
        let mode = std::fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let refused = Engine::sqlite(&directory.path().join("absent/signet.db")).err();
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signet.db");
    std::fs::write(&path, "not a database, and long enough to have a header".repeat(100)).unwrap();
    let refused = Engine::sqlite(&path).err();
    assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn an_address_without_a_scheme_is_refused() {
    for address in ["signet.db", "sqlite:", "mysql://host/db", ""] {
        assert!(matches!(Engine::open(address), Err(StoreError::Unavailable(_))), "{address}");
    }
}

/// A backup's view of the file lasts long; it must not make the checkpoints stand in the writer's way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_view_refuses_no_write_and_the_log_is_emptied_after_it() {
    let database = Database::sqlite().with_sample().await;
    let path = database.address.strip_prefix("sqlite:").unwrap().to_owned();
    let view = Snapshot::sqlite(Path::new(&path)).unwrap();
    let write = async |id: String| {
        let batch = Batch::new().then(&LARGE, args![id, vec![7; 256 << 10]]);
        assert_eq!(database.engine.write(batch).await, Ok(Written::Done));
    };
    for number in 0..600 {
        write(format!("{number}")).await;
    }
    let log = || std::fs::metadata(format!("{path}-wal")).unwrap().len();
    assert!(log() > 128 << 20);
    drop(view);
    let mut tries = 0;
    while log() > 64 << 20 {
        write(format!("after{tries}")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        tries += 1;
        assert!(tries < 300, "{} bytes", log());
    }
}
