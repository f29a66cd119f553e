//! The change sequence: how nodes learn what others changed.
//!
//! Every change of something that is kept in memory writes a row here, in the same batch. The node that wrote it
//! brings its own memory up to date before its call returns; the others follow by reading the rows.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use signet_protocol::{
    id::{AccountId, AppId, UserId},
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

/// A change is never stored as older than another that its writer could see, whatever the writer's clock says: whoever
/// has seen the newest can look for later ones without asking whose clock is right.
const INSERT: Sql = Sql {
    name: "change_insert",
    text: "INSERT INTO change (change_id, pool_id, kind, subject, at) VALUES ($1, $2, $3, $4,
               (SELECT CASE WHEN newest.at > $5 THEN newest.at ELSE $5 END
                FROM (SELECT max(at) AS at FROM change WHERE pool_id = $2) AS newest))",
};
const SINCE: Sql = Sql {
    name: "change_since",
    text: "SELECT change_id, kind, subject, at FROM change WHERE pool_id = $1 AND at >= $2 ORDER BY at",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &SINCE];

/// How often the changes of other nodes are looked for.
const EVERY: Duration = Duration::from_millis(250);

/// How long a look may take before it is given up for another, on another connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks that a change may be late, 15 seconds: one that was written before another may be committed after it. They
/// are counted and not timed, so that a database that was away has not made anything late.
const OVERLAP: usize = 60;

/// Seconds to look back at the first look, when there are no earlier ones to count.
const FIRST_LOOK_BACK: i64 = 60;

/// Seconds after which everything is read again, whatever was seen. Changes are kept for an hour: a node that was
/// away for longer, or was suspended with its machine, has missed some.
const START_OVER: i64 = 600;

/// What changed, and so what must be forgotten or read.
#[derive(Clone, Copy)]
pub(crate) enum Changed {
    /// Some application, or several.
    Applications,
    /// The settings of the pool.
    Pool,
    /// The keys of an issuer.
    IssuerKeys(IssuerId),
    /// A user.
    User(UserId),
    /// Many users.
    Users,
    /// A programmatic access account.
    Account(AccountId),
    /// Many accounts.
    Accounts,
    /// Resources or rules of an application; of none: the pool's own resources, which all have.
    Permissions(Option<AppId>),
    /// Something was revoked.
    Revocations,
}

impl Changed {
    /// Its kind and its subject. That of revocations is when they were made by the writer's clock, which they are
    /// found by.
    fn stored(&self, at: Timestamp) -> (&'static str, String) {
        match self {
            Self::Applications => ("applications", String::new()),
            Self::Pool => ("pool", String::new()),
            Self::IssuerKeys(issuer) => ("issuer_keys", issuer.stored()),
            Self::User(user) => ("user", user.to_string()),
            Self::Users => ("users", String::new()),
            Self::Account(account) => ("account", account.to_string()),
            Self::Accounts => ("accounts", String::new()),
            Self::Permissions(of) => ("permissions", of.map(|id| id.to_string()).unwrap_or_default()),
            Self::Revocations => ("revocations", at.0.to_string()),
        }
    }

