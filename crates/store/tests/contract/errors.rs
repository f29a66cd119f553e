//! Refusals carry the same names on both engines.

use signet_store::{
    StoreError, args,
    sql::{Batch, Engine, Sql, Value, Written},
};

use crate::{Database, INSERT, SPEND, contract, insert};

const PART: Sql = Sql { name: "part_insert", text: "INSERT INTO part (thing, number) VALUES ($1, $2)" };
const PAIR: Sql =
    Sql { name: "thing_pair", text: "INSERT INTO thing (id, amount, flag) VALUES ($1, $2, $3)" };
const REMOVE: Sql = Sql { name: "thing_remove", text: "DELETE FROM thing WHERE id = $1" };
const BROKEN: Sql = Sql { name: "broken", text: "SELECT nothing FROM nowhere" };

contract!(
    unique_indexes_are_named,
    a_missing_reference_is_a_conflict,
    other_constraints_are_internal,
    a_wrong_number_of_arguments_is_caught,
    a_broken_statement_is_internal_and_named,
    errors_do_not_show_arguments,
);

async fn refusal(engine: &Engine, sql: &'static Sql, args: Vec<Value>) -> StoreError {
    engine.write(Batch::new().then(sql, args)).await.unwrap_err()
}

fn conflict(name: &str) -> StoreError {
    StoreError::Conflict { constraint: name.to_owned() }
}

async fn unique_indexes_are_named(database: Database) {
    let database = database.with_sample().await;
    let engine = &database.engine;
    database.insert("one", Some("label")).await;
    assert_eq!(insert(engine, "one", None).await, Err(conflict("thing_pkey")));
    assert_eq!(insert(engine, "two", Some("label")).await, Err(conflict("thing_label")));
    let pair = |id: &str| Batch::new().then(&PAIR, args![id, 1, true]);
    assert_eq!(engine.write(pair("three")).await, Ok(Written::Done));
    assert_eq!(engine.write(pair("four")).await, Err(conflict("thing_amount_flag")));
    let part = || Batch::new().guard(&PART, args!["one", 1]);
    assert_eq!(engine.write(part()).await, Ok(Written::Done));
    assert_eq!(engine.write(part()).await, Err(conflict("part_pkey")));
}

async fn a_missing_reference_is_a_conflict(database: Database) {
    let database = database.with_sample().await;
    let engine = &database.engine;
    assert_eq!(refusal(engine, &PART, args!["absent", 1]).await, conflict(StoreError::FOREIGN_KEY));
    database.insert("one", None).await;
    assert_eq!(engine.write(Batch::new().then(&PART, args!["one", 1])).await, Ok(Written::Done));
    assert_eq!(refusal(engine, &REMOVE, args!["one"]).await, conflict(StoreError::FOREIGN_KEY));
}

async fn other_constraints_are_internal(database: Database) {
    let database = database.with_sample().await;
    database.insert("one", None).await;
    let below_one = refusal(&database.engine, &PART, args!["one", 0]).await;
    assert!(matches!(below_one, StoreError::Internal(_)), "{below_one:?}");
    let no_key = refusal(&database.engine, &INSERT, args![None::<&str>, "l"]).await;
    assert!(matches!(no_key, StoreError::Internal(_)), "{no_key:?}");
}

async fn a_wrong_number_of_arguments_is_caught(database: Database) {
    let database = database.with_sample().await;
    let engine = &database.engine;
    for args in [args!["one"], args!["one", 1, 2], args![]] {
        let refused = engine.write(Batch::new().guard(&SPEND, args.clone())).await;
        assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
        let refused = engine.write(Batch::new().then(&SPEND, args)).await;
        assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    }
    let refused = engine.read(&crate::COUNT, args![1]).await;
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
}

async fn a_broken_statement_is_internal_and_named(database: Database) {
    let error = database.engine.read(&BROKEN, args![]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Internal(detail) if detail.starts_with("broken: ")), "{error:?}");
}

async fn errors_do_not_show_arguments(database: Database) {
    let database = database.with_sample().await;
    database.insert("one", Some("confidential")).await;
    let error = insert(&database.engine, "two", Some("confidential")).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("confidential"));
}
