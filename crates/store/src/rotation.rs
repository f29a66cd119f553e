//! Another key in the place of the one that signs: `next`, then `active`, then `retired`, then gone.
//!
//! Whoever rotates says which key they saw signing. Its number and state guard the batch, so of two who rotate at once
//! one finds that nothing was done.

use std::future::Future;

use signet_protocol::{
    entropy::{Entropy, random},
    issuer::IssuerId,
    jose::KeyAlg,
    time::{Now, Timestamp},
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    change::Changed,
    issuer_key::{KeyState, TAKEN},
    sql::{Batch, RowReader, Sql, Value},
};

const LIST: Sql = Sql {
    name: "issuer_key_list",
    text: "SELECT issuer, alg, seq, kid, state, created_at, expires_at FROM issuer_key WHERE pool_id = $1
           ORDER BY issuer, alg, seq",
};
const PAGE: Sql = Sql {
    name: "issuer_key_page",
    text: "SELECT issuer, alg, seq, kid, state, created_at, expires_at FROM issuer_key
           WHERE pool_id = $1 AND (issuer, alg, seq) > ($2, $3, $4) ORDER BY issuer, alg, seq LIMIT $5",
};
const OF_ISSUER: Sql = Sql {
    name: "issuer_key_of",
    text: "SELECT issuer, alg, seq, kid, state, created_at, expires_at FROM issuer_key
           WHERE pool_id = $1 AND issuer = $2 ORDER BY alg, seq",
};
/// Those that sign and are older, and all that are published to follow one.
const TURNING: Sql = Sql {
    name: "issuer_key_turning",
    text: "SELECT issuer, alg, seq, kid, state, created_at, expires_at FROM issuer_key
           WHERE pool_id = $1 AND state = 'active' AND created_at <= $2
           UNION ALL
           SELECT issuer, alg, seq, kid, state, created_at, expires_at FROM issuer_key
           WHERE pool_id = $1 AND state = 'next' AND created_at > 0",
};
const RETIRE: Sql = Sql {
    name: "issuer_key_retire",
    text: "UPDATE issuer_key SET state = 'retired', expires_at = $5
           WHERE pool_id = $1 AND issuer = $2 AND alg = $3 AND seq = $4 AND state = 'active'",
};
const ACTIVATE: Sql = Sql {
    name: "issuer_key_activate",
    text: "UPDATE issuer_key SET state = 'active'
           WHERE pool_id = $1 AND issuer = $2 AND alg = $3 AND seq = $4 AND state = 'next'",
};
const DATE: Sql = Sql {
    name: "issuer_key_date",
    text: "UPDATE issuer_key SET created_at = $5
           WHERE pool_id = $1 AND issuer = $2 AND alg = $3 AND seq = $4 AND created_at > $5",
};
const DUE: Sql = Sql {
    name: "issuer_key_due",
    text: "SELECT issuer FROM issuer_key WHERE pool_id = $1 AND expires_at <= $2 AND state = 'retired' LIMIT 100",
};
const DELETE: Sql = Sql {
    name: "issuer_key_delete",
    text: "DELETE FROM issuer_key WHERE pool_id = $1 AND expires_at <= $2 AND state = 'retired' AND issuer = $3",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&LIST, &PAGE, &OF_ISSUER, &TURNING, &RETIRE, &ACTIVATE, &DATE, &DUE, &DELETE];

/// What is known of a signing key beside the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose it is.
    pub issuer: IssuerId,
    /// What it signs with.
    pub alg: KeyAlg,
    /// Which of the issuer's keys of this algorithm, counted from 1.
    pub number: i64,
    /// What tokens call it.
    pub kid: String,
    /// What it is for now.
    pub state: KeyState,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// For a retired one: when it is deleted, since nothing it has signed is valid any more.
    pub expires_at: Option<Timestamp>,
}

/// A step on the way of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A new key is published.
    Publish,
    /// The published key signs from now on; the one before verifies until then.
    Promote(Timestamp),
    /// A new key is published and signs at once; the one before verifies until then.
    Replace(Timestamp),
}

