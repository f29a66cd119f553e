//! What was in a pool that was removed is deleted, a little at a time.
//!
//! Nobody serves such a pool any more, so nothing of it is alive. Nodes hear of it within seconds: rows are left alone for a
//! minute, so that none comes after.

use signet_protocol::{id::PoolId, time::Now};

use crate::{
    StoreError, args,
    registry::Registry,
    sql::{Batch, RowReader, Sql},
};

/// Seconds after which a pool that was removed is cleared away.
const LEFT_ALONE: i64 = 60;

const REMOVED: Sql = Sql { name: "pool_removed", text: "SELECT pool_id FROM pool WHERE removed_at <= $1" };
const DELETE_POOL: Sql =
    Sql { name: "pool_delete", text: "DELETE FROM pool WHERE pool_id = $1 AND removed_at IS NOT NULL" };

/// A table in whose key, or in an index, the pool stands first: whether there are rows, and the end of 500 of them.
macro_rules! by_pool {
    ($table:literal, $key:literal) => {
        by_pool!($table, $key, $table, "pool_id = $1", "pool_id = $1")
    };
    // Its own key is looked up, and not once more all that the pool has.
    (alone $table:literal, $key:literal) => {
        by_pool!($table, $key, $table, "pool_id = $1", "NOT pool_id <> $1")
    };
    ($table:literal, $key:literal, $name:literal, $among:literal, $whose:literal) => {
        (
            &Sql {
                name: concat!("purge_left_", $name),
                text: concat!("SELECT 1 FROM ", $table, " WHERE ", $among, " LIMIT 1"),
            },
            &Sql {
                name: concat!("purge_", $name),
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
                    " LIMIT 500)"
                ),
            },
        )
    };
}

/// A table whose rows of all pools lie among each other: it is walked by its key, 500 rows at a time.
macro_rules! by_key {
    ($table:literal, $key:literal) => {
        (
            &Sql {
                name: concat!("purge_far_", $table),
                text: concat!(
                    "SELECT ",
                    $key,
                    " FROM ",
                    $table,
                    " WHERE ",
                    $key,
                    " > $1 ORDER BY ",
                    $key,
                    " LIMIT 1 OFFSET 499"
                ),
            },
            &Sql {
                name: concat!("purge_", $table),
                text: concat!(
                    "DELETE FROM ",
                    $table,
                    " WHERE ",
                    $key,
                    " > $2 AND ",
                    $key,
                    " <= $3 AND NOT pool_id <> $1"
                ),
            },
        )
    };
}

type Two = (&'static Sql, &'static Sql);

/// What can be used comes first, what says what was done last.
const BY_POOL: &[Two] = &[
    by_pool!(alone "console_session", "session_id"),
    by_pool!("setup_link", "pool_id"),
    by_pool!("administrator", "user_id"),
    by_pool!(alone "user_link", "link_id"),
    by_pool!(alone "session", "session_id"),
    by_pool!(alone "user_grant", "grant_id"),
    by_pool!("consent", "user_id, app_id"),
    by_pool!(alone "account", "account_id"),
    by_pool!("rule", "app_id, key"),
    by_pool!("resource", "namespace, code"),
    by_pool!("application_origin", "origin, app_id"),
    by_pool!(alone "application", "app_id"),
    by_pool!("user_word", "word, user_id"),
    by_pool!(alone "pool_user", "user_id"),
    by_pool!("issuer_key", "issuer, alg, seq"),
    by_pool!("logout_notice", "app_id, sid, issuer"),
    by_pool!("revocation", "key"),
    by_pool!("attempt", "subject"),
    by_pool!("assertion_jti", "key"),
    by_pool!("use_count", "day, app_id, kind"),
    by_pool!("active_user", "user_id"),
    by_pool!(alone "trace", "trace_id"),
    by_pool!("api_request", "key"),
    by_pool!("revision_application", "app_id, revision_id"),
    by_pool!("revision_user", "user_id, revision_id"),
    by_pool!("import_desk", "node"),
    by_pool!("revision", "revision_id"),
    by_pool!("audit", "audit_id", "audit_unsealed", "pool_id = $1 AND seq IS NULL", "NOT pool_id <> $1"),
    by_pool!("audit", "audit_id", "audit", "pool_id = $1 AND seq IS NOT NULL", "NOT pool_id <> $1"),
    by_pool!("audit_head", "pool_id"),
    by_pool!(alone "change", "change_id"),
];
const BY_KEY: &[Two] = &[
    by_key!("login_transaction", "txn_id"),
    by_key!("authorization_code", "code_id"),
    by_key!("refresh_family", "family_id"),
];

pub(crate) const STATEMENTS: &[&Sql] = &ALL;

const COUNT: usize = 2 + 2 * (BY_POOL.len() + BY_KEY.len());
const ALL: [&Sql; COUNT] = all();

#[expect(clippy::indexing_slicing, reason = "at compile time, within what is counted above")]
const fn all() -> [&'static Sql; COUNT] {
    let mut all = [&REMOVED; COUNT];
    all[1] = &DELETE_POOL;
    let (mut to, mut from) = (2, 0);
    while from < BY_POOL.len() {
        (all[to], all[to + 1]) = BY_POOL[from];
        (to, from) = (to + 2, from + 1);
    }
    from = 0;
    while from < BY_KEY.len() {
        (all[to], all[to + 1]) = BY_KEY[from];
        (to, from) = (to + 2, from + 1);
    }
    all
}

impl Registry<'_> {
    /// Deletes what was in the pools that were removed, and then their own rows; returns how many pools are gone.
    pub async fn purge(self, now: Now) -> Result<usize, StoreError> {
        let until = now.timestamp().0 - LEFT_ALONE;
        let engine = self.store().engine();
        let removed = engine.list(&REMOVED, args![until], |row| row.parsed(PoolId::parse)).await?;
        for pool in &removed {
            for two in BY_KEY {
                self.purge_by_key(*two, *pool).await?;
            }
            for (left, delete) in BY_POOL {
                while engine.find(left, args![*pool], RowReader::int).await?.is_some() {
                    self.store().write(Batch::new().then(delete, args![*pool])).await?;
                }
            }
            self.store().write(Batch::new().then(&DELETE_POOL, args![*pool])).await?;
        }
        Ok(removed.len())
    }

    async fn purge_by_key(self, (far, delete): Two, pool: PoolId) -> Result<(), StoreError> {
        let engine = self.store().engine();
        let mut above = [0; 16];
        loop {
            let next: Option<[u8; 16]> = engine.find(far, args![above], RowReader::array).await?;
            let to = next.unwrap_or([0xff; 16]);
            self.store().write(Batch::new().then(delete, args![pool, above, to])).await?;
            match next {
                Some(next) => above = next,
                None => return Ok(()),
            }
        }
    }
}
