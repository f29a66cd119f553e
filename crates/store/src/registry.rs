//! The user pools of an installation: which there are, and where they live. They are managed from the default one.
//!
//! Two pools never share an address, and no application's own address is a pool's: whoever gives out either holds the row of
//! the installation, so that of two who do it at once the second sees what the first has done.

use std::future::Future;

use signet_protocol::{
    entropy::Entropy,
    id::PoolId,
    issuer::{BaseUrl, Identifier, Site},
    secret::SecretHash,
    time::{Now, Timestamp},
};

use crate::{
    MasterKey, Pool, Store, StoreError, args,
    audit::Act,
    installation,
    sql::{Batch, Engine, RowReader, Sql, Value, Written},
};

/// Pools that an installation has at most, the default one included: each node keeps up with each of them.
pub const MAX_POOLS: i64 = 50;

const LOAD: Sql = Sql {
    name: "pool_load",
    text: "SELECT pool_id, name, refresh_key, csrf_key, device_key FROM pool
           WHERE pool_id = $1 AND removed_at IS NULL",
};
const LIST: Sql = Sql {
    name: "pool_list",
    text: "SELECT pool_id, identifier, name, base_url, created_at, version FROM pool WHERE removed_at IS NULL
           ORDER BY created_at, pool_id",
};
/// Whoever gives out addresses comes one after the other.
const HOLD: Sql = Sql { name: "address_hold", text: "SELECT 1 FROM installation WHERE id = 1" };
const ROOM: Sql = Sql {
    name: "pool_room",
    text: "SELECT 1 FROM installation WHERE id = 1 AND $1 > (SELECT count(*) FROM pool)",
};
/// `$1` is a host, `$2` its first label, `$3` what is behind that, `$4` the pool that is to have it: neither is it the own
/// address of another pool's application, nor would an application of this pool have the address of another pool.
const ADDRESS_FREE: Sql = Sql {
    name: "pool_address_free",
    text: "SELECT 1 FROM installation i WHERE i.id = 1
           AND NOT EXISTS (SELECT 1 FROM pool p JOIN application a ON a.pool_id = p.pool_id AND a.identifier = $2
               WHERE p.host = $3)
           AND NOT EXISTS (SELECT 1 FROM pool p JOIN application a
               ON a.pool_id = $4 AND a.identifier = replace(p.host, '.' || $1, '')
               WHERE p.host = a.identifier || '.' || $1)",
};
/// `$2` is the label of an application with a dot.
const LABEL_FREE: Sql = Sql {
    name: "application_label_free",
    text: "SELECT 1 FROM installation i WHERE i.id = 1
           AND NOT EXISTS (SELECT 1 FROM pool own JOIN pool other ON other.host = $2 || own.host
               WHERE own.pool_id = $1)",
};
const INSERT: Sql = Sql {
    name: "pool_insert",
    text: "INSERT INTO pool (pool_id, identifier, name, base_url, host, refresh_key, csrf_key, device_key, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
/// Whoever changes the settings of the pool at the same time looks again.
const RENAME: Sql = Sql {
    name: "pool_rename",
    text: "UPDATE pool SET name = $2, version = version + 1, settings_version = settings_version + 1
           WHERE pool_id = $1 AND version = $3 AND removed_at IS NULL",
};
const MOVE: Sql = Sql {
    name: "pool_move",
    text: "UPDATE pool SET base_url = $2, host = $3 WHERE pool_id = $1 AND removed_at IS NULL",
};
/// Its address and identifier are free at once. The default pool stays.
const REMOVE: Sql = Sql {
    name: "pool_remove",
    text: "UPDATE pool SET removed_at = $2, identifier = NULL, base_url = NULL, host = NULL, version = version + 1
           WHERE pool_id = $1 AND version = $3 AND removed_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM installation i WHERE i.pool_id = pool.pool_id)",
};
const NOTE_HOST: Sql = Sql { name: "pool_note_host", text: "UPDATE pool SET host = $2 WHERE pool_id = $1" };
const HAS_HOST: Sql = Sql { name: "pool_has_host", text: "SELECT host FROM pool WHERE pool_id = $1" };
const APPLICATIONS: Sql =
    Sql { name: "pool_count_applications", text: "SELECT count(*) FROM application WHERE pool_id = $1" };
