//! Rows into a closed SQLite file.

use std::path::Path;

use rusqlite::{
    Connection, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use signet_store::sql::Value;

use super::Sink;
use crate::Failure;

/// The file.
pub struct File {
    connection: Connection,
    indexes: Vec<String>,
}

impl File {
    /// Opens it. Nothing of it is safe from a crash until it is finished, and nothing needs to be.
    pub fn open(path: &Path) -> Result<File, Failure> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
             PRAGMA cache_size=-524288; PRAGMA threads=2;",
        )?;
        Ok(File { connection, indexes: Vec::new() })
    }
}

/// A value as SQLite takes it.
struct Cell(Value);

impl rusqlite::ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match &self.0 {
            Value::Null => ValueRef::Null,
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(int) => ValueRef::Integer(*int),
            Value::Bool(bool) => ValueRef::Integer(i64::from(*bool)),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Sink for File {
    fn begin(&mut self, tables: &[&str]) -> Result<(), Failure> {
        for table in tables {
            let mut found = self
                .connection
                .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL")?;
            let rows =
                found.query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            for row in rows.collect::<Result<Vec<_>, _>>()? {
                self.connection.execute_batch(&format!("DROP INDEX {}", row.0))?;
                self.indexes.push(row.1);
            }
        }
        Ok(())
    }

    fn fill(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Value>>,
    ) -> Result<(), Failure> {
        let places = vec!["?"; columns.len()].join(", ");
        let transaction = self.connection.transaction()?;
        let mut insert = transaction
            .prepare(&format!("INSERT INTO {table} ({}) VALUES ({places})", columns.join(", ")))?;
        for row in rows {
            insert.execute(params_from_iter(row.into_iter().map(Cell)))?;
        }
        drop(insert);
        Ok(transaction.commit()?)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        for index in self.indexes.drain(..) {
            self.connection.execute_batch(&index)?;
        }
        Ok(self.connection.execute_batch("PRAGMA journal_mode=WAL;")?)
    }
}
