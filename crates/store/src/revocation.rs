//! Revocations: a set in memory, asked synchronously for every token, backed by a table.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
};

use signet_protocol::{
    id::{GrantId, RowId},
    jose::sha256,
    time::{Now, Timestamp},
};

use crate::{
    Store, StoreError, args,
    change::Changed,
    sql::{Batch, RowReader, Sql},
    sweep::DENIALS_KEPT,
};

const INSERT: Sql = Sql {
    name: "revocation_insert",
    text: "INSERT INTO revocation (pool_id, key, revoked_at, expires_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (pool_id, key) DO NOTHING",
};
const ALIVE: Sql = Sql {
    name: "revocation_alive",
    text: "SELECT key, expires_at FROM revocation WHERE pool_id = $1 AND expires_at > $2",
};
const SINCE: Sql = Sql {
    name: "revocation_since",
    text: "SELECT key, expires_at FROM revocation WHERE pool_id = $1 AND revoked_at >= $2",
};
const OF_GRANT: Sql = Sql {
    name: "revocation_of_grant",
    text: "SELECT key, expires_at FROM revocation WHERE pool_id = $1 AND key = $2",
};
pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &ALIVE, &SINCE, &OF_GRANT];

/// What is revoked, by grant id (16 bytes) or hash of a `jti` (32 bytes), with the time at which it is forgotten.
#[derive(Default)]
pub(crate) struct Revoked(RwLock<HashMap<Vec<u8>, i64>>);

impl Revoked {
    fn has(&self, key: &[u8]) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    pub(crate) fn add(&self, keys: impl IntoIterator<Item = (Vec<u8>, i64)>) {
        self.write().extend(keys);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn forget(&self, now: Timestamp) {
        self.write().retain(|_, expires_at| *expires_at > now.0);
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Vec<u8>, i64>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Revokes one access token by its `jti` (RFC 7009 §2), until it would have expired by itself.
    pub async fn revoke_jti(&self, jti: &str, until: Timestamp, now: Now) -> Result<(), StoreError> {
        let key = sha256(jti.as_bytes());
        let row = args![self.pool_id(), key, now.timestamp(), until];
        self.commit(Batch::new().then(&INSERT, row), vec![Changed::Revocations], now).await.map(drop)
    }

    /// Whether a token of this grant and `jti` was revoked. Answered from memory: a revocation made by this node is
    /// seen as soon as the revoking call returns, one made by another within a second.
    pub fn is_revoked(&self, grant: Option<GrantId>, jti: &str) -> bool {
        let revoked = &self.0.revoked;
        grant.is_some_and(|grant| revoked.has(&grant.bytes())) || revoked.has(&sha256(jti.as_bytes()))
    }

    pub(crate) async fn load_revocations(&self, now: Timestamp) -> Result<(), StoreError> {
        let from = Timestamp(now.0 - DENIALS_KEPT);
        let alive = self.engine().list(&ALIVE, args![self.pool_id(), from], read).await?;
        self.0.revoked.add(alive);
        Ok(())
    }

    /// Learns that a grant was revoked before: by another node whose change was not followed yet, or by a write whose
    /// answer was lost.
    pub(crate) async fn learn_revocation(&self, grant: GrantId) -> Result<(), StoreError> {
        let known = self.engine().list(&OF_GRANT, args![self.pool_id(), grant], read).await?;
        self.0.revoked.add(known);
        Ok(())
    }

    pub(crate) async fn pull_revocations(&self, since: Timestamp) -> Result<(), StoreError> {
        let new = self.engine().list(&SINCE, args![self.pool_id(), since], read).await?;
        self.0.revoked.add(new);
        Ok(())
    }
}

pub(crate) fn read(row: &mut RowReader) -> Result<(Vec<u8>, i64), StoreError> {
    Ok((row.bytes()?, row.int()?))
}
