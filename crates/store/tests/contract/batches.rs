//! A batch happens as a whole or not at all.

use std::sync::Arc;

use signet_store::{
    StoreError, args,
    sql::{Batch, Sql, Written},
};

use crate::{Database, INSERT, SPEND, contract, insert, int, parallel};

const AMOUNT: Sql = Sql { name: "thing_amount", text: "SELECT amount FROM thing WHERE id = $1" };
const HOLD: Sql = Sql { name: "thing_hold", text: "SELECT 1 FROM thing WHERE id = $1 AND amount IS NULL" };
const HOLD_ALL: Sql = Sql { name: "thing_hold_all", text: "SELECT 1 FROM thing WHERE amount IS NULL" };
const SEE: Sql = Sql { name: "thing_see", text: "UPDATE thing SET flag = TRUE WHERE id <> 'gate'" };
const UNSEEN: Sql =
    Sql { name: "thing_unseen", text: "SELECT count(*) FROM thing WHERE id <> 'gate' AND flag IS NULL" };
const TOUCH_ALL: Sql = Sql { name: "thing_touch_all", text: "UPDATE thing SET label = label" };
const ADD: Sql = Sql { name: "thing_add", text: "UPDATE thing SET amount = amount + $2 WHERE id = $1" };

contract!(
    one_of_many_spends,
    a_refused_guard_leaves_nothing,
    the_refused_guard_is_named,
    a_guard_on_several_rows_is_refused,
    a_row_that_cannot_be_held_refuses_the_batch,
    a_hold_and_a_change_cannot_miss_each_other,
    a_guarded_insert_is_refused_where_the_row_exists,
    a_conflict_undoes_only_its_own_batch,
    later_statements_see_earlier_ones,
    nothing_is_lost_between_parallel_writers,
    an_empty_batch_is_done,
    a_caller_that_leaves_does_no_harm,
);

async fn one_of_many_spends(database: Database) {
    let database = database.with_sample().await;
    database.insert("code", None).await;
    let outcomes = parallel(64, |number| {
        let engine = Arc::clone(&database.engine);
        let number = i64::try_from(number).unwrap();
        async move { (number, engine.write(Batch::new().guard(&SPEND, args!["code", number])).await) }
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|(_, outcome)| *outcome == Ok(Written::Done));
    assert_eq!(won.len(), 1, "{lost:?}");
    assert!(lost.iter().all(|(_, outcome)| *outcome == Ok(Written::Refused { statement: 0 })), "{lost:?}");
    assert_eq!(int(&database.engine, &AMOUNT, args!["code"]).await, won[0].0);
}

async fn a_refused_guard_leaves_nothing(database: Database) {
    let database = database.with_sample().await;
    let batch = Batch::new()
        .then(&INSERT, args!["before", "b"])
        .guard(&SPEND, args!["absent", 1])
        .then(&INSERT, args!["after", "a"]);
    assert_eq!(database.engine.write(batch).await, Ok(Written::Refused { statement: 1 }));
    assert_eq!(database.count().await, 0);
}

async fn the_refused_guard_is_named(database: Database) {
    let database = database.with_sample().await;
    database.insert("one", None).await;
    let first = Batch::new().guard(&SPEND, args!["one", 1]);
    let second = Batch::new().then(&INSERT, args!["two", "t"]).guard(&SPEND, args!["one", 2]);
    let outcome = database.engine.write(first.chain(second)).await;
    assert_eq!(outcome, Ok(Written::Refused { statement: 2 }));
    assert_eq!(database.count().await, 1);
}

async fn a_row_that_cannot_be_held_refuses_the_batch(database: Database) {
    let database = database.with_sample().await;
    for name in ["one", "two"] {
        database.insert(name, None).await;
    }
    let held = |sql, args| Batch::new().then(&INSERT, args!["new", "n"]).hold(sql, args);
    assert_eq!(
        database.engine.write(held(&HOLD, args!["absent"])).await,
        Ok(Written::Refused { statement: 1 })
    );
    assert_eq!(database.engine.write(held(&HOLD_ALL, args![])).await, Ok(Written::Refused { statement: 1 }));
    assert_eq!(database.count().await, 2);
    assert_eq!(database.engine.write(held(&HOLD, args!["one"])).await, Ok(Written::Done));
    assert_eq!(database.count().await, 3);
}

/// Rows are made while the gate is unspent; whoever spends it marks all there are in the same batch.
async fn a_hold_and_a_change_cannot_miss_each_other(database: Database) {
    let database = database.with_sample().await;
    database.insert("gate", None).await;
    let outcomes = parallel(64, |number| {
        let engine = Arc::clone(&database.engine);
        async move {
            match number {
                32 => engine.write(Batch::new().guard(&SPEND, args!["gate", 1]).then(&SEE, args![])),
                _ => {
                    let row = args![format!("{number}"), None::<&str>];
                    engine.write(Batch::new().hold(&HOLD, args!["gate"]).then(&INSERT, row))
                }
            }
            .await
        }
    })
    .await;
    let made = outcomes.iter().filter(|outcome| **outcome == Ok(Written::Done)).count();
    let rows = usize::try_from(database.count().await).unwrap();
    assert_eq!(rows, made, "the gate, and each row whose maker was told that it stands");
    assert_eq!(int(&database.engine, &UNSEEN, args![]).await, 0, "made after the gate was spent");
}

async fn a_guard_on_several_rows_is_refused(database: Database) {
    let database = database.with_sample().await;
    database.insert("one", None).await;
    database.insert("two", None).await;
    let outcome = database.engine.write(Batch::new().guard(&TOUCH_ALL, args![])).await;
    assert_eq!(outcome, Ok(Written::Refused { statement: 0 }));
}

async fn a_guarded_insert_is_refused_where_the_row_exists(database: Database) {
    const ONCE: Sql =
        Sql { name: "once", text: "INSERT INTO thing (id) VALUES ($1) ON CONFLICT (id) DO NOTHING" };
    let database = database.with_sample().await;
    let outcomes = parallel(16, |_| {
        let engine = Arc::clone(&database.engine);
        async move { engine.write(Batch::new().guard(&ONCE, args!["jti"])).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(Written::Done)).count(), 1, "{outcomes:?}");
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == Ok(Written::Refused { statement: 0 })).count(),
        15,
        "{outcomes:?}"
    );
}

