//! The chain: records get numbers without a gap, and hashes that each cover all before it.
//!
//! Rows are inserted without either, because a number that each act waited for would put all of them in a row. Within
//! half a second every node looks for such rows and seals them in the order of their ids, in a batch that is guarded on
//! the head it was computed from: of two nodes one finds the head moved, and nothing forks.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};

use serde_json::Value as Json;

use super::{Act, Action, Record, audit_columns, hex, read};
use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
    store::Inner,
};

pub(super) const HEAD: Sql = Sql {
    name: "audit_head_load",
    text: "SELECT seq, hash, base_seq, base_hash FROM audit_head WHERE pool_id = $1",
};
pub(super) const BEGIN: Sql = Sql {
    name: "audit_head_begin",
    text: "INSERT INTO audit_head (pool_id, seq, hash, base_seq, base_hash) VALUES ($1, 0, $2, 0, $2)
           ON CONFLICT (pool_id) DO NOTHING",
};
pub(super) const ADVANCE: Sql = Sql {
    name: "audit_head_advance",
    text: "UPDATE audit_head SET seq = $3, hash = $4 WHERE pool_id = $1 AND seq = $2",
};
pub(super) const UNSEALED: Sql = Sql {
    name: "audit_unsealed",
    text: concat!(
        "SELECT ",
        audit_columns!(),
        " FROM audit WHERE pool_id = $1 AND audit_id > $2 AND seq IS NULL ORDER BY audit_id LIMIT 200"
    ),
};
pub(super) const SEAL: Sql = Sql {
    name: "audit_seal",
    text: "UPDATE audit SET seq = $3, hash = $4 WHERE audit_id = $1 AND NOT pool_id <> $2 AND seq IS NULL",
};
pub(super) const WALK: Sql = Sql {
    name: "audit_walk",
    text: concat!(
        "SELECT ",
        audit_columns!(),
        " FROM audit WHERE pool_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT 500"
    ),
};
pub(super) const NEXT: Sql = Sql {
    name: "audit_next_seq",
    text: "SELECT seq FROM audit WHERE pool_id = $1 AND seq > $2 ORDER BY seq LIMIT 1",
};
/// `$4` and `$5` are the last record that goes.
pub(super) const MOVE_BASE: Sql = Sql {
    name: "audit_head_move_base",
    text: "UPDATE audit_head SET base_seq = $3, base_hash = $4 WHERE pool_id = $1 AND base_seq = $2",
};
pub(super) const DELETE: Sql =
    Sql { name: "audit_delete", text: "DELETE FROM audit WHERE pool_id = $1 AND seq > $2 AND seq <= $3" };
/// The first that stays: older ones in front of it go.
pub(super) const OLD: Sql = Sql {
    name: "audit_old",
    text: "SELECT seq, at, hash FROM audit WHERE pool_id = $1 AND seq > $2 ORDER BY seq LIMIT 500",
};

pub(super) const OLDEST: Sql = Sql {
    name: "audit_oldest",
    text: "SELECT at FROM audit WHERE pool_id = $1 AND seq > $2 ORDER BY seq LIMIT 1",
};

/// How often unsealed records are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// A full batch: there may be more.
const BATCH: usize = 200;
/// How often another node may be quicker before it is left to it.
const TRIES: usize = 16;

/// Where the chain ends and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record that is sealed; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The number of the last record that was deleted; 0 when none was.
    pub base_seq: i64,
    /// Its hash.
    pub base_hash: [u8; 32],
}

impl Head {
    const EMPTY: Head = Head { seq: 0, hash: [0; 32], base_seq: 0, base_hash: [0; 32] };

    /// `412:9f2c…`, to be kept elsewhere and compared with later.
    pub fn text(&self) -> String {
        format!("{}:{}", self.seq, hex(&self.hash))
    }
}

/// What is wrong with the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// A record, or its hash, is not what it was.
    Changed(i64),
    /// A record is gone.
    Missing(i64),
    /// A record stands beyond the end.
    Inserted(i64),
    /// What is kept of the deleted records is not what the log says of it.
    Base(i64),
    /// The record of a head that was kept elsewhere has another hash, or is not there.
    Expected(i64),
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(seq) => write!(f, "record {seq} was changed"),
            Self::Missing(seq) => write!(f, "record {seq} is missing"),
            Self::Inserted(seq) => write!(f, "record {seq} was inserted behind the end of the chain"),
            Self::Base(seq) => {
                write!(f, "the records up to {seq} were deleted, and no record in the log says so")
            }
            Self::Expected(seq) => write!(f, "record {seq} is not the one whose hash was kept"),
        }
    }
}

/// What a walk over the chain came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The head it was walked up to.
    pub head: Head,
    /// How many records were seen.
    pub records: u64,
    /// The first thing that is wrong.
    pub broken: Option<Break>,
}