const USERS: Sql =
    Sql { name: "pool_count_users", text: "SELECT count(*) FROM pool_user WHERE pool_id = $1" };
const ACCOUNTS: Sql =
    Sql { name: "pool_count_accounts", text: "SELECT count(*) FROM account WHERE pool_id = $1" };
const ADMINISTRATORS: Sql =
    Sql { name: "pool_count_administrators", text: "SELECT count(*) FROM administrator WHERE pool_id = $1" };

pub(crate) const STATEMENTS: &[&Sql] = &[
    &LOAD,
    &LIST,
    &HOLD,
    &ROOM,
    &ADDRESS_FREE,
    &LABEL_FREE,
    &INSERT,
    &RENAME,
    &MOVE,
    &REMOVE,
    &NOTE_HOST,
    &HAS_HOST,
    &APPLICATIONS,
    &USERS,
    &ACCOUNTS,
    &ADMINISTRATORS,
];

/// A pool as the list of pools has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPool {
    /// In every key and every query.
    pub id: PoolId,
    /// What commands call it; `None`: the default pool.
    pub identifier: Option<Identifier>,
    /// For people.
    pub name: String,
    /// Where it lives; `None`: the default pool, whose address is configured.
    pub base_url: Option<BaseUrl>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts the changes; an update names the one it was made from.
    pub version: i64,
}

/// How much there is in a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolContents {
    /// Applications.
    pub applications: i64,
    /// Users.
    pub users: i64,
    /// Programmatic access accounts.
    pub accounts: i64,
    /// Users with a role.
    pub administrators: i64,
}

/// What became of a change of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Registered {
    /// It was done.
    Done,
    /// The address is one of an application's, or one of this pool's applications has that of another pool.
    Overlaps,
    /// There are as many pools as there can be.
    Full,
    /// It was changed or removed since it was read, or is the default pool, which is not removed.
    Changed,
}

/// The list of pools. Only the store of the default pool gives it out, so that nobody comes to it from another.
#[derive(Clone, Copy)]
pub struct Registry<'s>(&'s Store);

/// The name of an index: an address that another pool has is a [`StoreError::Conflict`] with it.
pub const POOL_HOST: &str = "pool_host";
/// The same of an identifier.
pub const POOL_IDENTIFIER: &str = "pool_identifier";

impl Store {
    /// The list of pools, if this is the store of the default one.
    pub fn registry(&self) -> Option<Registry<'_>> {
        self.0.first.then_some(Registry(self))
    }

    /// Whether an application of this pool could be called so without having another pool's address.
    pub async fn label_is_free(&self, identifier: &Identifier) -> Result<bool, StoreError> {
        let found = self.engine().find(&LABEL_FREE, self.label(identifier), RowReader::int).await?;
        Ok(found.is_some())
    }

    /// Adds that nobody gives the address of one of these applications to a pool before the batch ends, and nobody has.
    pub(crate) fn hold_labels<'a>(
        &self,
        batch: Batch,
        identifiers: impl Iterator<Item = &'a Identifier>,
    ) -> Batch {
        let mut labels = identifiers.map(|identifier| self.label(identifier)).peekable();
        if labels.peek().is_none() {
            return batch;
        }
        labels.fold(batch.hold(&HOLD, args![]), |batch, label| batch.hold(&LABEL_FREE, label))
    }

    fn label(&self, identifier: &Identifier) -> Vec<Value> {
        args![self.pool_id(), format!("{identifier}.")]
    }
}

