//! The change sequence: how nodes learn what others changed.
//!
//! Every change of something that is kept in memory writes a row here, in the same batch. The node that wrote it
//! brings its own memory up to date before its call returns; the others follow by reading the rows.

use std::{
    collections::HashMap,
    sync::{Weak, atomic::Ordering},
    time::Duration,
};

use signet_protocol::{
    issuer::IssuerId,
    jose::KeyAlg,
    time::{Now, Timestamp},
};

use crate::{
    Store, StoreError, args,
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
const LOOK_BACK: i64 = 10;

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
        let task = tokio::spawn(async move {
            let written = store.write(batch).await?;
            for changed in changed.iter().filter(|_| written) {
                store.absorb(changed, now.timestamp()).await?;
            }
            Ok(written)
        });
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

    /// After changes may have been missed: forgets everything and reads all revocations again.
    async fn start_over(&self, now: Timestamp) -> Result<(), StoreError> {
        self.forget_applications();
        self.0.key_rings.clear();
        self.0.signing_keys.clear();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        self.load_revocations(now).await
    }
}

/// Follows the changes of other nodes until the store is gone.
pub(crate) fn follow(store: &Store, from: Timestamp) {
    let mut follower = Follower {
        store: std::sync::Arc::downgrade(&store.0),
        newest: from.0,
        seen: HashMap::new(),
        behind: false,
    };
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
    /// The newest change seen.
    newest: i64,
    /// Those handled that the next look will meet again.
    seen: HashMap<[u8; 16], i64>,
    /// Whether the last look failed; changes are not kept for ever, so some may be missed.
    behind: bool,
}

impl Follower {
    async fn turn(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.behind {
            store.start_over(Timestamp(self.newest)).await?;
            self.behind = false;
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
            self.newest = self.newest.max(at.0);
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