async fn a_conflict_undoes_only_its_own_batch(database: Database) {
    let database = database.with_sample().await;
    database.insert("taken", Some("taken")).await;
    let outcomes = parallel(51, |number| {
        let engine = Arc::clone(&database.engine);
        let (first, second) = (format!("a{number}"), format!("b{number}"));
        let label = if number == 25 { "taken".to_owned() } else { format!("l{number}") };
        let batch =
            Batch::new().then(&INSERT, args![first, None::<&str>]).then(&INSERT, args![second, label]);
        async move { engine.write(batch).await }
    })
    .await;
    for (number, outcome) in outcomes.iter().enumerate() {
        match number {
            25 => assert_eq!(*outcome, Err(StoreError::Conflict { constraint: "thing_label".to_owned() })),
            _ => assert_eq!(*outcome, Ok(Written::Done)),
        }
    }
    assert_eq!(database.count().await, 1 + 50 * 2);
}

async fn later_statements_see_earlier_ones(database: Database) {
    let database = database.with_sample().await;
    let batch = Batch::new().then(&INSERT, args!["one", "l"]).guard(&SPEND, args!["one", 5]);
    assert_eq!(database.engine.write(batch).await, Ok(Written::Done));
    assert_eq!(int(&database.engine, &AMOUNT, args!["one"]).await, 5);
}

async fn nothing_is_lost_between_parallel_writers(database: Database) {
    let database = database.with_sample().await;
    for id in ["left", "right"] {
        database.insert(id, None).await;
        let started = database.engine.write(Batch::new().guard(&SPEND, args![id, 0])).await;
        assert_eq!(started, Ok(Written::Done));
    }
    // Half of them lock the two rows in the opposite order, which PostgreSQL ends as a deadlock and the seam retries.
    let outcomes = parallel(40, |number| {
        let engine = Arc::clone(&database.engine);
        let (first, second) = if number % 2 == 0 { ("left", "right") } else { ("right", "left") };
        let batch = Batch::new().guard(&ADD, args![first, 1]).guard(&ADD, args![second, 1]);
        async move { engine.write(batch).await }
    })
    .await;
    let done = outcomes.iter().filter(|outcome| **outcome == Ok(Written::Done)).count();
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(Written::Done) | Err(StoreError::Busy))),
        "{outcomes:?}"
    );
    assert!(done > 0);
    for id in ["left", "right"] {
        assert_eq!(int(&database.engine, &AMOUNT, args![id]).await, i64::try_from(done).unwrap());
    }
}

async fn an_empty_batch_is_done(database: Database) {
    assert_eq!(database.engine.write(Batch::new()).await, Ok(Written::Done));
}

async fn a_caller_that_leaves_does_no_harm(database: Database) {
    let database = database.with_sample().await;
    for number in 0..20 {
        let engine = Arc::clone(&database.engine);
        let id = format!("left{number}");
        let task = tokio::spawn(async move { insert(&engine, &id, None).await });
        tokio::task::yield_now().await;
        task.abort();
    }
    database.insert("stayed", Some("stayed")).await;
    let outcome = database.engine.write(Batch::new().guard(&SPEND, args!["stayed", 1])).await;
    assert_eq!(outcome, Ok(Written::Done));
}
