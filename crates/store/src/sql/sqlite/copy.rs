//! Whole tables out of an embedded database, and into a new one.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::{
    DIALECT, SqliteOptions, connect_reader, create_private, from_sqlite, query, store_error, to_sqlite,
};
use crate::{
    StoreError,
    sql::{Row, Sql, Table, Value, copy},
};

const ROW: Sql = Sql { name: "copied row", text: "" };

/// A view that stays the same while others write. It takes no lock from the writer.
pub(in crate::sql) struct Snapshot(Connection);

impl Snapshot {
    pub(in crate::sql) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect_reader(path, SqliteOptions::default().patience)?;
        // The view begins with the first read.
        let begun = connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;");
        begun.map_err(|error| store_error("snapshot", &error))?;
        Ok(Self(connection))
    }

    pub(in crate::sql) fn has(&self, table: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = $1";
        self.0.query_row(sql, [table], |row| row.get(0)).map_err(|error| store_error("snapshot", &error))
    }

    pub(in crate::sql) fn read(&self, sql: &Sql, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        query(&self.0, sql, args)
    }

    pub(in crate::sql) fn rows(
        &self,
        table: &Table,
        columns: impl FnOnce(Vec<String>) -> Result<(), copy::Error>,
        mut row: impl FnMut(Vec<Value>) -> Result<(), copy::Error>,
    ) -> Result<(), copy::Error> {
        let fail = |error| store_error(table.name, &error);
        let mut statement = self.0.prepare(&table.select()).map_err(fail)?;
        columns(statement.column_names().map(str::to_owned).collect())?;
        let count = statement.column_count();
        let mut cursor = statement.raw_query();
        while let Some(found) = cursor.next().map_err(fail)? {
            let values = (0..count).map(|at| from_sqlite(&ROW, found.get_ref(at).map_err(fail)?));
            row(values.collect::<Result<_, _>>()?)?;
        }
        Ok(())
    }
}

/// A new database under a temporary name; it has its own name only once it is complete and on the disk.
pub(in crate::sql) struct Loading {
    connection: Option<Connection>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Loading {
    pub(in crate::sql) fn begin(path: &Path, schema: &str) -> Result<Self, StoreError> {
        let temporary = beside(path, ".restoring");
        remove(&temporary).map_err(|error| unavailable(&temporary, &error))?;
        create_private(&temporary)?;
        let fail = |error: rusqlite::Error| store_error(&temporary.display().to_string(), &error);
        let connection = Connection::open(&temporary).map_err(fail)?;
        // Half of it is worth nothing, so nothing is kept safe before the end.
        let script = format!(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; BEGIN;\n{}",
            DIALECT.render(schema)
        );
        connection.execute_batch(&script).map_err(fail)?;
        Ok(Self { connection: Some(connection), temporary, path: path.to_owned() })
    }

    pub(in crate::sql) fn rows(
        &self,
        table: &Table,
        columns: &[String],
        rows: impl Iterator<Item = Result<Vec<Value>, copy::Error>>,
    ) -> Result<(), copy::Error> {
        let fail = |error: rusqlite::Error| {
            copy::Error::Store(StoreError::corrupt(format!("{} does not take it: {error}", table.name)))
        };
        let connection = self.connection()?;
        copy::known_columns(
            table,
            columns,
            connection.prepare(&table.select()).map_err(fail)?.column_names(),
        )?;
        let mut statement = connection.prepare(&table.insert(columns)).map_err(fail)?;
        for row in rows {
            for (at, value) in (1..).zip(&row?) {
                statement.raw_bind_parameter(at, to_sqlite(value)).map_err(fail)?;
            }
            statement.raw_execute().map_err(fail)?;
        }
        Ok(())
    }

    pub(in crate::sql) fn finish(mut self, rest: &str) -> Result<(), StoreError> {
        let fail = |error: rusqlite::Error| store_error("restored database", &error);
        self.connection()?.execute_batch(&format!("{}\nCOMMIT;", DIALECT.render(rest))).map_err(fail)?;
        if let Some(connection) = self.connection.take() {
            connection.close().map_err(|(_, error)| fail(error))?;
        }
        let placed = File::open(&self.temporary)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .and_then(|()| File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all());
        placed.map_err(|error| unavailable(&self.path, &error))
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError::Internal("the restored database is closed".to_owned()))
    }
}

/// What did not become a database leaves nothing.
impl Drop for Loading {
    fn drop(&mut self) {
        drop(self.connection.take());
        if let Err(error) = remove(&self.temporary) {
            tracing::warn!(%error, path = %self.temporary.display(), "an unfinished database was not removed");
        }
    }
}

/// Whether there is nothing at `path`: neither a database nor a log, which SQLite would take for a new one's.
pub(in crate::sql) fn is_free(path: &Path) -> bool {
    ["", "-wal", "-journal"].iter().all(|ending| !beside(path, ending).exists())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unavailable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}
