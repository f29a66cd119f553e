//! The change sequence: how nodes learn what others changed.
//!
//! Every change of something that is kept in memory writes a row here, in the same batch. The node that wrote it
//! brings its own memory up to date before its call returns; the others follow by reading the rows.

use std::{
    collections::HashMap,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use signet_protocol::{
    issuer::IssuerId,
    jose::KeyAlg,
    time::{Now, Timestamp},
};

use tracing::Instrument;

use crate::{
    Clock, Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
    store::Inner,
};

const INSERT: Sql = Sql {
    name: "change_insert",
    text: "INSERT INTO change (change_id, pool_id, kind, subject, at) VALUES ($1, $2, $3, $4, $5)",
};
const SINCE: Sql = Sql {
    name: "change_since",
    text: "SELECT change_id, kind, subject, at FROM change WHERE pool_id = $1 AND at >= $2 ORDER BY at",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &SINCE];

const EVERY: Duration = Duration::from_millis(500);

/// Seconds to look back beyond the newest change seen: commits become visible out of order, and clocks differ.
const LOOK_BACK: i64 = 120;

/// Looks after which everything is read again, whatever was seen: once a minute. A node whose clock is further off than
/// [`LOOK_BACK`] misses changes for no longer than that.
const START_OVER: u32 = 120;

/// What changed, and so what must be forgotten or read.
#[derive(Clone, Copy)]
pub(crate) enum Changed {
    /// Some application, or several.
    Applications,
    /// The keys of an issuer.
    IssuerKeys(IssuerId),
    /// Something was revoked.
    Revocations,
}

impl Changed {
    fn stored(&self) -> (&'static str, String) {
        match self {
            Self::Applications => ("applications", String::new()),
            Self::IssuerKeys(issuer) => ("issuer_keys", issuer.stored()),
            Self::Revocations => ("revocations", String::new()),
        }
    }

    fn parse(kind: &str, subject: &str) -> Option<Self> {
        match kind {
            "applications" => Some(Self::Applications),
            "issuer_keys" => IssuerId::parse(subject).map(Self::IssuerKeys),
            "revocations" => Some(Self::Revocations),
            _ => None,
        }
    }
}

impl Store {
    /// Writes a batch that makes something in memory stale, with the rows that tell the other nodes, and brings this
    /// node's memory up to date. `false` when a guard refused.
    ///
    /// It runs as a task of its own: a caller that goes away in the middle must not leave behind a revocation that is
    /// in the database but not in memory.
    pub(crate) async fn commit(
        &self,
        batch: Batch,
        changed: Vec<Changed>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let batch = changed.iter().fold(batch, |batch, changed| self.tell(batch, changed, now));
        let store = self.clone();
        let work = async move {
            let written = store.write(batch).await?;
            for changed in changed.iter().filter(|_| written) {
                store.absorb(changed, now.timestamp()).await?;
            }
            Ok(written)
        };
        let task = tokio::spawn(work.in_current_span());
        task.await.unwrap_or_else(|error| Err(StoreError::Internal(error.to_string())))
    }

    fn tell(&self, batch: Batch, changed: &Changed, now: Now) -> Batch {
        let (kind, subject) = changed.stored();
        batch.then(&INSERT, args![self.change_id(now), self.pool_id(), kind, subject, now.timestamp()])
    }

    /// Brings this node's memory up to date with a change made at `at`.
    async fn absorb(&self, changed: &Changed, at: Timestamp) -> Result<(), StoreError> {
        match changed {
            Changed::Applications => self.forget_applications(),
            Changed::IssuerKeys(issuer) => self.forget_issuer_keys(*issuer),
            Changed::Revocations => self.pull_revocations(at).await?,
        }
        Ok(())
    }

    fn forget_applications(&self) {
        self.0.applications.clear();
        self.0.identifiers.clear();
        self.0.origins.clear();
        self.0.used_algs.clear();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn forget_issuer_keys(&self, issuer: IssuerId) {
        self.0.key_rings.remove(&issuer);
        for alg in KeyAlg::ALL {
            self.0.signing_keys.remove(&(issuer, *alg));
        }
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// In case changes were missed: forgets everything and reads all revocations again.
    async fn start_over(&self, now: Timestamp) -> Result<(), StoreError> {
        self.forget_applications();
        self.0.key_rings.clear();
        self.0.signing_keys.clear();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        self.load_revocations(now).await
    }
}

/// Follows the changes of other nodes until the store is gone.
pub(crate) fn follow(store: &Store, clock: Clock) {
    let mut follower = Follower::new(store, clock);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(inner) = follower.store.upgrade() else { return };
            if let Err(error) = follower.turn(&Store(inner)).await {
                tracing::warn!(%error, "cannot follow the changes of other nodes");
                follower.behind = true;
            }
        }
    });
}