    fn parse(kind: &str, subject: &str) -> Option<Self> {
        match kind {
            "applications" => Some(Self::Applications),
            "pool" => Some(Self::Pool),
            "issuer_keys" => IssuerId::parse(subject).map(Self::IssuerKeys),
            "user" => UserId::parse(subject).map(Self::User),
            "users" => Some(Self::Users),
            "account" => AccountId::parse(subject).map(Self::Account),
            "accounts" => Some(Self::Accounts),
            "permissions" => Some(Self::Permissions(AppId::parse(subject))),
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

    /// Adds that something was revoked, for the other nodes. This one learns it otherwise.
    pub(crate) fn tell_nodes(&self, batch: Batch, now: Now) -> Batch {
        self.tell(batch, &Changed::Revocations, now)
    }

    fn tell(&self, batch: Batch, changed: &Changed, now: Now) -> Batch {
        let (kind, subject) = changed.stored(now.timestamp());
        batch.then(&INSERT, args![self.change_id(now), self.pool_id(), kind, subject, now.timestamp()])
    }

    /// Brings this node's memory up to date with a change; `at` is when its writer made it.
    async fn absorb(&self, changed: &Changed, at: Timestamp) -> Result<(), StoreError> {
        match changed {
            Changed::Applications => self.forget_applications(),
            Changed::Pool => self.forget_pool_settings(),
            Changed::IssuerKeys(issuer) => self.forget_issuer_keys(*issuer),
            Changed::User(user) => self.0.users.remove(user),
            Changed::Users => self.0.users.clear(),
            Changed::Account(account) => self.0.accounts.remove(account),
            Changed::Accounts => self.0.accounts.clear(),
            Changed::Permissions(Some(application)) => self.0.permissions.remove(application),
            Changed::Permissions(None) => self.0.permissions.clear(),
            Changed::Revocations => self.pull_revocations(at).await?,
        }
        Ok(())
    }

    fn forget_applications(&self) {
        self.0.applications.clear();
        self.0.application_names.clear();
        self.0.identifiers.clear();
        self.0.origins.clear();
        self.0.used_algs.clear();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn forget_pool_settings(&self) {
        self.0.pool_settings.clear();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn forget_issuer_keys(&self, issuer: IssuerId) {
        self.0.key_rings.remove(&issuer);
        for alg in KeyAlg::ALL {
            self.0.signing_keys.remove(&(issuer, *alg));
        }
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// In case changes were missed: forgets everything and reads all revocations again.
    async fn start_over(&self, now: Timestamp) -> Result<(), StoreError> {
        self.forget_applications();
        self.0.pool_settings.clear();
        self.0.users.clear();
        self.0.accounts.clear();
        self.0.permissions.clear();
        self.0.key_rings.clear();
        self.0.signing_keys.clear();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        self.load_revocations(now).await
    }
}

/// Follows the changes of other nodes until the store is gone. However long the database is away, it is looked for at
/// the same pace.
pub(crate) fn follow(store: &Store, clock: Clock) {
    let mut follower = Follower::new(store, clock);
    let mut failing = false;
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(inner) = follower.store.upgrade() else { return };
            let looked = follower.look(&Store(inner)).await;
            match (&looked, failing) {
                (Err(error), false) => tracing::warn!(%error, "cannot follow the changes of other nodes"),
                (Ok(()), true) => tracing::info!("follows the changes of other nodes again"),
                _ => {}
            }
            failing = looked.is_err();
            if failing && let Some(inner) = follower.store.upgrade() {
                // Who may have been blocked or lost permissions meanwhile is not to be answered for from memory.
                inner.users.clear();
                inner.accounts.clear();
                inner.permissions.clear();
            }
        }
    });
}

struct Follower {
    store: Weak<Inner>,
    clock: Clock,
    /// The newest change as of each of the last looks, the oldest look first.
    marks: VecDeque<i64>,
    /// Those handled that the next look will meet again.
    seen: HashMap<[u8; 16], i64>,
    /// When everything was read last, by this node's clock.
    all_read: Timestamp,
}

/// A change as another node wrote it.
struct Row {
    id: [u8; 16],
    /// `None`: a kind written by a newer node means nothing to this one.
    changed: Option<Changed>,
    /// Its place among the changes.
    at: i64,
    /// When it was made by its writer's clock.
    made_at: Timestamp,
}

impl Follower {
    fn new(store: &Store, clock: Clock) -> Self {
        Self {
            store: Arc::downgrade(&store.0),
            all_read: clock.now().timestamp(),
            clock,
            marks: VecDeque::new(),
            seen: HashMap::new(),
        }
    }

    async fn look(&mut self, store: &Store) -> Result<(), StoreError> {
        let now = self.clock.now().timestamp();
        let since = self.marks.front().copied().unwrap_or(i64::MIN);
        let list = store.engine().list(&SINCE, args![store.pool_id(), since], read);
        let late = |_| StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()));
        let rows = tokio::time::timeout(PATIENCE, list).await.map_err(late)??;
        // A clock that was set back starts over too.
        if !(0..START_OVER).contains(&(now.0 - self.all_read.0)) {
            store.start_over(now).await?;
            self.all_read = now;
        }
        let newest = rows.last().map_or(since, |row| row.at);
        self.take_in(store, rows).await?;
        if self.marks.is_empty() {
            self.marks.push_back(newest.saturating_sub(FIRST_LOOK_BACK));
        }
        self.marks.push_back(newest);
        if self.marks.len() > OVERLAP {
            self.marks.pop_front();
        }
        let again = self.marks.front().copied().unwrap_or(i64::MIN);
        self.seen.retain(|_, at| *at >= again);
        Ok(())
    }

    async fn take_in(&mut self, store: &Store, mut rows: Vec<Row>) -> Result<(), StoreError> {
        rows.retain(|row| !self.seen.contains_key(&row.id));
        // One pull brings every revocation since; a mass revocation must not become a mass of queries.
        let revoking = rows.iter().filter(|row| matches!(row.changed, Some(Changed::Revocations)));
        if let Some(since) = revoking.map(|row| row.made_at).min() {
            store.absorb(&Changed::Revocations, since).await?;
        }
        for row in rows {
            match &row.changed {
                Some(Changed::Revocations) | None => {}
                Some(changed) => store.absorb(changed, row.made_at).await?,
            }
            self.seen.insert(row.id, row.at);
        }
        Ok(())
    }
}

