//! What only the engine for several nodes promises.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rusqlite::Connection;
use signet_store::{
    StoreError, args,
    migrations::MIGRATIONS,
    sql::{Batch, Engine, Sql, Written},
};
use signet_testkit::postgres::ThrowawayPostgres;
use tokio_postgres::NoTls;

use crate::{Database, INSERT, SPEND, insert, parallel};

/// The unique indexes of the schema with their tables.
const UNIQUE: Sql = Sql {
    name: "unique_indexes",
    text: "SELECT CAST(t.relname AS TEXT), CAST(c.relname AS TEXT) FROM pg_index i
           JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE i.indisunique AND n.nspname = 'public'",
};

/// A session of somebody else, in the middle of a transaction that has done `sql`.
pub async fn holding(address: &str, sql: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("BEGIN; {sql}")).await.unwrap();
    client
}

/// Ends every connection of the database, as a restart of the server does.
fn disconnect(address: &str) {
    let name = address.rsplit('/').next().unwrap();
    let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    ThrowawayPostgres::shared().execute(&sql).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_pool_recovers_from_a_restart() {
    let database = Database::postgres().with_sample().await;
    for turn in 0..3 {
        let opened = parallel(16, |number| {
            let engine = Arc::clone(&database.engine);
            async move { insert(&engine, &format!("{turn} {number}"), None).await }
        });
        assert!(opened.await.iter().all(|outcome| *outcome == Ok(Written::Done)));
        disconnect(&database.address);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(database.count().await, 48);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_lost_under_load_are_unavailable_and_nothing_acknowledged_is_lost() {
    let database = Database::postgres().with_sample().await;
    let load = {
        let engine = Arc::clone(&database.engine);
        tokio::spawn(async move {
            parallel(400, |number| {
                let engine = Arc::clone(&engine);
                async move { insert(&engine, &format!("{number}"), None).await }
            })
            .await
        })
    };
    for _ in 0..3 {
        disconnect(&database.address);
    }
    let outcomes = load.await.unwrap();
    let done = outcomes.iter().filter(|outcome| **outcome == Ok(Written::Done)).count();
    let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Unavailable(_)))).count();
    assert_eq!(done + lost, 400, "{outcomes:?}");
    // The server needs a moment to carry out the last of the terminations.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let kept = usize::try_from(database.count().await).unwrap();
    assert!((done..=done + lost).contains(&kept), "{kept} kept, {done} done, {lost} lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_that_fails_in_a_group_fails_alone() {
    let database = Database::postgres().with_sample().await;
    database.insert("taken", None).await;
    let outcomes = parallel(120, |number| {
        let engine = Arc::clone(&database.engine);
        async move {
            let own = format!("{number}");
            match number % 4 {
                0 => engine.write(
                    Batch::new().then(&INSERT, args![&own, None::<&str>]).guard(&SPEND, args!["absent", 1]),
                ),
                1 => engine.write(Batch::new().then(&INSERT, args!["taken", None::<&str>])),
                _ => engine.write(Batch::new().then(&INSERT, args![&own, None::<&str>])),
            }
            .await
        }
    })
    .await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match number % 4 {
            0 => assert_eq!(outcome, Ok(Written::Refused { statement: 1 })),
            1 => assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}"),
            _ => assert_eq!(outcome, Ok(Written::Done)),
        }
    }
    assert_eq!(database.count().await, 61);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_that_somebody_else_holds_keeps_only_who_needs_it() {
    let database = Database::postgres().with_sample().await;
    database.insert("held", None).await;
    let holder = holding(&database.address, "UPDATE thing SET label = 'h' WHERE id = 'held'").await;
    let needs_it = {
        let engine = Arc::clone(&database.engine);
        tokio::spawn(async move { engine.write(Batch::new().guard(&SPEND, args!["held", 7])).await })
    };
    let others = parallel(200, |number| {
        let engine = Arc::clone(&database.engine);
        async move { insert(&engine, &format!("{number}"), None).await }
    });
    assert!(others.await.iter().all(|outcome| *outcome == Ok(Written::Done)));
    assert!(!needs_it.is_finished(), "the others did not wait for the row");
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(needs_it.await.unwrap(), Ok(Written::Done));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let engine = Engine::open("postgres://nobody@%2Fnonexistent/none").unwrap();
    let refused = engine.ping().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let database = Database::postgres();
    database.engine.close().await;
    let refused = database.engine.ping().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

/// Conflicts carry index names, so both engines must have the same indexes; those SQLite names by itself it cannot
/// report.
#[tokio::test]
async fn both_engines_have_the_same_unique_indexes() {
    let (sqlite, postgres) = (Database::sqlite(), Database::postgres());
    let migrations: Vec<_> = MIGRATIONS.iter().chain([&crate::SAMPLE]).copied().collect();
    sqlite.engine.migrate(&migrations).await.unwrap();
    postgres.engine.migrate(&migrations).await.unwrap();
    let of_sqlite = unique_of_sqlite(sqlite.address.trim_start_matches("sqlite:"));
    let rows = postgres.engine.read(&UNIQUE, vec![]).await.unwrap();
    let of_postgres: BTreeSet<_> = rows
        .into_iter()
        .map(|row| {
            let mut row = row.reader("index");
            (row.text().unwrap(), row.text().unwrap())
        })
        .collect();
    assert!(of_sqlite.contains(&("thing".to_owned(), "thing_label".to_owned())));
    assert_eq!(of_sqlite, of_postgres);
}

fn unique_of_sqlite(path: &str) -> BTreeSet<(String, String)> {
    let connection = Connection::open(path).unwrap();
    let text = r#"SELECT t.name, CASE i.origin WHEN 'pk' THEN t.name || '_pkey' ELSE i.name END
                  FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i."unique""#;
    let mut statement = connection.prepare(text).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}
