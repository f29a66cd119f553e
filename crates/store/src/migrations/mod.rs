//! The schema, step by step. A released step is never changed: the next one corrects it.

use crate::sql::{Migration, Table};

/// Every step, in the order of its version.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "foundation", text: include_str!("0001_foundation.sql"), oldest: 1 },
    Migration { name: "key_rotation", text: include_str!("0002_key_rotation.sql"), oldest: 1 },
    Migration { name: "every_mode", text: include_str!("0003_every_mode.sql"), oldest: 1 },
    Migration { name: "machine_callers", text: include_str!("0004_machine_callers.sql"), oldest: 1 },
    Migration { name: "console", text: include_str!("0005_console.sql"), oldest: 1 },
    Migration { name: "console_more", text: include_str!("0006_console_more.sql"), oldest: 1 },
];

/// Every table but those of the schema's own state, which a backup says in its first line. A test compares it with
/// what the steps make.
pub const TABLES: &[Table] = &[
    Table { name: "installation", key: "id", since: 1 },
    Table { name: "pool", key: "pool_id", since: 1 },
    Table { name: "application", key: "app_id", since: 1 },
    Table { name: "application_origin", key: "pool_id, origin, app_id", since: 1 },
    Table { name: "account", key: "account_id", since: 4 },
    Table { name: "resource", key: "pool_id, namespace, code", since: 4 },
    Table { name: "rule", key: "pool_id, app_id, key", since: 4 },
    Table { name: "pool_user", key: "user_id", since: 1 },
    Table { name: "user_word", key: "pool_id, word, user_id", since: 5 },
    Table { name: "user_link", key: "link_id", since: 5 },
    Table { name: "administrator", key: "pool_id, user_id", since: 5 },
    Table { name: "setup_link", key: "pool_id", since: 5 },
    Table { name: "console_session", key: "session_id", since: 5 },
    Table { name: "issuer_key", key: "pool_id, issuer, alg, seq", since: 1 },
    Table { name: "login_transaction", key: "txn_id", since: 1 },
    Table { name: "session", key: "session_id", since: 1 },
    Table { name: "consent", key: "pool_id, user_id, app_id", since: 1 },
    Table { name: "user_grant", key: "grant_id", since: 1 },
    Table { name: "logout_notice", key: "pool_id, app_id, sid, issuer", since: 3 },
    Table { name: "authorization_code", key: "code_id", since: 1 },
    Table { name: "refresh_family", key: "family_id", since: 1 },
    Table { name: "revocation", key: "pool_id, key", since: 1 },
    Table { name: "attempt", key: "pool_id, subject", since: 1 },
    Table { name: "assertion_jti", key: "pool_id, key", since: 3 },
    Table { name: "audit", key: "audit_id", since: 5 },
    Table { name: "audit_head", key: "pool_id", since: 5 },
    Table { name: "use_count", key: "pool_id, day, app_id, kind", since: 5 },
    Table { name: "active_user", key: "pool_id, user_id", since: 5 },
    Table { name: "trace", key: "trace_id", since: 5 },
    Table { name: "api_request", key: "pool_id, key", since: 5 },
    Table { name: "revision", key: "pool_id, revision_id", since: 5 },
    Table { name: "revision_application", key: "pool_id, app_id, revision_id", since: 5 },
    Table { name: "change", key: "change_id", since: 1 },
];