struct Follower {
    store: Weak<Inner>,
    clock: Clock,
    /// The newest change seen, but never later than this node's own time: a node whose clock is ahead must not hide what
    /// the others write after it.
    newest: i64,
    /// Those handled that the next look will meet again.
    seen: HashMap<[u8; 16], i64>,
    /// Looks since everything was read.
    looks: u32,
    /// Whether the last look failed; changes are not kept for ever, so some may be missed.
    behind: bool,
}

impl Follower {
    fn new(store: &Store, clock: Clock) -> Self {
        Self {
            store: Arc::downgrade(&store.0),
            newest: clock.now().timestamp().0,
            clock,
            seen: HashMap::new(),
            looks: 0,
            behind: false,
        }
    }

    async fn turn(&mut self, store: &Store) -> Result<(), StoreError> {
        let now = self.clock.now().timestamp();
        self.looks += 1;
        if self.behind || self.looks >= START_OVER {
            store.start_over(now).await?;
            (self.behind, self.looks) = (false, 0);
        }
        let since = self.newest - LOOK_BACK;
        let rows = store.engine().list(&SINCE, args![store.pool_id(), since], read).await?;
        let fresh: Vec<_> = rows.into_iter().filter(|(id, ..)| !self.seen.contains_key(id)).collect();
        let mut pulled = false;
        for (id, changed, at) in fresh {
            // One pull brings every revocation since; a mass revocation must not become a mass of queries.
            let again = pulled && matches!(changed, Some(Changed::Revocations));
            if let (Some(changed), false) = (&changed, again) {
                store.absorb(changed, at).await?;
            }
            pulled |= matches!(changed, Some(Changed::Revocations));
            self.seen.insert(id, at.0);
            self.newest = self.newest.max(at.0.min(now.0));
        }
        let keep_from = self.newest - LOOK_BACK;
        self.seen.retain(|_, at| *at >= keep_from);
        Ok(())
    }
}

/// A kind written by a newer node means nothing to this one.
fn read(row: &mut RowReader) -> Result<([u8; 16], Option<Changed>, Timestamp), StoreError> {
    let (id, kind, subject, at) = (row.array()?, row.text()?, row.text()?, row.at()?);
    Ok((id, Changed::parse(&kind, &subject), at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, MasterKey, Options};
    use signet_testkit::seed::Seeded;

    const NOON: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Now {
        Now::from_millis((NOON + seconds) * 1000)
    }

    #[tokio::test]
    async fn what_was_missed_is_read_once_a_minute() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            database: Database::Sqlite(directory.path().join("signet.db")),
            master_key: MasterKey::from_bytes([7; 32]),
            clock: Clock::new(|| at(0)),
        };
        let writer = Store::open(options.clone(), at(0), &mut Seeded(1)).await.unwrap();
        let node = Store::open(options, at(0), &mut Seeded(2)).await.unwrap();
        let mut follower = Follower::new(&node, Clock::new(|| at(0)));
        // The writer's clock is behind by more than anybody looks back.
        let long_ago = at(-LOOK_BACK - 1);
        writer.revoke_jti("one", at(600).timestamp(), long_ago).await.unwrap();
        for look in 1..START_OVER {
            follower.turn(&node).await.unwrap();
            assert!(!node.is_revoked(None, "one"), "look {look}");
        }
        follower.turn(&node).await.unwrap();
        assert!(node.is_revoked(None, "one"));
        assert_eq!(u128::from(START_OVER) * EVERY.as_millis(), 60_000);
    }
}
