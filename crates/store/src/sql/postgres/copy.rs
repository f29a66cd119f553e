//! Whole tables out of a PostgreSQL database, and into an empty one.

use std::pin::pin;

use deadpool_postgres::{ClientWrapper, Object};
use futures_util::TryStreamExt as _;
use tokio_postgres::{binary_copy::BinaryCopyInWriter, types::Type};

use super::{
    DIALECT,
    connections::Connections,
    errors::store_error,
    values::{bind, from_postgres, to_postgres},
};
use crate::{
    StoreError,
    sql::{Row, Sql, Table, Value, copy},
};

const ROW: Sql = Sql { name: "copied row", text: "" };
const PRESENT: &str = "SELECT to_regclass($1::text) IS NOT NULL";

/// A connection of its own, outside the pool.
async fn connect(url: &str) -> Result<ClientWrapper, StoreError> {
    Connections::open(url)?.take().await.map(Object::take)
}

async fn begin(url: &str, mode: &str) -> Result<ClientWrapper, StoreError> {
    let client = connect(url).await?;
    // It does read whole tables.
    let settings =
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; RESET enable_seqscan;";
    let begun = client.batch_execute(&format!("{settings} BEGIN ISOLATION LEVEL {mode}")).await;
    begun.map_err(|error| store_error("transaction", &error))?;
    Ok(client)
}

async fn has(client: &ClientWrapper, table: &str) -> Result<bool, StoreError> {
    let found = client.query_one(PRESENT, &[&table]).await;
    found.and_then(|row| row.try_get(0)).map_err(|error| store_error("snapshot", &error))
}

/// A view that stays the same while others write.
pub(in crate::sql) struct Snapshot(ClientWrapper);

impl Snapshot {
    pub(in crate::sql) async fn open(url: &str) -> Result<Self, StoreError> {
        begin(url, "REPEATABLE READ READ ONLY").await.map(Self)
    }

    pub(in crate::sql) async fn has(&self, table: &str) -> Result<bool, StoreError> {
        has(&self.0, table).await
    }

    pub(in crate::sql) async fn read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        let fail = |error| store_error(sql.name, &error);
        let prepared = self.0.prepare(sql.text).await.map_err(fail)?;
        let args = bind(sql, &prepared, args)?;
        let rows = self.0.query(&prepared, &super::by_reference(&args)).await.map_err(fail)?;
        rows.iter().map(|row| from_postgres(sql, row)).collect()
    }

    pub(in crate::sql) async fn clock(&self) -> Result<i64, StoreError> {
        let asked = self.0.query_one("SELECT extract(epoch FROM clock_timestamp())::bigint", &[]).await;
        asked.and_then(|row| row.try_get(0)).map_err(|error| store_error("clock", &error))
    }

    pub(in crate::sql) async fn rows(
        &self,
        table: &Table,
        columns: impl FnOnce(Vec<String>) -> Result<(), copy::Error>,
        mut row: impl FnMut(Vec<Value>) -> Result<(), copy::Error>,
    ) -> Result<(), copy::Error> {
        let fail = |error| store_error(table.name, &error);
        let statement = self.0.prepare(&table.select()).await.map_err(fail)?;
        columns(statement.columns().iter().map(|column| column.name().to_owned()).collect())?;
        let none: [&str; 0] = [];
        let mut found = pin!(self.0.query_raw(&statement, none).await.map_err(fail)?);
        while let Some(next) = found.try_next().await.map_err(fail)? {
            let values = from_postgres(&ROW, &next)?.0;
            row(values.into_iter().map(without_bool).collect())?;
        }
        Ok(())
    }
}

/// One transaction: until it is finished nobody sees anything of it.
pub(in crate::sql) struct Loading(ClientWrapper);

impl Loading {
    pub(in crate::sql) async fn begin(url: &str, schema: &str) -> Result<Self, StoreError> {
        let client = begin(url, "READ COMMITTED").await?;
        let made = client.batch_execute(&DIALECT.render(schema)).await;
        made.map_err(|error| store_error("script", &error))?;
        Ok(Self(client))
    }

    pub(in crate::sql) async fn rows(
        &self,
        table: &Table,
        columns: &[String],
        rows: impl Iterator<Item = Result<Vec<Value>, copy::Error>>,
    ) -> Result<(), copy::Error> {
        let fail = |error| store_error(table.name, &error);
        let own = self.0.prepare(&table.select()).await.map_err(fail)?;
        copy::known_columns(table, columns, own.columns().iter().map(|column| column.name()))?;
        let named = self.0.prepare(&table.select_columns(columns)).await.map_err(fail)?;
        let types: Vec<Type> = named.columns().iter().map(|column| column.type_().clone()).collect();
        let sink = self.0.copy_in(&table.copy_in(columns)).await.map_err(fail)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in rows {
            let row: Vec<Value> = row?.into_iter().zip(&types).map(with_bool).collect();
            let misfit = || StoreError::corrupt(format!("a row of {} does not fit its columns", table.name));
            let typed = row.iter().zip(&types).map(|(value, ty)| to_postgres(value, ty).ok_or_else(misfit));
            let typed: Vec<_> = typed.collect::<Result<_, _>>()?;
            writer.as_mut().write(&super::by_reference(&typed)).await.map_err(fail)?;
        }
        writer.finish().await.map(drop).map_err(fail)?;
        Ok(())
    }

    pub(in crate::sql) async fn finish(self, rest: &str) -> Result<(), StoreError> {
        let done = self.0.batch_execute(&format!("{}\nCOMMIT", DIALECT.render(rest))).await;
        done.map_err(|error| store_error("script", &error))
    }
}

/// Whether the database has no schema of ours.
pub(in crate::sql) async fn is_free(url: &str) -> Result<bool, StoreError> {
    let client = connect(url).await?;
    has(&client, "schema_version").await.map(|found| !found)
}

/// A copied boolean is 0 or 1, as the other engine keeps it.
fn without_bool(value: Value) -> Value {
    match value {
        Value::Bool(bool) => Value::Int(i64::from(bool)),
        value => value,
    }
}

fn with_bool((value, ty): (Value, &Type)) -> Value {
    match value {
        Value::Int(int @ (0 | 1)) if *ty == Type::BOOL => Value::Bool(int == 1),
        value => value,
    }
}
