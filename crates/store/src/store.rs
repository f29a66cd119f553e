//! The store itself: opening, closing, and what all nouns share.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use signet_protocol::{
    account::Account,
    application::Application,
    entropy::{Entropy, random},
    id::{AccountId, AppId, PoolId, UserId},
    issuer::{Identifier, IssuerId},
    jose::{KeyAlg, SigningKey},
    pool::PoolSettings,
    resource::{Permissions, Resources},
    secret::Secret,
    subject::Subjects,
    time::Now,
    user::User,
};

use crate::{
    StoreError, account, administrator, api_request, application,
    application::ApplicationName,
    apply, assertion, attempt, audit,
    cache::Cache,
    change, code, consent, console_session, grant, import_desk, inspect, installation, issuer_key,
    issuer_key::KeyRing,
    logout_notice,
    migrations::MIGRATIONS,
    people, permission, pool, purge, refresh, registry, removal, revision, revocation,
    revocation::Revoked,
    rotation,
    sealing::MasterKey,
    session, sign_out,
    sql::{Batch, Bulk, Engine, Sql, Written},
    stats::{CacheStats, Levels, Stats},
    sweep, trace, transaction, usage, user, user_link, user_state,
};

/// Every statement of every noun.
pub(crate) const STATEMENT_LISTS: &[&[&Sql]] = &[
    account::STATEMENTS,
    administrator::STATEMENTS,
    api_request::STATEMENTS,
    application::STATEMENTS,
    apply::STATEMENTS,
    assertion::STATEMENTS,
    attempt::STATEMENTS,
    audit::STATEMENTS,
    change::STATEMENTS,
    code::STATEMENTS,
    consent::STATEMENTS,
    console_session::STATEMENTS,
    grant::STATEMENTS,
    import_desk::STATEMENTS,
    inspect::STATEMENTS,
    installation::STATEMENTS,
    issuer_key::STATEMENTS,
    logout_notice::STATEMENTS,
    people::STATEMENTS,
    permission::STATEMENTS,
    pool::STATEMENTS,
    purge::STATEMENTS,
    refresh::STATEMENTS,
    registry::STATEMENTS,
    removal::STATEMENTS,
    revision::STATEMENTS,
    revocation::STATEMENTS,
    rotation::STATEMENTS,
    session::STATEMENTS,
    sign_out::STATEMENTS,
    sweep::STATEMENTS,
    trace::STATEMENTS,
    transaction::STATEMENTS,
    usage::STATEMENTS,
    user::STATEMENTS,
    user_link::STATEMENTS,
    user_state::STATEMENTS,
];

/// What is asked of the database again and again, in the order in which a batch does it.
pub(crate) const BULKS: &[Bulk] = &[
    session::BULK_HOLD,
    grant::BULK_HOLD,
    code::BULK_SPEND,
    refresh::BULK_ROTATE,
    grant::BULK_EXTEND,
    grant::BULK_INSERT,
    code::BULK_INSERT,
    refresh::BULK_INSERT,
];

/// Users kept in memory at most: about a kilobyte each.
const USERS: usize = 64 * 1024;
/// Accounts kept in memory at most: a quarter of a user each.
const ACCOUNTS: usize = 256 * 1024;

/// Which database, and the key that opens its secrets.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the rows are.
    pub database: Database,
    /// What sealed values are sealed with.
    pub master_key: MasterKey,
    /// Where a node that shares its database reads the time to follow the others by.
    pub clock: Clock,
}

/// A source of the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Now + Send + Sync>);

impl Clock {
    /// The time is what `read` says.
    pub fn new(read: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn now(&self) -> Now {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// Which database.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// The embedded engine on this file, which is created when missing.
    Sqlite(PathBuf),
    /// A server, by its `postgres://` URL.
    Postgres(String),
}

impl Database {
    /// Where it is, for a person: of a server's address its hosts and the name of the database, never user, password or
    /// parameters.
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("SQLite {}", path.display()),
            Self::Postgres(url) => format!("PostgreSQL {}", postgres_place(url)),
        }
    }
}

/// Hosts and name of a server's address. Whatever may belong to user, password or parameters is left out, by the driver's
/// rule that they end at the first `@`, and by what a person would have meant.
fn postgres_place(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let (place, parameters) = rest.split_once(['?', '#', '&', '=']).unwrap_or((rest, ""));
    if parameters.contains('@') {
        return "at an address that has an @ among its parameters".to_owned();
    }
    let place = place.rsplit('@').next().unwrap_or_default();
    let (hosts, name) = place.split_once('/').unwrap_or((place, ""));
    // What follows a colon and is no port was meant as something else.
    let host = |host: &str| match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_err() => name.to_owned(),
        _ => host.to_owned(),
    };
    let hosts = hosts.split(',').map(host).collect::<Vec<_>>().join(",");
    let shown = if name.is_empty() { hosts } else { format!("{hosts}/{name}") };
    shown.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect()
}

