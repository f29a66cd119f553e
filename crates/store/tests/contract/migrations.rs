//! The schema is brought up to date once, whoever starts first.

use signet_store::{
    StoreError, args,
    migrations::MIGRATIONS,
    sql::{Migration, Sql},
};

use crate::{Database, SAMPLE, contract, int, parallel};

const SECOND: Migration = Migration {
    name: "second",
    text: "ALTER TABLE thing ADD COLUMN more {int}; INSERT INTO thing (id) VALUES ('x');",
};
const HALF_BROKEN: Migration = Migration {
    name: "half_broken",
    text: "CREATE TABLE half (id {int} NOT NULL); INSERT INTO absent VALUES (1);",
};
const VERSIONS: Sql = Sql { name: "versions", text: "SELECT count(*) FROM schema_version" };
const HALF: Sql = Sql { name: "half", text: "SELECT count(*) FROM half" };

contract!(
    the_product_migrates,
    twice_is_once,
    later_steps_are_added,
    nodes_that_start_together_migrate_once,
    a_database_of_the_future_is_refused,
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