fn read(row: &mut RowReader) -> Result<Row, StoreError> {
    let (id, kind, subject, at) = (row.array()?, row.text()?, row.text()?, row.int()?);
    let made_at = subject.parse().ok().filter(|_| kind == "revocations").unwrap_or(at);
    Ok(Row { id, changed: Changed::parse(&kind, &subject), at, made_at: Timestamp(made_at) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;
    use crate::{Database, MasterKey, Options};
    use signet_testkit::seed::Seeded;

    const NOON: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Now {
        Now::from_millis((NOON + seconds) * 1000)
    }

    /// Two nodes on one database, of which the second is told to look.
    async fn nodes(directory: &tempfile::TempDir) -> (Store, Store) {
        let options = Options {
            database: Database::Sqlite(directory.path().join("signet.db")),
            master_key: MasterKey::from_bytes([7; 32]),
            clock: Clock::new(|| at(0)),
        };
        let writer = Store::open(options.clone(), at(0), &mut Seeded(1)).await.unwrap();
        (writer, Store::open(options, at(0), &mut Seeded(2)).await.unwrap())
    }

    #[tokio::test]
    async fn the_next_look_sees_what_any_clock_wrote() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, node) = nodes(&directory).await;
        let mut follower = Follower::new(&node, Clock::new(|| at(0)));
        for (number, seconds) in [0, 900, -900, 0, 86_400, -86_400, 1].into_iter().enumerate() {
            let jti = format!("token {number}");
            writer.revoke_jti(&jti, at(90_000).timestamp(), at(seconds)).await.unwrap();
            // However often it has looked in between.
            for _ in 0..OVERLAP + 1 {
                follower.look(&node).await.unwrap();
                assert!(node.is_revoked(None, &jti), "{seconds}");
            }
        }
    }

    #[tokio::test]
    async fn a_change_that_is_committed_late_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, node) = nodes(&directory).await;
        let mut follower = Follower::new(&node, Clock::new(|| at(0)));
        writer.revoke_jti("first", at(600).timestamp(), at(0)).await.unwrap();
        follower.look(&node).await.unwrap();
        writer.revoke_jti("new", at(600).timestamp(), at(10)).await.unwrap();
        for _ in 1..OVERLAP {
            follower.look(&node).await.unwrap();
        }
        writer.revoke_jti("old", at(600).timestamp(), at(1)).await.unwrap();
        // As if its writer had not seen the new one yet.
        const LATE: Sql = Sql { name: "late", text: "UPDATE change SET at = $1 WHERE subject = $2" };
        let values = args![at(0).timestamp(), at(1).timestamp().0.to_string()];
        writer.write(Batch::new().then(&LATE, values)).await.unwrap();
        follower.look(&node).await.unwrap();
        assert!(node.is_revoked(None, "old"));
    }

    #[tokio::test]
    async fn what_is_handled_is_not_handled_again() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, node) = nodes(&directory).await;
        let mut follower = Follower::new(&node, Clock::new(|| at(0)));
        let key = Changed::IssuerKeys(IssuerId::Pool(writer.pool_id()));
        assert!(writer.commit(Batch::new(), vec![key], at(0)).await.unwrap());
        let before = node.generation();
        for _ in 0..3 {
            follower.look(&node).await.unwrap();
            assert_eq!(node.generation(), before + 1);
        }
    }

    #[tokio::test]
    async fn everything_is_read_again_after_ten_minutes() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, node) = nodes(&directory).await;
        static SECONDS: AtomicI64 = AtomicI64::new(0);
        let mut follower = Follower::new(&node, Clock::new(|| at(SECONDS.load(Ordering::SeqCst))));
        writer.revoke_jti("one", at(6000).timestamp(), at(0)).await.unwrap();
        const FORGET: Sql = Sql { name: "forget", text: "DELETE FROM change WHERE pool_id = $1" };
        writer.write(Batch::new().then(&FORGET, args![writer.pool_id()])).await.unwrap();
        for (seconds, seen) in [(0, false), (START_OVER - 1, false), (START_OVER, true)] {
            SECONDS.store(seconds, Ordering::SeqCst);
            follower.look(&node).await.unwrap();
            assert_eq!(node.is_revoked(None, "one"), seen, "after {seconds} s");
        }
    }
}