/// The URL may hold a password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// A user pool with the keys that are its own.
#[derive(Clone, Debug)]
pub struct Pool {
    /// In every key and every query.
    pub id: PoolId,
    /// For people, as it was when the pool was opened; [`Store::pool_name`] is what it is called now.
    pub name: String,
    /// Refresh tokens and pairwise subjects are derived from it.
    pub refresh_key: Secret,
    /// Form tokens are derived from it, and the session cookies of applications' own hosts.
    pub csrf_key: Secret,
    /// Device cookies are derived from it.
    pub device_key: Secret,
}

impl Pool {
    /// How its users are named to its applications.
    pub fn subjects(&self) -> Subjects<'_> {
        Subjects::of(&self.refresh_key)
    }
}

/// Everything of one user pool that outlives a request. Cheap to clone; clones are the same store. The stores of two pools
/// share the database and the master key, and nothing that is kept in memory.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub engine: Arc<Engine>,
    /// Whether other nodes may share the database.
    pub shared: bool,
    pub master_key: MasterKey,
    pub pool: Pool,
    /// What the pool is called now.
    pub name: RwLock<Arc<str>>,
    /// Whether it is the default pool, from which the others are managed.
    pub first: bool,
    /// Rung when this process has changed which pools there are.
    pub pools_changed: tokio::sync::Notify,
    pub node: [u8; 6],
    pub clock: Clock,
    pub changes: AtomicU32,
    pub generation: AtomicU64,
    pub applications: Cache<AppId, Application>,
    pub application_names: Cache<PoolId, Vec<Arc<ApplicationName>>>,
    /// As they were read last, whatever has changed since.
    pub last_names: Cache<PoolId, Vec<Arc<ApplicationName>>>,
    pub identifiers: Cache<Identifier, AppId>,
    pub origins: Cache<String, ()>,
    pub users: Cache<UserId, User>,
    pub accounts: Cache<AccountId, Account>,
    pub uses: account::Uses,
    pub failures: audit::Failures,
    pub usage: usage::Usage,
    pub permissions: Cache<AppId, Permissions>,
    /// Held while a snapshot is made, with the pool's resources as the last one has them, which the next can share.
    pub making_permissions: tokio::sync::Mutex<Weak<Resources>>,
    pub used_algs: Cache<KeyAlg, bool>,
    pub pool_settings: Cache<PoolId, PoolSettings>,
    pub signing_keys: Cache<(IssuerId, KeyAlg), SigningKey>,
    pub key_rings: Cache<IssuerId, KeyRing>,
    /// One key is made at a time: a stampede to a new issuer must not make one for each request.
    pub making_key: tokio::sync::Mutex<()>,
    /// Held while public keys are read again.
    pub reading_keys: tokio::sync::Mutex<()>,
    pub revoked: Revoked,
    /// Rung when this node has written logout notices.
    pub notices: tokio::sync::Notify,
}

/// What the stores of all pools stand on.
struct Foundation {
    engine: Arc<Engine>,
    shared: bool,
    master_key: MasterKey,
    clock: Clock,
}

