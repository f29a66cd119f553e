//! SQLite's errors in the store's words.

use rusqlite::{Connection, Error, ErrorCode, ffi};

use crate::StoreError;

/// The unique indexes of a table with their columns, in order.
const UNIQUE_INDEXES: &str = r#"
SELECT list.name, list.origin,
       (SELECT group_concat(info.name, ', ' ORDER BY info.seqno) FROM pragma_index_info(list.name) AS info)
FROM pragma_index_list($1) AS list WHERE list."unique""#;

/// An error that no constraint explains.
pub(super) fn store_error(what: &str, error: &Error) -> StoreError {
    let detail = format!("{what}: {error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::corrupt(detail),
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => StoreError::Unavailable(detail),
        _ => StoreError::Internal(detail),
    }
}

/// An error of a writing statement: the constraint that refused it, if one did.
pub(super) fn write_error(connection: &Connection, what: &str, error: &Error) -> StoreError {
    let Error::SqliteFailure(failure, message) = error else { return store_error(what, error) };
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            StoreError::conflict(unique_name(connection, message.as_deref().unwrap_or_default()))
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::conflict(StoreError::FOREIGN_KEY),
        _ => store_error(what, error),
    }
}

/// SQLite says `… failed: table.column, table.column`, or `index 'name'` where a column is an expression.
fn unique_name(connection: &Connection, message: &str) -> String {
    let failed = message.rsplit_once("failed: ").map_or(message, |(_, failed)| failed);
    if let Some(name) = failed.strip_prefix("index '") {
        return name.trim_end_matches('\'').to_owned();
    }
    let table = failed.split('.').next().unwrap_or_default();
    let columns = failed.replace(&format!("{table}."), "");
    index_on(connection, table, &columns).unwrap_or_else(|| format!("{table}_pkey"))
}

/// The declared index on exactly these columns; a primary key has none.
fn index_on(connection: &Connection, table: &str, columns: &str) -> Option<String> {
    let mut statement = connection.prepare_cached(UNIQUE_INDEXES).ok()?;
    let mut rows = statement.query([table]).ok()?;
    while let Some(row) = rows.next().ok()? {
        let (name, origin, on): (String, String, String) = row.try_into().ok()?;
        if origin != "pk" && on == columns {
            return Some(name);
        }
    }
    None
}
