//! Why a database did not open, and what to do about it.

use std::path::Path;

use signet_store::{Database, StoreError};

use crate::{
    config::Config,
    data::MASTER_KEY_VARIABLE,
    failure::{Failure, plain},
};

const SQLITE_UNAVAILABLE: &str =
    "Check that the file and its directory can be read and written, or choose another with --database.";
const SQLITE_DAMAGED: &str =
    "Put back a copy of the file, without any -wal and -shm beside it, or choose another with --database.";
const POSTGRES_UNAVAILABLE: &str =
    "Check that the server runs and that --database names it, its user and its database.";
const NEWER: &str = "Run the newest version of signet that has used this database.";
const MALFORMED: &str = "It must be postgres://USER:PASSWORD@HOST:PORT/NAME, where / @ : ? # and % within a part are \
     written as %2F %40 %3A %3F %23 and %25.";

/// What PostgreSQL or its driver says of some mistakes, and the remedy.
const POSTGRES_REMEDIES: &[(&str, &str)] = &[
    ("password missing", "The server asks for a password: postgres://USER:PASSWORD@HOST/NAME."),
    ("password authentication failed", "Check the user and the password that --database names."),
    (
        "no encryption",
        "The server takes nobody without TLS: add ?sslmode=verify-full&sslrootcert=FILE to --database.",
    ),
    (
        "server does not support TLS",
        "Turn ssl on at the server, or say sslmode=disable where the network is trusted.",
    ),
    (
        "invalid peer certificate",
        "sslrootcert must hold the certificate of the authority that signed the server's; with sslmode=verify-full \
         the server's must name its host as a subjectAltName, and --database the host by that name.",
    ),
    (
        "permission denied for schema",
        "Let its user create tables: GRANT CREATE, USAGE ON SCHEMA public TO its user; or make the user the database's owner.",
    ),
    ("permission denied", "Make the user that --database names the owner of Signet's tables."),
    ("no schema has been selected", "Make a schema that its user may use, or set the user's search_path."),
];

/// The failure to open the database of `config`, whose master key belongs into `key_file`. It holds no password.
pub fn explain(config: &Config, key_file: &Path, error: &StoreError) -> Failure {
    let database = config.describe_database();
    match (error, &config.database) {
        (StoreError::KeyMismatch, _) => {
            let key = key_file.display();
            Failure::new(format!("the master key does not fit the database {database}")).help(format!(
                "Put the key that the database was created with into {key} or into {MASTER_KEY_VARIABLE}."
            ))
        }
        (StoreError::Schema(reason), _) => cannot_use(&database, reason).help(NEWER),
        (StoreError::Corrupt { what }, Database::Sqlite(path)) => {
            let what = without(what, path);
            Failure::new(format!("the database {database} is damaged: {what}")).help(SQLITE_DAMAGED)
        }
        (StoreError::Unavailable(reason), Database::Sqlite(path)) => {
            cannot_use(&database, without(reason, path)).help(SQLITE_UNAVAILABLE)
        }
        (StoreError::Unavailable(reason) | StoreError::Internal(reason), Database::Postgres(_)) => {
            postgres(&database, reason)
        }
        (StoreError::Internal(reason), _) => cannot_use(&database, reason),
        (other, _) => cannot_use(&database, &other.to_string()),
    }
}

fn postgres(database: &str, reason: &str) -> Failure {
    if let Some(reason) = reason.strip_prefix("database URL: ") {
        // Where its parts begin and end is not known, so none of it is shown.
        return Failure::new(format!("--database is not a PostgreSQL address: {reason}")).help(MALFORMED);
    }
    if let Some(reason) = reason.strip_prefix("database TLS: ") {
        return Failure::new(format!("--database {}", plain(reason)));
    }
    let remedy = POSTGRES_REMEDIES.iter().find(|(said, _)| reason.contains(said));
    cannot_use(database, reason).help(remedy.map_or(POSTGRES_UNAVAILABLE, |(_, remedy)| remedy))
}

fn cannot_use(database: &str, reason: &str) -> Failure {
    Failure::new(format!("cannot use the database {database}: {}", plain(reason)))
}

/// `text` without the path in front, which is in the database's description too.
fn without<'t>(text: &'t str, path: &Path) -> &'t str {
    let path = format!("{}: ", path.display());
    text.strip_prefix(&path).unwrap_or(text)
}