impl Store {
    /// Seals what is not sealed yet, however many nodes do it at once, and returns how many this call sealed.
    pub async fn seal_audit(&self) -> Result<usize, StoreError> {
        let (mut sealed, mut tries) = (0, 0);
        while tries < TRIES {
            let values = args![self.pool_id(), [0; 16]];
            let records = self.engine().list(&UNSEALED, values, read).await?;
            if records.is_empty() {
                return Ok(sealed);
            }
            let head = self.audit_head().await?;
            if self.write(self.seal(&head, &records)).await? {
                sealed += records.len();
                if records.len() < BATCH {
                    return Ok(sealed);
                }
            } else {
                tries += 1;
            }
        }
        Ok(sealed)
    }

    fn seal(&self, head: &Head, records: &[Record]) -> Batch {
        let (mut seq, mut hash) = (head.seq, head.hash);
        let mut rows = Vec::new();
        for record in records {
            seq += 1;
            hash = link(&hash, record, seq);
            rows.push(args![record.key, self.pool_id(), seq, hash]);
        }
        let begin = Batch::new().then(&BEGIN, args![self.pool_id(), Head::EMPTY.hash]);
        let batch = begin.guard(&ADVANCE, args![self.pool_id(), head.seq, seq, hash]);
        rows.into_iter().fold(batch, |batch, row| batch.guard(&SEAL, row))
    }