impl Store {
    /// Every signing key of the pool, by issuer, algorithm and number. Read from the database.
    pub async fn issuer_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.engine().list(&LIST, args![self.pool_id()], read).await
    }

    /// The next `limit` of them behind a key.
    pub async fn issuer_key_page(
        &self,
        after: Option<(IssuerId, KeyAlg, i64)>,
        limit: usize,
    ) -> Result<Vec<KeyRecord>, StoreError> {
        let (issuer, alg, number) = after.map_or_else(
            || (String::new(), "", 0),
            |(issuer, alg, number)| (issuer.stored(), alg.as_str(), number),
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.engine().list(&PAGE, args![self.pool_id(), issuer, alg, number, limit], read).await
    }

    /// The keys of one issuer.
    pub async fn keys_of_issuer(&self, issuer: IssuerId) -> Result<Vec<KeyRecord>, StoreError> {
        self.engine().list(&OF_ISSUER, args![self.pool_id(), issuer], read).await
    }

    /// The keys that sign since `since` or longer, and those that are published to follow one, in no order.
    pub async fn turning_keys(&self, since: Timestamp) -> Result<Vec<KeyRecord>, StoreError> {
        self.engine().list(&TURNING, args![self.pool_id(), since], read).await
    }

    /// Takes one step from `active`, the key that signs. `false`, and nothing is
    /// done, when `active` no longer signs or its successor is not what the step expects: somebody else was quicker.
    pub fn rotate_key<A: Into<Act>>(
        &self,
        active: &KeyRecord,
        step: Rotation,
        act: A,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send + use<'_, A> {
        let act = act.into();
        let now = act.now;
        let (nonce, issuer, alg, number) = (random(entropy), active.issuer, active.alg, active.number);
        let of = move |store: &Self, number: i64| args![store.pool_id(), issuer, alg.as_str(), number];
        async move {
            let retire = |until: Timestamp| {
                Batch::new().guard(&RETIRE, [of(self, number), vec![Value::from(until)]].concat())
            };
            let new = (issuer, alg, number + 1);
            let batch = match step {
                Rotation::Publish => self.new_key(new, KeyState::Next, now, nonce).await?.row,
                Rotation::Promote(until) => retire(until).guard(&ACTIVATE, of(self, number + 1)),
                Rotation::Replace(until) => {
                    retire(until).chain(self.new_key(new, KeyState::Active, now, nonce).await?.row)
                }
            };
            let batch = self.record(batch, &act);
            match self.commit(batch, vec![Changed::IssuerKeys(issuer)], now).await {
                Err(error) if error.is_conflict_on(TAKEN) => Ok(false),
                outcome => outcome,
            }
        }
    }

    /// Dates a key that says it was made later than now, by a clock that was wrong, as made now. `false` when it says so
    /// no more.
    pub async fn date_key(&self, key: &KeyRecord, now: Now) -> Result<bool, StoreError> {
        let row = args![self.pool_id(), key.issuer, key.alg.as_str(), key.number, now.timestamp()];
        self.commit(Batch::new().guard(&DATE, row), Vec::new(), now).await
    }

    /// Deletes the retired keys that nothing needs any more, and returns how many it found.
    pub(crate) async fn sweep_keys(&self, now: Now) -> Result<u64, StoreError> {
        let mut found = 0;
        loop {
            let due = args![self.pool_id(), now.timestamp()];
            let mut issuers =
                self.engine().list(&DUE, due.clone(), |row| row.parsed(IssuerId::parse)).await?;
            if issuers.is_empty() {
                return Ok(found);
            }
            found += issuers.len() as u64;
            issuers.dedup();
            let batch = issuers.iter().fold(Batch::new(), |batch, issuer| {
                batch.then(&DELETE, [due.clone(), args![*issuer]].concat())
            });
            self.commit(batch, issuers.into_iter().map(Changed::IssuerKeys).collect(), now).await?;
        }
    }
}

fn read(row: &mut RowReader) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        issuer: row.parsed(IssuerId::parse)?,
        alg: row.parsed(KeyAlg::parse)?,
        number: row.int()?,
        kid: row.text()?,
        state: row.parsed(KeyState::parse)?,
        created_at: row.at()?,
        expires_at: row.opt_at()?,
    })
}
