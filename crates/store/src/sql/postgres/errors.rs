//! PostgreSQL's errors in the store's words.

use std::error::Error as _;

use tokio_postgres::{Error, error::SqlState};

use crate::StoreError;

/// Whether the server undid the transaction only because of rivals: trying again is right.
pub(super) fn is_transient(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

pub(super) fn store_error(what: &str, error: &Error) -> StoreError {
    let Some(server) = error.as_db_error() else { return client_error(what, error) };
    let detail = format!("{what}: {} ({})", server.message(), server.code().code());
    match server.code() {
        &SqlState::UNIQUE_VIOLATION => StoreError::conflict(server.constraint().unwrap_or_default()),
        // What its catalogue says to the slower of two that create the same table.
        &SqlState::DUPLICATE_TABLE | &SqlState::DUPLICATE_OBJECT => StoreError::conflict("pg_class"),
        &SqlState::FOREIGN_KEY_VIOLATION => StoreError::conflict(StoreError::FOREIGN_KEY),
        &SqlState::TOO_MANY_CONNECTIONS | &SqlState::LOCK_NOT_AVAILABLE => StoreError::Busy,
        code if is_outage(code.code()) => StoreError::Unavailable(detail),
        _ => StoreError::Internal(detail),
    }
}

/// Classes 08 (connection), 28 (login), 3D (no such database), 53 (resources), 57P (operator), 58 (system) and
/// 25006 (read-only server).
pub(super) fn is_outage(code: &str) -> bool {
    code == "25006" || ["08", "28", "3D", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
}

/// Without a word from the server it is the connection, unless a value or the URL could not be understood.
fn client_error(what: &str, error: &Error) -> StoreError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let detail = format!("{what}: {error}{cause}");
    let is_io = error.source().is_some_and(|cause| cause.is::<std::io::Error>());
    if error.is_closed() || is_io { StoreError::Unavailable(detail) } else { StoreError::Internal(detail) }
}
