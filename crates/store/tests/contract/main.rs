//! What both engines promise. Every promise is a function over an [`Engine`], run on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod batches;
mod errors;
mod migrations;
mod nouns;
mod postgres;
mod postgres_tls;
mod schema;
mod sqlite;
mod statements;
mod values;

use std::{future::Future, sync::Arc};

use signet_store::sql::{Batch, Engine, Migration, Sql, Value, Written};
use signet_testkit::postgres::fresh_database;
use tempfile::TempDir;

/// Tables with one of everything the dialect has.
pub const SAMPLE: Migration = Migration {
    name: "sample",
    text: "CREATE TABLE thing (
               id TEXT NOT NULL,
               label TEXT,
               amount {int},
               flag {bool},
               content {bytes},
               PRIMARY KEY (id)
           ) {clustered};
           CREATE UNIQUE INDEX thing_label ON thing (label);
           CREATE UNIQUE INDEX thing_amount_flag ON thing (amount, flag) WHERE flag IS NOT NULL;
           CREATE TABLE part (
               thing TEXT NOT NULL REFERENCES thing (id),
               number {int} NOT NULL CHECK (number > 0),
               PRIMARY KEY (thing, number)
           ) {clustered};",
    oldest: 1,
};

pub const INSERT: Sql = Sql { name: "thing_insert", text: "INSERT INTO thing (id, label) VALUES ($1, $2)" };
pub const SPEND: Sql =
    Sql { name: "thing_spend", text: "UPDATE thing SET amount = $2 WHERE id = $1 AND amount IS NULL" };
pub const COUNT: Sql = Sql { name: "thing_count", text: "SELECT count(*) FROM thing" };

/// An engine with the sample tables, and whatever must live as long as it does.
pub struct Database {
    pub engine: Arc<Engine>,
    pub address: String,
    _directory: Option<TempDir>,
}

impl Database {
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", directory.path().join("signet.db").display());
        Self { engine: Arc::new(Engine::open(&address).unwrap()), address, _directory: Some(directory) }
    }

    pub fn postgres() -> Self {
        let address = fresh_database();
        Self { engine: Arc::new(Engine::open(&address).unwrap()), address, _directory: None }
    }

    /// A second engine on the same data: another node, or the process after a restart.
    pub fn again(&self) -> Engine {
        Engine::open(&self.address).unwrap()
    }

    pub async fn with_sample(self) -> Self {
        self.engine.migrate(&[SAMPLE]).await.unwrap();
        self
    }

    pub async fn insert(&self, id: &str, label: Option<&str>) {
        assert_eq!(insert(&self.engine, id, label).await, Ok(Written::Done));
    }

    pub async fn count(&self) -> i64 {
        int(&self.engine, &COUNT, vec![]).await
    }
}

pub async fn insert(
    engine: &Engine,
    id: &str,
    label: Option<&str>,
) -> Result<Written, signet_store::StoreError> {
    engine.write(Batch::new().then(&INSERT, signet_store::args![id, label])).await
}

/// The single integer a statement answers with.
pub async fn int(engine: &Engine, sql: &'static Sql, args: Vec<Value>) -> i64 {
    let rows = engine.read(sql, args).await.unwrap();
    rows.into_iter().next().unwrap().reader("single").int().unwrap()
}

/// Runs `count` tasks at once on all threads and returns what each came to.
pub async fn parallel<F>(count: usize, work: impl Fn(usize) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(work(number))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

/// Makes a test of each named function for each engine, on four threads.
#[macro_export]
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { super::$name($crate::Database::sqlite()).await; }
        )* }
        mod on_postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { super::$name($crate::Database::postgres()).await; }
        )* }
    };
}
