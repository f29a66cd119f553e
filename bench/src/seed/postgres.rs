//! Rows into PostgreSQL, by COPY.

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use signet_store::sql::Value;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use super::Sink;
use crate::Failure;

/// Bytes that are sent at once.
const CHUNK: usize = 256 * 1024;

/// A connection, and what runs it.
pub struct Server {
    runtime: Runtime,
    client: Client,
    indexes: Vec<String>,
}

impl Server {
    /// Connects.
    pub fn connect(url: &str) -> Result<Server, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
        runtime.spawn(connection);
        Ok(Server { runtime, client, indexes: Vec::new() })
    }

    fn run(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }
}

impl Sink for Server {
    fn begin(&mut self, tables: &[&str]) -> Result<(), Failure> {
        for table in tables {
            let found = self.runtime.block_on(self.client.query(
                "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = $1 AND NOT EXISTS
                     (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
                &[table],
            ))?;
            for row in found {
                let (name, definition): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
                self.run(&format!("DROP INDEX {name}"))?;
                self.indexes.push(definition.to_owned());
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
        let copy = format!("COPY {table} ({}) FROM STDIN", columns.join(", "));
        self.runtime.block_on(async {
            let mut sink = pin!(self.client.copy_in::<_, Bytes>(&copy).await?);
            let mut text = String::with_capacity(CHUNK + 4096);
            for row in rows {
                put(&mut text, &row);
                if text.len() >= CHUNK {
                    sink.send(Bytes::from(std::mem::replace(&mut text, String::with_capacity(CHUNK + 4096))))
                        .await?;
                }
            }
            sink.send(Bytes::from(text)).await?;
            sink.finish().await?;
            Ok(())
        })
    }

    fn finish(&mut self) -> Result<(), Failure> {
        for index in std::mem::take(&mut self.indexes) {
            self.run(&index)?;
        }
        self.run("VACUUM (ANALYZE)")?;
        self.run("CHECKPOINT")
    }
}

/// A row in COPY's text form.
fn put(text: &mut String, row: &[Value]) {
    for (number, value) in row.iter().enumerate() {
        if number > 0 {
            text.push('\t');
        }
        match value {
            Value::Null => text.push_str("\\N"),
            Value::Int(int) => text.push_str(&int.to_string()),
            Value::Bool(bool) => text.push_str(if *bool { "t" } else { "f" }),
            Value::Text(own) if own.contains(['\\', '\t', '\n']) => {
                text.push_str(&own.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n"));
            }
            Value::Text(own) => text.push_str(own),
            Value::Bytes(bytes) => {
                text.push_str("\\\\x");
                bytes.iter().for_each(|byte| text.extend(hex(*byte)));
            }
        }
    }
    text.push('\n');
}

fn hex(byte: u8) -> impl Iterator<Item = char> {
    [byte >> 4, byte & 15].into_iter().filter_map(|half| char::from_digit(half.into(), 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_escaped() {
        let mut text = String::new();
        put(
            &mut text,
            &[Value::Null, Value::Text("a\\b\tc".into()), Value::Bytes(vec![0, 255]), Value::Bool(true)],
        );
        assert_eq!(text, "\\N\ta\\\\b\\tc\t\\\\x00ff\tt\n");
    }
}