/// The pool of this id with its keys, unless it was removed.
pub(crate) async fn load(
    engine: &Engine,
    master_key: &MasterKey,
    pool: PoolId,
) -> Result<Option<Pool>, StoreError> {
    engine.find(&LOAD, args![pool], |row| installation::read_pool(row, master_key)).await
}

impl<'s> Registry<'s> {
    /// Every pool that was not removed, the oldest first.
    pub async fn list(self) -> Result<Vec<StoredPool>, StoreError> {
        self.0.engine().list(&LIST, args![], read).await
    }

    /// The id of the default pool.
    pub fn default_pool(self) -> PoolId {
        self.0.pool_id()
    }

    /// How much there is in a pool.
    pub async fn contents(self, pool: PoolId) -> Result<PoolContents, StoreError> {
        let count = async |sql: &'static Sql| -> Result<i64, StoreError> {
            let found = self.0.engine().find(sql, args![pool], RowReader::int).await?;
            Ok(found.unwrap_or_default())
        };
        Ok(PoolContents {
            applications: count(&APPLICATIONS).await?,
            users: count(&USERS).await?,
            accounts: count(&ACCOUNTS).await?,
            administrators: count(&ADMINISTRATORS).await?,
        })
    }

    /// Makes a pool with keys of its own. An identifier or address that another has is [`StoreError::Conflict`].
    pub fn create(
        self,
        new: &StoredPool,
        act: &Act,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Registered, StoreError>> + Send + use<'s> {
        let batch = self.insert(new, act, entropy);
        async move { self.write(batch?).await }
    }

    fn insert(self, new: &StoredPool, act: &Act, entropy: &mut dyn Entropy) -> Result<Outcomes, StoreError> {
        let [refresh, csrf, device] = installation::new_keys(&self.0.0.master_key, new.id, entropy)?;
        let (base_url, host) = stored(new);
        let mut outcomes = Outcomes::new();
        outcomes.hold(&HOLD, args![], Registered::Changed);
        outcomes.hold(&ROOM, args![MAX_POOLS], Registered::Full);
        outcomes.address(new);
        let identifier = new.identifier.as_ref().map(Identifier::as_str);
        let row =
            args![new.id, identifier, &new.name, base_url, host, refresh, csrf, device, act.now.timestamp()];
        outcomes.batch = self.0.record(std::mem::take(&mut outcomes.batch).then(&INSERT, row), act);
        Ok(outcomes)
    }

    /// Changes the name and the address of a pool, from the version that `pool` was read at; `from` is as it was read. The
    /// address of the default pool is configured and stays.
    pub async fn change(
        self,
        from: &StoredPool,
        pool: &StoredPool,
        act: &Act,
    ) -> Result<Registered, StoreError> {
        let mut outcomes = Outcomes::new();
        let moves = pool.base_url.is_some() && pool.base_url != from.base_url;
        if moves {
            outcomes.hold(&HOLD, args![], Registered::Changed);
            outcomes.address(pool);
        }
        outcomes.guard(&RENAME, args![pool.id, &pool.name, pool.version]);
        let mut batch = std::mem::take(&mut outcomes.batch);
        if moves {
            let (base_url, host) = stored(pool);
            batch = batch.then(&MOVE, args![pool.id, base_url, host]);
        }
        outcomes.batch = self.0.record(batch, act);
        self.write(outcomes).await
    }

    /// Removes a pool: from this moment nobody serves it, and its address and identifier are free. What was in it is deleted
    /// afterwards ([`Registry::purge`]).
    pub async fn remove(self, pool: &StoredPool, act: &Act) -> Result<Registered, StoreError> {
        let mut outcomes = Outcomes::new();
        outcomes.guard(&REMOVE, args![pool.id, act.now.timestamp(), pool.version]);
        outcomes.batch = self.0.record(std::mem::take(&mut outcomes.batch), act);
        self.write(outcomes).await
    }

    async fn write(self, outcomes: Outcomes) -> Result<Registered, StoreError> {
        let registered = match self.0.engine().write(outcomes.batch).await? {
            Written::Done => Registered::Done,
            Written::Refused { statement } => {
                outcomes.refused.get(statement).copied().unwrap_or(Registered::Changed)
            }
        };
        if registered == Registered::Done {
            self.0.0.pools_changed.notify_one();
        }
        Ok(registered)
    }

    /// Waits until this process has changed which pools there are.
    pub async fn changed(self) {
        self.0.0.pools_changed.notified().await;
    }

    /// Keeps a link by which the first administrator of another pool comes to its console, in place of the one before;
    /// `false` when somebody owns that pool, or there is none. The record of `act` is that pool's.
    pub fn offer_setup(
        self,
        pool: PoolId,
        (link, until): (SecretHash, Timestamp),
        act: Act,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send + use<'s> {
        let beside = self.0.beside(pool, entropy);
        async move {
            match beside.await? {
                Some(store) => store.offer_setup(link, until, act).await,
                None => Ok(false),
            }
        }
    }

    /// The store of another pool, with all that is kept up in the background until it is dropped; `None`: there is no such
    /// pool, or not any more.
    pub fn open(
        self,
        pool: PoolId,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Option<Store>, StoreError>> + Send + use<'s> {
        self.0.sibling(pool, now, entropy)
    }

    /// Writes down where the default pool lives, for those who give out addresses; unless `anew`, only if nobody has. An
    /// address that another pool has is [`StoreError::Conflict`].
    pub async fn note_address(self, base_url: &BaseUrl, anew: bool) -> Result<(), StoreError> {
        let pool = self.0.pool_id();
        let known = self.0.engine().find(&HAS_HOST, args![pool], RowReader::opt_text).await?.flatten();
        let same = known.as_deref() == Some(base_url.host());
        if same || (known.is_some() && !anew) {
            return Ok(());
        }
        self.0.write(Batch::new().then(&NOTE_HOST, args![pool, base_url.host()])).await.map(drop)
    }

    /// Has the store of a pool know what the pool is called now.
    pub fn call(self, store: &Store, pool: &StoredPool) {
        if store.pool_id() == pool.id {
            store.call_pool(&pool.name);
        }
    }

    pub(crate) fn store(self) -> &'s Store {
        self.0
    }
}

