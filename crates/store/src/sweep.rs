//! The sweeper: what has expired is deleted, a little at a time.

use signet_protocol::time::{Now, Timestamp};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql, copy::Snapshot},
};

/// A table's two statements, over at most 500 rows: how many are due, and their end. Where the pool stands first in the key or in
/// the index on the time it is compared so that it is used there, and elsewhere so that it is not.
macro_rules! sweep {
    ($due:ident, $delete:ident, $table:literal, $key:literal, $column:literal) => {
        sweep!($due, $delete, $table, $key, $column, "NOT pool_id <> $1", "NOT pool_id <> $1");
    };
    ($due:ident, $delete:ident, $table:literal, $key:literal, $column:literal, $whose:literal, $among:literal) => {
        const $due: Sql = Sql {
            name: concat!("sweep_due_", $table),
            text: concat!(
                "SELECT count(*) FROM (SELECT 1 FROM ",
                $table,
                " WHERE ",
                $among,
                " AND ",
                $column,
                " <= $2 LIMIT 500) AS due"
            ),
        };
        const $delete: Sql = Sql {
            name: concat!("sweep_", $table),
            text: concat!(
                "DELETE FROM ",
                $table,
                " WHERE ",
                $whose,
                " AND (",
                $key,
                ") IN (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $among,
                " AND ",
                $column,
                " <= $2 LIMIT 500)"
            ),
        };
    };
}
sweep!(DUE_TRANSACTIONS, TRANSACTIONS, "login_transaction", "txn_id", "expires_at");
sweep!(DUE_CODES, CODES, "authorization_code", "code_id", "expires_at");
sweep!(DUE_FAMILIES, FAMILIES, "refresh_family", "family_id", "expires_at");
sweep!(DUE_GRANTS, GRANTS, "user_grant", "grant_id", "expires_at");
sweep!(DUE_SESSIONS, SESSIONS, "session", "session_id", "expires_at");
sweep!(DUE_CONSOLE_SESSIONS, CONSOLE_SESSIONS, "console_session", "session_id", "expires_at");
sweep!(
    DUE_NOTICES,
    NOTICES,
    "logout_notice",
    "app_id, sid, issuer",
    "expires_at",
    "pool_id = $1",
    "NOT pool_id <> $1"
);
sweep!(DUE_REVOCATIONS, REVOCATIONS, "revocation", "key", "expires_at", "pool_id = $1", "NOT pool_id <> $1");
sweep!(DUE_ATTEMPTS, ATTEMPTS, "attempt", "subject", "expires_at", "pool_id = $1", "NOT pool_id <> $1");
sweep!(DUE_ASSERTIONS, ASSERTIONS, "assertion_jti", "key", "expires_at", "pool_id = $1", "NOT pool_id <> $1");
sweep!(DUE_LINKS, LINKS, "user_link", "link_id", "expires_at");
sweep!(DUE_TRACES, TRACES, "trace", "trace_id", "expires_at");
sweep!(DUE_COUNTS, COUNTS, "use_count", "day, app_id, kind", "day", "pool_id = $1", "pool_id = $1");
sweep!(DUE_ACTIVE, ACTIVE, "active_user", "user_id", "day", "pool_id = $1", "pool_id = $1");
sweep!(
    DUE_API_REQUESTS,
    API_REQUESTS,
    "api_request",
    "key",
    "expires_at",
    "pool_id = $1",
    "NOT pool_id <> $1"
);
sweep!(DUE_CHANGES, CHANGES, "change", "change_id", "at", "NOT pool_id <> $1", "pool_id = $1");

/// For a look from outside, where no pool is loaded.
const POOLS: Sql = Sql { name: "sweep_pools", text: "SELECT pool_id FROM pool" };

pub(crate) const STATEMENTS: &[&Sql] = &[
    &POOLS,
    &DUE_TRANSACTIONS,
    &TRANSACTIONS,
    &DUE_CODES,
    &CODES,
    &DUE_FAMILIES,
    &FAMILIES,
    &DUE_GRANTS,
    &GRANTS,
    &DUE_SESSIONS,
    &SESSIONS,
    &DUE_CONSOLE_SESSIONS,
    &CONSOLE_SESSIONS,
    &DUE_NOTICES,
    &NOTICES,
    &DUE_REVOCATIONS,
    &REVOCATIONS,
    &DUE_ATTEMPTS,
    &ATTEMPTS,
    &DUE_ASSERTIONS,
    &ASSERTIONS,
    &DUE_LINKS,
    &LINKS,
    &DUE_TRACES,
    &TRACES,
    &DUE_COUNTS,
    &COUNTS,
    &DUE_ACTIVE,
    &ACTIVE,
    &DUE_API_REQUESTS,
    &API_REQUESTS,
    &DUE_CHANGES,
    &CHANGES,
];

