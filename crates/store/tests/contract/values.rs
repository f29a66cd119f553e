//! What was written is what is read.

use signet_store::{
    StoreError, args,
    sql::{Batch, Sql, Value, Written},
};

use crate::{Database, contract, int};

const STORE: Sql = Sql {
    name: "thing_store",
    text: "INSERT INTO thing (id, label, amount, flag, content) VALUES ($1, $2, $3, $4, $5)",
};
const LOAD: Sql =
    Sql { name: "thing_load", text: "SELECT label, amount, flag, content FROM thing WHERE id = $1" };
/// The placeholders appear out of order, and one of them twice.
const STORE_REVERSED: Sql = Sql {
    name: "thing_store_reversed",
    text: "INSERT INTO thing (content, amount, label, id) VALUES ($3, $2, $1, $1)",
};
const FLAGGED: Sql = Sql { name: "thing_flagged", text: "SELECT count(*) FROM thing WHERE flag = $1" };
const PAGE: Sql = Sql { name: "thing_page", text: "SELECT id FROM thing WHERE id > $1 ORDER BY id LIMIT $2" };
const ONE_AND_NULL: Sql = Sql { name: "constants", text: "SELECT 1, CAST(NULL AS TEXT)" };

contract!(
    values_come_back,
    placeholders_go_by_number,
    booleans_can_be_asked_for,
    a_page_can_be_read,
    constants_can_be_read,
    a_nul_character_is_refused,
);

async fn values_come_back(database: Database) {
    let database = database.with_sample().await;
    let texts = [None, Some(""), Some("汉字 🦀 ' \" \\ $1 \n"), Some("\u{7f}\u{feff}")];
    let ints = [None, Some(i64::MIN), Some(i64::MAX), Some(0), Some(-1)];
    let bools = [None, Some(true), Some(false)];
    let contents = [None, Some(vec![]), Some(vec![0, 255, 39, 92]), Some(vec![7; 100_000])];
    for turn in 0..5 {
        let id = format!("thing {turn}");
        let (text, int, bool) = (texts[turn % 4], ints[turn], bools[turn % 3]);
        let content = contents[turn % 4].clone();
        let label = text.map(|text| format!("{text}{turn}"));
        let row = args![&id, label.clone(), int, bool, content.clone()];
        assert_eq!(database.engine.write(Batch::new().guard(&STORE, row)).await, Ok(Written::Done));
        let mut rows = database.engine.read(&LOAD, args![&id]).await.unwrap();
        let mut row = rows.pop().unwrap().reader("thing");
        assert_eq!(row.opt_text().unwrap(), label);
        assert_eq!(row.opt_int().unwrap(), int);
        assert_eq!(row.opt_bool().unwrap(), bool);
        assert_eq!(row.opt_bytes().unwrap(), content);
        row.finish().unwrap();
        assert!(rows.is_empty());
    }
}

async fn placeholders_go_by_number(database: Database) {
    let database = database.with_sample().await;
    let batch = Batch::new().guard(&STORE_REVERSED, args!["both", 42, b"bytes"]);
    assert_eq!(database.engine.write(batch).await, Ok(Written::Done));
    let mut row = database.engine.read(&LOAD, args!["both"]).await.unwrap().pop().unwrap().reader("thing");
    assert_eq!(row.text().unwrap(), "both");
    assert_eq!(row.int().unwrap(), 42);
    assert_eq!(row.opt_bool().unwrap(), None);
    assert_eq!(row.bytes().unwrap(), b"bytes");
}

async fn booleans_can_be_asked_for(database: Database) {
    let database = database.with_sample().await;
    for (id, flag) in [("a", true), ("b", true), ("c", false)] {
        let row = args![id, None::<&str>, None::<i64>, flag, None::<Vec<u8>>];
        assert_eq!(database.engine.write(Batch::new().then(&STORE, row)).await, Ok(Written::Done));
    }
    assert_eq!(int(&database.engine, &FLAGGED, args![true]).await, 2);
    assert_eq!(int(&database.engine, &FLAGGED, args![false]).await, 1);
}

async fn a_page_can_be_read(database: Database) {
    let database = database.with_sample().await;
    for id in ["a", "b", "c", "d"] {
        database.insert(id, None).await;
    }
    let rows = database.engine.read(&PAGE, args!["a", 2]).await.unwrap();
    let ids: Vec<_> = rows.into_iter().map(|row| row.reader("page").text().unwrap()).collect();
    assert_eq!(ids, ["b", "c"]);
}

async fn constants_can_be_read(database: Database) {
    let mut row =
        database.engine.read(&ONE_AND_NULL, args![]).await.unwrap().pop().unwrap().reader("constants");
    assert_eq!(row.int().unwrap(), 1);
    assert_eq!(row.opt_text().unwrap(), None);
    row.finish().unwrap();
}

async fn a_nul_character_is_refused(database: Database) {
    let database = database.with_sample().await;
    let refused = database.engine.read(&LOAD, args!["a\0b"]).await;
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    let row = args!["id", Value::Text("\0".to_owned()), None::<i64>, None::<bool>, None::<Vec<u8>>];
    let refused = database.engine.write(Batch::new().then(&STORE, row)).await;
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
}