impl Store {
    /// Opens the database, brings its schema up to date and loads the default pool, which is created with its keys on
    /// the first start. Refused: a master key other than the one that sealed the pool's keys
    /// ([`StoreError::KeyMismatch`]), a schema newer than this binary ([`StoreError::Schema`]).
    pub fn open(
        options: Options,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Self, StoreError>> + Send + use<> {
        let node = random(entropy);
        let first_start = installation::first_start(&options.master_key, now, entropy);
        async move { Self::start(options, now, node, first_start?).await }
    }

    async fn start(
        options: Options,
        now: Now,
        node: [u8; 6],
        first_start: Batch,
    ) -> Result<Self, StoreError> {
        let engine = match &options.database {
            Database::Sqlite(path) => Engine::sqlite(path)?,
            Database::Postgres(url) => Engine::postgres(url)?,
        };
        engine.migrate(MIGRATIONS).await?;
        let pool = installation::load_or_create(&engine, &options.master_key, first_start).await?;
        let shared = matches!(options.database, Database::Postgres(_));
        let Options { master_key, clock, .. } = options;
        let of = Foundation { engine: Arc::new(engine), shared, master_key, clock };
        Self::of_pool(of, pool, (node, true)).run(now).await
    }

    /// The store of another pool of the same installation, with everything that is kept up in the background until it is
    /// dropped. Nothing but the database is shared with this one. `None`: there is no such pool, or not any more.
    pub fn sibling(
        &self,
        pool: PoolId,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send + use<'_> {
        let beside = self.beside(pool, entropy);
        async move {
            match beside.await? {
                Some(store) => store.run(now).await.map(Some),
                None => Ok(None),
            }
        }
    }

    /// The same for a single act: nothing is kept up in the background.
    pub(crate) fn beside(
        &self,
        pool: PoolId,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send + use<'_> {
        let node = random(entropy);
        async move {
            let found = registry::load(self.engine(), &self.0.master_key, pool).await?;
            let of = || Foundation {
                engine: Arc::clone(&self.0.engine),
                shared: self.0.shared,
                master_key: self.0.master_key.clone(),
                clock: self.0.clock.clone(),
            };
            Ok(found.map(|pool| Self::of_pool(of(), pool, (node, false))))
        }
    }

    fn of_pool(of: Foundation, pool: Pool, (node, first): ([u8; 6], bool)) -> Self {
        let name = RwLock::new(Arc::from(pool.name.as_str()));
        Self(Arc::new(Inner {
            engine: of.engine,
            shared: of.shared,
            master_key: of.master_key,
            pool,
            name,
            first,
            pools_changed: tokio::sync::Notify::new(),
            node,
            clock: of.clock,
            changes: AtomicU32::new(0),
            generation: AtomicU64::new(0),
            applications: Cache::default(),
            application_names: Cache::default(),
            last_names: Cache::default(),
            identifiers: Cache::default(),
            origins: Cache::default(),
            users: Cache::of(USERS),
            accounts: Cache::of(ACCOUNTS),
            uses: account::Uses::default(),
            failures: audit::Failures::default(),
            usage: usage::Usage::default(),
            permissions: Cache::default(),
            making_permissions: tokio::sync::Mutex::default(),
            used_algs: Cache::default(),
            pool_settings: Cache::default(),
            signing_keys: Cache::default(),
            key_rings: Cache::default(),
            making_key: tokio::sync::Mutex::default(),
            reading_keys: tokio::sync::Mutex::default(),
            revoked: Revoked::default(),
            notices: tokio::sync::Notify::new(),
        }))
    }

    /// Begins what is kept up in the background.
    async fn run(self, now: Now) -> Result<Self, StoreError> {
        self.load_revocations(now.timestamp()).await?;
        if self.0.shared {
            change::follow(&self, self.0.clock.clone());
        }
        account::keep_uses(&self);
        audit::keep_sealing(&self);
        usage::keep(&self);
        Ok(self)
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// What the pool is called now.
    pub fn pool_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the pool is called from now on, as the database has it. It was renamed from the default pool: what is kept of its
    /// settings is stale.
    pub(crate) fn call_pool(&self, name: &str) {
        if *self.pool_name() != *name {
            *self.0.name.write().unwrap_or_else(PoisonError::into_inner) = Arc::from(name);
            self.forget_pool_settings();
        }
    }

    /// Counts the changes of applications and keys that this node has taken in: what was rendered from them under
    /// another number is stale.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    /// What is counted of the database.
    pub fn stats(&self) -> &Stats {
        self.engine().stats()
    }

    /// What waits for the database, and what of it is in use.
    pub fn levels(&self) -> Levels {
        self.engine().levels()
    }

    /// What is counted of each cache, by its name.
    pub fn caches(&self) -> [(&'static str, &CacheStats); 10] {
        let inner = &self.0;
        [
            ("applications", inner.applications.stats()),
            ("identifiers", inner.identifiers.stats()),
            ("origins", inner.origins.stats()),
            ("users", inner.users.stats()),
            ("accounts", inner.accounts.stats()),
            ("permissions", inner.permissions.stats()),
            ("used_algs", inner.used_algs.stats()),
            ("pool_settings", inner.pool_settings.stats()),
            ("signing_keys", inner.signing_keys.stats()),
            ("key_rings", inner.key_rings.stats()),
        ]
    }

    /// How many revocations are kept in memory.
    pub fn revocations(&self) -> usize {
        self.0.revoked.len()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.engine().ping().await
    }

    /// Finishes what is queued and lets go of the database. Neither clones of this store nor those of other pools can write
    /// any more.
    pub async fn close(self) {
        self.settle().await;
        self.engine().close().await;
    }

    /// Writes down what is only in memory, so that nothing is lost when the store is dropped.
    pub async fn settle(&self) {
        if let Err(error) = self.write_account_uses().await {
            tracing::warn!(%error, "cannot write down which accounts were used last");
        }
        if let Err(error) = self.write_usage().await {
            tracing::warn!(%error, "cannot write down what was counted of use");
        }
        let sealed = match self.write_all_failures().await {
            Ok(()) => self.seal_audit().await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = sealed {
            tracing::warn!(%error, "records of the audit log are not sealed; the next start does it");
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn pool_id(&self) -> PoolId {
        self.0.pool.id
    }

    /// Whether the batch stands; `false` when one of its guards refused.
    pub(crate) async fn write(&self, batch: Batch) -> Result<bool, StoreError> {
        self.engine().write(batch).await.map(|written| written == Written::Done)
    }

    /// An ordered id that no other node gives out: time, node, counter.
    pub(crate) fn change_id(&self, now: Now) -> [u8; 16] {
        let count = self.0.changes.fetch_add(1, Ordering::Relaxed);
        let millis = now.millis().to_be_bytes();
        let parts = millis.iter().skip(2).chain(&self.0.node).copied().chain(count.to_be_bytes());
        let mut id = [0; 16];
        id.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        id
    }
}