/// A full batch: there may be more.
const BATCH: i64 = 500;

/// Seconds that rows are kept beyond their end, so that what comes late is still recognised: a reused code, an old
/// login page.
const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
/// The same of revocations, in the table and in memory: a clock that was set forward for a while must not bring back to
/// life, when it is set right again, what was revoked and would not have ended yet.
pub(crate) const DENIALS_KEPT: i64 = DAY;

/// Counters of use: two years and a month, so that a month can be compared with the same one of the year before.
const USAGE_KEPT: i64 = 761 * DAY;

/// Each table with the seconds its rows are kept. What refers to a grant goes before the grant, which never ends
/// earlier than they do.
const TABLES: &[(&Sql, &Sql, i64)] = &[
    (&DUE_TRANSACTIONS, &TRANSACTIONS, HOUR),
    (&DUE_CODES, &CODES, DAY),
    (&DUE_FAMILIES, &FAMILIES, 0),
    (&DUE_GRANTS, &GRANTS, DAY),
    (&DUE_SESSIONS, &SESSIONS, DAY),
    (&DUE_CONSOLE_SESSIONS, &CONSOLE_SESSIONS, HOUR),
    (&DUE_NOTICES, &NOTICES, HOUR),
    (&DUE_REVOCATIONS, &REVOCATIONS, DENIALS_KEPT),
    (&DUE_ATTEMPTS, &ATTEMPTS, 0),
    // For clocks that differ: what is not remembered could be used again.
    (&DUE_ASSERTIONS, &ASSERTIONS, HOUR),
    (&DUE_LINKS, &LINKS, DAY),
    (&DUE_TRACES, &TRACES, 0),
    (&DUE_COUNTS, &COUNTS, USAGE_KEPT),
    (&DUE_ACTIVE, &ACTIVE, USAGE_KEPT),
    (&DUE_API_REQUESTS, &API_REQUESTS, 0),
    (&DUE_CHANGES, &CHANGES, HOUR),
];

/// The tables in which a full batch was due at `now`: the sweeper does not run, or not fast enough. Nothing is deleted.
pub(crate) async fn unswept(view: &Snapshot, now: Timestamp) -> Result<Vec<&'static str>, StoreError> {
    let mut tables = Vec::new();
    for pool in view.read(&POOLS, args![]).await? {
        let pool = pool.reader(POOLS.name).text()?;
        for (due, delete, keep) in TABLES {
            let rows = view.read(due, args![&pool, Timestamp(now.0 - keep)]).await?;
            let count = rows.into_iter().next().map(|row| row.reader(due.name).int()).transpose()?;
            if count.is_some_and(|count| count >= BATCH) {
                tables.push(delete.name.trim_start_matches("sweep_"));
            }
        }
    }
    Ok(tables)
}

impl Store {
    /// Deletes what has expired, in small batches between which others write, and returns how many rows it found.
    pub async fn sweep(&self, now: Now) -> Result<u64, StoreError> {
        let mut found = self.sweep_keys(now).await? + self.sweep_revisions().await?;
        found += self.sweep_revisions_of_users(now).await?;
        self.sweep_import_desks(now).await?;
        let now = now.timestamp();
        for (due, delete, keep) in TABLES {
            found += self.sweep_table(due, delete, Timestamp(now.0 - keep)).await?;
        }
        self.0.revoked.forget(Timestamp(now.0 - DENIALS_KEPT));
        self.stats().swept.add(found);
        Ok(found)
    }

    async fn sweep_table(
        &self,
        due: &'static Sql,
        delete: &'static Sql,
        until: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut found = 0;
        loop {
            let count =
                self.engine().find(due, args![self.pool_id(), until], RowReader::int).await?.unwrap_or(0);
            if count == 0 {
                return Ok(found);
            }
            self.write(Batch::new().then(delete, args![self.pool_id(), until])).await?;
            found += count.unsigned_abs();
            if count < BATCH {
                return Ok(found);
            }
        }
    }
}
