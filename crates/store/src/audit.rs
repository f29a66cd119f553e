//! The audit log: who did what, when, to what, and whether it was done (`docs/audit.md`).
//!
//! A record is written in the batch of the act it tells of, so that nothing stands without one. `chain` then numbers the
//! records and hashes each with the one before it; no statement changes what they say.

mod chain;
mod entry;
mod failures;
mod list;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use signet_protocol::{
    jose,
    time::{Now, Timestamp},
};

use self::entry::bounded;
pub(crate) use self::{chain::keep_sealing, failures::Failures};
pub use self::{
    chain::{Break, Head, Verified},
    entry::{Act, Action, Entry, Kind, Named, Origin, Via},
    failures::Failed,
    list::{Filter, Page, Select},
};
use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "audit_insert",
    text: "INSERT INTO audit (audit_id, pool_id, at, kind, action, success, times, via, actor_id, actor_name,
               target_kind, target_id, target_name, app_id, app_name, ip, user_agent, request_id, detail)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
};

/// The columns [`read`] wants.
macro_rules! audit_columns {
    () => {
        "audit_id, pool_id, at, kind, action, success, times, via, actor_id, actor_name, target_kind, target_id,
         target_name, app_id, app_name, ip, user_agent, request_id, detail, seq, hash"
    };
}
pub(crate) use audit_columns;

pub(crate) const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &chain::HEAD,
    &chain::BEGIN,
    &chain::ADVANCE,
    &chain::UNSEALED,
    &chain::SEAL,
    &chain::WALK,
    &chain::NEXT,
    &chain::MOVE_BASE,
    &chain::DELETE,
    &chain::OLD,
    &chain::OLDEST,
    &list::ALL.list[0],
    &list::ALL.list[1],
    &list::ALL.horizon[0],
    &list::ALL.horizon[1],
    &list::OF_KIND.list[0],
    &list::OF_KIND.list[1],
    &list::OF_KIND.horizon[0],
    &list::OF_KIND.horizon[1],
    &list::OF_ACTION.list[0],
    &list::OF_ACTION.list[1],
    &list::OF_ACTION.horizon[0],
    &list::OF_ACTION.horizon[1],
    &list::OF_ACTOR.list[0],
    &list::OF_ACTOR.list[1],
    &list::OF_ACTOR.horizon[0],
    &list::OF_ACTOR.horizon[1],
    &list::OF_APPLICATION.list[0],
    &list::OF_APPLICATION.list[1],
    &list::OF_APPLICATION.horizon[0],
    &list::OF_APPLICATION.horizon[1],
    &list::ON_TARGET.list[0],
    &list::ON_TARGET.list[1],
    &list::ON_TARGET.horizon[0],
    &list::ON_TARGET.horizon[1],
    &list::FROM_IP.list[0],
    &list::FROM_IP.list[1],
    &list::FROM_IP.horizon[0],
    &list::FROM_IP.horizon[1],
    &list::OF_REQUEST.list[0],
    &list::OF_REQUEST.list[1],
    &list::OF_REQUEST.horizon[0],
    &list::OF_REQUEST.horizon[1],
    &list::FAILED.list[0],
    &list::FAILED.list[1],
    &list::FAILED.horizon[0],
    &list::FAILED.horizon[1],
];

/// A record as it is stored. Its JSON form without the hash is what is hashed: columns are named and come in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the columns of the table, described in docs/audit.md")]
pub struct Record {
    /// Its number in the chain; `None` for up to a second.
    pub seq: Option<i64>,
    pub id: String,
    pub pool: String,
    /// Milliseconds of the epoch.
    pub at: i64,
    pub kind: String,
    pub action: String,
    pub success: bool,
    pub times: i64,
    pub via: String,
    pub actor_id: Option<String>,
    pub actor_name: Option<String>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub target_name: Option<String>,
    pub app_id: Option<String>,
    pub app_name: Option<String>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// A JSON object, as text.
    pub detail: String,
    /// The chain's hash up to and with this record.
    #[serde(skip)]
    pub hash: Option<[u8; 32]>,
    #[serde(skip)]
    key: [u8; 16],
}