/// The two columns of an address.
fn stored(pool: &StoredPool) -> (Option<String>, Option<String>) {
    let base_url = pool.base_url.as_ref();
    (base_url.map(|url| url.origin(&Site::Pool)), base_url.map(|url| url.host().to_owned()))
}

/// A batch, and what it means when one of its statements refuses.
struct Outcomes {
    batch: Batch,
    refused: Vec<Registered>,
}

impl Outcomes {
    fn new() -> Outcomes {
        Outcomes { batch: Batch::new(), refused: Vec::new() }
    }

    fn hold(&mut self, sql: &'static Sql, args: Vec<Value>, refused: Registered) {
        self.batch = std::mem::take(&mut self.batch).hold(sql, args);
        self.refused.push(refused);
    }

    fn guard(&mut self, sql: &'static Sql, args: Vec<Value>) {
        self.batch = std::mem::take(&mut self.batch).guard(sql, args);
        self.refused.push(Registered::Changed);
    }

    fn address(&mut self, pool: &StoredPool) {
        let Some(base_url) = &pool.base_url else { return };
        let host = base_url.host();
        let (label, behind) = host.split_once('.').unwrap_or((host, ""));
        self.hold(&ADDRESS_FREE, args![host, label, behind, pool.id], Registered::Overlaps);
    }
}

fn read(row: &mut RowReader) -> Result<StoredPool, StoreError> {
    Ok(StoredPool {
        id: row.parsed(PoolId::parse)?,
        identifier: row.opt_parsed(|text| Identifier::parse(text).ok())?,
        name: row.text()?,
        base_url: row.opt_parsed(|text| BaseUrl::parse(text).ok())?,
        created_at: row.at()?,
        version: row.int()?,
    })
}