    /// The ends of the chain.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        let read = |row: &mut RowReader| {
            Ok(Head { seq: row.int()?, hash: row.array()?, base_seq: row.int()?, base_hash: row.array()? })
        };
        Ok(self.engine().find(&HEAD, args![self.pool_id()], read).await?.unwrap_or(Head::EMPTY))
    }

    /// Walks over the whole chain. `expected`: a number and a hash that were kept elsewhere, against somebody who could
    /// have computed all hashes anew.
    pub async fn verify_audit(&self, expected: Option<(i64, [u8; 32])>) -> Result<Verified, StoreError> {
        self.seal_audit().await?;
        let head = self.audit_head().await?;
        let mut walk = Walk::from(&head, expected);
        let mut verified = Verified { head, records: 0, broken: None };
        while verified.broken.is_none() && walk.seq < head.seq {
            // The embedded engine answers at once: others have to come to their turn.
            tokio::task::yield_now().await;
            let values = args![self.pool_id(), walk.seq, head.seq];
            let page = match self.engine().list(&WALK, values, read).await {
                Err(StoreError::Corrupt { .. }) => self.readable(&walk, &head).await?,
                page => page?,
            };
            verified.broken = page
                .iter()
                .find_map(|record| walk.step(record))
                .or_else(|| page.is_empty().then_some(Break::Missing(walk.seq + 1)));
            verified.records += u64::try_from(page.len()).unwrap_or_default();
        }
        if verified.broken.is_none() {
            verified.broken = self.ending(&walk, &head).await?;
        }
        Ok(verified)
    }

    /// The records from here up to the first that cannot even be read, which then counts as changed.
    async fn readable(&self, walk: &Walk, head: &Head) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for seq in walk.seq..head.seq {
            match self.engine().list(&WALK, args![self.pool_id(), seq, seq + 1], read).await {
                Ok(one) => records.extend(one),
                Err(StoreError::Corrupt { .. }) => {
                    records.push(Record::unreadable(seq + 1));
                    return Ok(records);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// What is wrong at the end of a walk that found nothing wrong.
    async fn ending(&self, walk: &Walk, head: &Head) -> Result<Option<Break>, StoreError> {
        if walk.hash != head.hash {
            return Ok(Some(Break::Changed(head.seq)));
        }
        if let Some((seq, _)) = walk.base {
            return Ok(Some(Break::Base(seq)));
        }
        if let Some((seq, _)) = walk.expected {
            return Ok(Some(Break::Expected(seq)));
        }
        // Behind the head of a moment ago there may be what was sealed since; not behind the head of now.
        let now = self.audit_head().await?;
        let beyond = self.engine().find(&NEXT, args![self.pool_id(), now.seq], RowReader::int).await?;
        Ok(beyond.map(Break::Inserted))
    }

    /// When the oldest record that is sealed was written, in milliseconds of the epoch.
    pub async fn oldest_audit(&self) -> Result<Option<i64>, StoreError> {
        let head = self.audit_head().await?;
        self.engine().find(&OLDEST, args![self.pool_id(), head.base_seq], RowReader::int).await
    }

    /// Deletes the sealed records from before `before`, in milliseconds of the epoch, and writes a record that says so,
    /// with the hash that the rest goes on from. Returns how many went. The newest record always stays.
    pub async fn prune_audit(&self, before: i64, act: impl Into<Act>) -> Result<u64, StoreError> {
        let (act, mut gone) = (act.into(), 0);
        loop {
            self.seal_audit().await?;
            let head = self.audit_head().await?;
            let old = self.engine().list(&OLD, args![self.pool_id(), head.base_seq], |row| {
                Ok((row.int()?, row.int()?, row.array::<32>()?))
            });
            let old = old.await?;
            let last = old.iter().take_while(|(seq, at, _)| *at < before && *seq < head.seq).last();
            let Some((seq, _, hash)) = last else { return Ok(gone) };
            let mut told = act.clone();
            told.entries.iter_mut().for_each(|entry| {
                entry.detail.insert("up_to".to_owned(), (*seq).into());
                entry.detail.insert("hash".to_owned(), hex(hash).into());
            });
            let batch = Batch::new()
                .guard(&MOVE_BASE, args![self.pool_id(), head.base_seq, *seq, *hash])
                .then(&DELETE, args![self.pool_id(), head.base_seq, *seq]);
            if self.write(self.record(batch, &told)).await? {
                gone += u64::try_from(seq - head.base_seq).unwrap_or_default();
            }
        }
    }
}

/// A walk along the chain, up to and with the record of number `seq`.
struct Walk {
    seq: i64,
    hash: [u8; 32],
    /// What was kept elsewhere and not met yet.
    expected: Option<(i64, [u8; 32])>,
    /// The last record that was deleted, as long as no record was met that says so.
    base: Option<(i64, String)>,
}

impl Walk {
    fn from(head: &Head, expected: Option<(i64, [u8; 32])>) -> Walk {
        let base = (head.base_seq > 0).then(|| (head.base_seq, hex(&head.base_hash)));
        Walk { seq: head.base_seq, hash: head.base_hash, expected, base }
    }

    fn step(&mut self, record: &Record) -> Option<Break> {
        let expected = self.seq + 1;
        match record.seq {
            Some(seq) if seq == expected => {}
            _ => return Some(Break::Missing(expected)),
        }
        self.hash = link(&self.hash, record, expected);
        if record.hash != Some(self.hash) {
            return Some(Break::Changed(expected));
        }
        self.seq = expected;
        if let Some((seq, hash)) = self.expected.filter(|(seq, _)| *seq == expected) {
            if hash != self.hash {
                return Some(Break::Expected(seq));
            }
            self.expected = None;
        }
        if self.base.as_ref().is_some_and(|base| tells_of(record, base)) {
            self.base = None;
        }
        None
    }
}

/// Whether a record says that those up to `base` were deleted.
fn tells_of(record: &Record, (seq, hash): &(i64, String)) -> bool {
    let detail = record.details();
    let says = |name: &str, value: Json| detail.get(name) == Some(&value);
    record.action == Action::Prune.as_str()
        && says("up_to", (*seq).into())
        && says("hash", hash.as_str().into())
}

impl Record {
    /// In place of one that cannot be read: no hash fits it.
    fn unreadable(seq: i64) -> Record {
        let text = String::new;
        Record {
            seq: Some(seq),
            id: text(),
            pool: text(),
            at: 0,
            kind: text(),
            action: text(),
            success: false,
            times: 0,
            via: text(),
            actor_id: None,
            actor_name: None,
            target_kind: None,
            target_id: None,
            target_name: None,
            app_id: None,
            app_name: None,
            ip: None,
            user_agent: None,
            request_id: None,
            detail: text(),
            hash: None,
            key: [0; 16],
        }
    }
}

/// The hash of a record behind another: SHA-256 over that one's hash and this one's JSON form.
fn link(before: &[u8; 32], record: &Record, seq: i64) -> [u8; 32] {
    let numbered = Record { seq: Some(seq), ..record.clone() };
    let mut digest = Context::new(&SHA256);
    digest.update(before);
    // It holds nothing that cannot be written as JSON.
    digest.update(&serde_json::to_vec(&numbered).unwrap_or_default());
    let mut hash = [0; 32];
    hash.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// Seals what this node and others have written, until the store is gone.
pub(crate) fn keep_sealing(store: &Store) {
    let store: Weak<Inner> = Arc::downgrade(&store.0);
    tokio::spawn(async move {
        let mut failing = false;
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(inner) = store.upgrade() else { return };
            let store = Store(inner);
            let sealed = match store.write_failures().await {
                Ok(()) => store.seal_audit().await.map(drop),
                Err(error) => Err(error),
            };
            if let (Err(error), false) = (&sealed, failing) {
                tracing::warn!(%error, "records of the audit log are not sealed yet; that is tried again");
            }
            failing = sealed.is_err();
        }
    });
}