impl Record {
    /// When it was.
    pub fn time(&self) -> Timestamp {
        Timestamp(self.at.div_euclid(1000))
    }

    /// What it says beyond its columns.
    pub fn details(&self) -> Map<String, Json> {
        serde_json::from_str(&self.detail).unwrap_or_default()
    }

    /// Its hash as text.
    pub fn hash_text(&self) -> Option<String> {
        self.hash.map(|hash| hex(&hash))
    }

    /// The key after which the next page begins.
    pub fn cursor(&self) -> String {
        self.id.clone()
    }
}

impl Store {
    /// Adds the records of an act.
    pub(crate) fn record(&self, batch: Batch, act: &Act) -> Batch {
        act.entries.iter().fold(batch, |batch, entry| self.insert_record(batch, entry, act.now))
    }

    /// Writes records of what leaves nothing else behind.
    pub async fn write_audit(&self, act: &Act) -> Result<(), StoreError> {
        self.write(self.record(Batch::new(), act)).await.map(drop)
    }

    fn insert_record(&self, batch: Batch, entry: &Entry, now: Now) -> Batch {
        let (target_kind, target) = entry.target.clone().unzip();
        let (target, application) =
            (target.unwrap_or_default(), entry.application.clone().unwrap_or_default());
        let origin = &entry.origin;
        let kept = |text: &Option<String>| text.as_deref().map(bounded);
        let row = args![
            self.change_id(now),
            self.pool_id(),
            now.millis(),
            entry.kind.as_str(),
            entry.action.as_str(),
            entry.success,
            entry.times,
            origin.via.as_str(),
            kept(&origin.actor.id),
            kept(&origin.actor.name),
            kept(&target_kind),
            kept(&target.id),
            kept(&target.name),
            kept(&application.id),
            kept(&application.name),
            kept(&origin.ip),
            kept(&origin.user_agent),
            kept(&origin.request_id),
            Json::Object(entry.detail.clone()).to_string(),
        ];
        batch.then(&INSERT, row)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(row: &mut RowReader) -> Result<Record, StoreError> {
    let key: [u8; 16] = row.array()?;
    let mut record = Record {
        seq: None,
        id: jose::b64(&key),
        pool: row.text()?,
        at: row.int()?,
        kind: row.text()?,
        action: row.text()?,
        success: row.bool()?,
        times: row.int()?,
        via: row.text()?,
        actor_id: row.opt_text()?,
        actor_name: row.opt_text()?,
        target_kind: row.opt_text()?,
        target_id: row.opt_text()?,
        target_name: row.opt_text()?,
        app_id: row.opt_text()?,
        app_name: row.opt_text()?,
        ip: row.opt_text()?,
        user_agent: row.opt_text()?,
        request_id: row.opt_text()?,
        detail: row.text()?,
        hash: None,
        key,
    };
    record.seq = row.opt_int()?;
    record.hash = row.opt_bytes()?.and_then(|hash| hash.try_into().ok());
    Ok(record)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_statement_changes_what_a_record_says() {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for sql in crate::sql::all() {
            let text = plain(sql.text);
            if text.starts_with("UPDATE audit ") {
                assert!(text.starts_with("UPDATE audit SET seq = $3, hash = $4 WHERE"), "{}", sql.name);
                assert!(text.ends_with("AND seq IS NULL"), "{}", sql.name);
            }
            let goes = text.starts_with("DELETE FROM audit ");
            // With the oldest part of a log, or with the pool it is of.
            let known = ["audit_delete", "purge_audit_unsealed", "purge_audit"].contains(&sql.name);
            assert_eq!(goes, known, "{}", sql.name);
        }
    }
}
