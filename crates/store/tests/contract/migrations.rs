//! The schema is brought up to date once, whoever starts first.

use signet_store::{
    StoreError, args,
    migrations::MIGRATIONS,
    sql::{Batch, Migration, Sql, Written},
};

use crate::{Database, SAMPLE, contract, int, parallel};

const SECOND: Migration = Migration {
    name: "second",
    text: "ALTER TABLE thing ADD COLUMN more {int}; INSERT INTO thing (id) VALUES ('x');",
    oldest: 2,
};
const HALF_BROKEN: Migration = Migration {
    name: "half_broken",
    text: "CREATE TABLE half (id {int} NOT NULL); INSERT INTO absent VALUES (1);",
    oldest: 2,
};
/// What only adds: the binaries of the version before go on.
const ADDING: Migration = Migration {
    name: "adding",
    text: "ALTER TABLE thing ADD COLUMN more {int}; CREATE TABLE other (id {int} NOT NULL);",
    oldest: 1,
};
const HARMLESS: Migration = Migration { name: "harmless", text: "DELETE FROM other;", oldest: 1 };
const FORGET: Sql = Sql { name: "forget", text: "DROP TABLE schema_oldest" };
const VERSIONS: Sql = Sql { name: "versions", text: "SELECT count(*) FROM schema_version" };
const HALF: Sql = Sql { name: "half", text: "SELECT count(*) FROM half" };

contract!(
    the_product_migrates,
    twice_is_once,
    later_steps_are_added,
    nodes_that_start_together_migrate_once,
    a_database_of_the_future_is_refused,
    a_database_of_the_future_that_takes_us_is_used,
    nodes_of_both_versions_start_together,
    a_database_of_the_first_release_is_migrated,
    an_altered_step_is_refused,
    a_step_that_fails_leaves_nothing,
);

async fn the_product_migrates(database: Database) {
    assert_eq!(database.engine.migrate(MIGRATIONS).await, Ok(MIGRATIONS.len()));
    assert_eq!(database.engine.migrate(MIGRATIONS).await, Ok(0));
}

async fn twice_is_once(database: Database) {
    assert_eq!(database.engine.migrate(&[SAMPLE]).await, Ok(1));
    assert_eq!(database.engine.migrate(&[SAMPLE]).await, Ok(0));
    assert_eq!(database.again().migrate(&[SAMPLE]).await, Ok(0));
}

async fn later_steps_are_added(database: Database) {
    assert_eq!(database.engine.migrate(&[SAMPLE]).await, Ok(1));
    assert_eq!(database.engine.migrate(&[SAMPLE, SECOND]).await, Ok(1));
    assert_eq!(database.count().await, 1);
}

async fn nodes_that_start_together_migrate_once(database: Database) {
    let applied = parallel(6, |_| {
        let node = database.again();
        async move { node.migrate(&[SAMPLE, SECOND]).await.unwrap() }
    })
    .await;
    assert_eq!(applied.iter().sum::<usize>(), 2, "{applied:?}");
    assert_eq!(int(&database.engine, &VERSIONS, args![]).await, 2);
    assert_eq!(database.count().await, 1);
}

async fn a_database_of_the_future_is_refused(database: Database) {
    database.engine.migrate(&[SAMPLE, SECOND]).await.unwrap();
    let refused = database.engine.migrate(&[SAMPLE]).await;
    assert!(
        matches!(&refused, Err(StoreError::Schema(text)) if text.contains("newer Signet")),
        "{refused:?}"
    );
}

async fn a_database_of_the_future_that_takes_us_is_used(database: Database) {
    database.engine.migrate(&[SAMPLE, ADDING]).await.unwrap();
    assert_eq!(database.again().migrate(&[SAMPLE]).await, Ok(0));
    database.insert("one", Some("label")).await;
    assert_eq!(database.count().await, 1);
    database.engine.migrate(&[SAMPLE, ADDING, Migration { oldest: 2, ..HARMLESS }]).await.unwrap();
    let refused = database.again().migrate(&[SAMPLE]).await;
    assert!(
        matches!(&refused, Err(StoreError::Schema(text)) if text.contains("version 3 is one")),
        "{refused:?}"
    );
    assert_eq!(database.again().migrate(&[SAMPLE, ADDING]).await, Ok(0));
}

async fn nodes_of_both_versions_start_together(database: Database) {
    let applied = parallel(6, |number| {
        let node = database.again();
        async move {
            let steps: &[Migration] = if number % 2 == 0 { &[SAMPLE] } else { &[SAMPLE, ADDING] };
            node.migrate(steps).await.unwrap()
        }
    })
    .await;
    assert_eq!(applied.iter().sum::<usize>(), 2, "{applied:?}");
}

/// As the first release left it: without `schema_oldest`.
async fn a_database_of_the_first_release_is_migrated(database: Database) {
    database.engine.migrate(&[SAMPLE]).await.unwrap();
    assert_eq!(database.engine.write(Batch::new().then(&FORGET, args![])).await, Ok(Written::Done));
    assert_eq!(database.again().migrate(&[SAMPLE, ADDING]).await, Ok(1));
    assert_eq!(database.again().migrate(&[SAMPLE]).await, Ok(0));
}

async fn an_altered_step_is_refused(database: Database) {
    database.engine.migrate(&[SAMPLE]).await.unwrap();
    let refused = database.engine.migrate(&[Migration { text: SECOND.text, ..SAMPLE }]).await;
    assert!(matches!(&refused, Err(StoreError::Schema(text)) if text.contains("sample")), "{refused:?}");
}

async fn a_step_that_fails_leaves_nothing(database: Database) {
    let refused = database.engine.migrate(&[SAMPLE, HALF_BROKEN]).await;
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    assert_eq!(int(&database.engine, &VERSIONS, args![]).await, 1);
    assert!(database.engine.read(&HALF, args![]).await.is_err());
    assert_eq!(database.engine.migrate(&[SAMPLE, SECOND]).await, Ok(1));
}
