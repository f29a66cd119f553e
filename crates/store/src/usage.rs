//! How much Signet is used: per day, application and kind. Counted in memory, and written as sums every few seconds.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use signet_protocol::{
    application::GrantType,
    id::{AppId, UserId},
    time::Timestamp,
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
    store::Inner,
};

const ADD: Sql = Sql {
    name: "usage_add",
    text: "INSERT INTO use_count (pool_id, day, app_id, kind, count) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (pool_id, day, app_id, kind) DO UPDATE SET count = use_count.count + excluded.count",
};
/// Marks a user as active on a day, if that is later than their last: whichever node does it leaves its mark.
const MARK: Sql = Sql {
    name: "usage_mark_active",
    text: "INSERT INTO active_user (pool_id, user_id, day, mark) VALUES ($1, $2, $3, $4)
           ON CONFLICT (pool_id, user_id) DO UPDATE SET day = excluded.day, mark = excluded.mark
           WHERE active_user.day < excluded.day",
};
/// Counts a user whose mark is ours: no other node counts them on this day.
const COUNT_MARKED: Sql = Sql {
    name: "usage_count_active",
    text: "INSERT INTO use_count (pool_id, day, app_id, kind, count)
           SELECT pool_id, day, '', 'active_users', 1 FROM active_user
           WHERE pool_id = $1 AND user_id = $2 AND day = $3 AND mark = $4
           ON CONFLICT (pool_id, day, app_id, kind) DO UPDATE SET count = use_count.count + excluded.count",
};
const SINCE: Sql = Sql {
    name: "usage_since",
    text: "SELECT day, kind, CAST(sum(count) AS BIGINT) FROM use_count WHERE pool_id = $1 AND day >= $2
           GROUP BY day, kind ORDER BY day, kind",
};
const OF_APPLICATIONS: Sql = Sql {
    name: "usage_of_applications",
    text: "SELECT app_id, kind, CAST(sum(count) AS BIGINT) FROM use_count
           WHERE pool_id = $1 AND day >= $2 AND NOT app_id = '' GROUP BY app_id, kind",
};
const ACTIVE: Sql = Sql {
    name: "usage_active_since",
    text: "SELECT count(*) FROM active_user WHERE pool_id = $1 AND day >= $2",
};

const USERS: Sql =
    Sql { name: "usage_count_users", text: "SELECT count(*) FROM pool_user WHERE pool_id = $1" };

pub(crate) const STATEMENTS: &[&Sql] =
    &[&ADD, &MARK, &COUNT_MARKED, &SINCE, &OF_APPLICATIONS, &ACTIVE, &USERS];

/// How often what was counted is written down.
const EVERY: Duration = Duration::from_secs(5);
/// Sums, or users, of a batch.
const AT_ONCE: usize = 100;
/// Users who are known to be counted today; beyond them some are looked at again.
const KNOWN: usize = 1_000_000;
/// Counters in memory, one for each of as many threads: threads do not wait for one another.
const SHARDS: usize = 16;
/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Somebody signed in.
    SignIn,
    /// Somebody tried to, in vain.
    SignInFailed,
    /// An answer with tokens.
    Tokens(GrantType),
}

impl Use {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Use::SignIn => "sign_in",
            Use::SignInFailed => "sign_in_failed",
            Use::Tokens(GrantType::AuthorizationCode) => "tokens_authorization_code",
            Use::Tokens(GrantType::RefreshToken) => "tokens_refresh_token",
            Use::Tokens(GrantType::Password) => "tokens_password",
            Use::Tokens(GrantType::Implicit) => "tokens_implicit",
            Use::Tokens(GrantType::ClientCredentials) => "tokens_client_credentials",
        }
    }
}

/// As which users are counted who were active on a day.
pub const ACTIVE_USERS: &str = "active_users";

/// The day of a moment, by the second at which it begins.
pub fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY) * DAY
}

type Counts = HashMap<(i64, AppId, Use), i64>;

/// What was counted and is not written down yet.
pub(crate) struct Usage {
    shards: [Mutex<Counts>; SHARDS],
    active: Mutex<Active>,
}

/// Users who did something today.
#[derive(Default)]
struct Active {
    day: i64,
    /// Those that are written down.
    known: HashSet<UserId>,
    new: HashSet<(UserId, i64)>,
}

impl Default for Usage {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), active: Mutex::default() }
    }
}

static THREADS: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static SHARD: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
}

impl Usage {
    fn count(&self, of: AppId, what: Use, day: i64) {
        if let Some(shard) = self.shards.get(SHARD.with(|shard| *shard)) {
            *lock(shard).entry((day, of, what)).or_default() += 1;
        }
    }

    /// Everything that was counted, summed up.
    fn take(&self) -> Vec<((i64, AppId, Use), i64)> {
        let mut all = Counts::new();
        for shard in &self.shards {
            for (key, count) in std::mem::take(&mut *lock(shard)) {
                *all.entry(key).or_default() += count;
            }
        }
        all.into_iter().collect()
    }

    fn put_back(&self, counts: &[((i64, AppId, Use), i64)]) {
        if let Some(first) = self.shards.first() {
            let mut shard = lock(first);
            counts.iter().for_each(|(key, count)| *shard.entry(*key).or_default() += count);
        }
    }
}

impl Active {
    fn note(&mut self, user: UserId, day: i64) {
        if day > self.day {
            self.day = day;
            self.known.clear();
        }
        if !self.known.contains(&user) {
            self.new.insert((user, day));
        }
    }

    fn written(&mut self, users: &[(UserId, i64)]) {
        let today = users.iter().filter(|(_, day)| *day == self.day).map(|(user, _)| *user);
        self.known.extend(today);
        if self.known.len() > KNOWN {
            self.known.clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sum of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The day, by the second at which it begins; of the sums of applications 0.
    pub day: i64,
    /// The application; `None` in a sum of all.
    pub application: Option<AppId>,
    /// [`Use::as_str`], or [`ACTIVE_USERS`].
    pub kind: String,
    /// How many.
    pub count: i64,
}

impl Store {
    /// Counts a use of an application. Nothing is written now.
    pub fn count_use(&self, of: AppId, what: Use, at: Timestamp) {
        self.0.usage.count(of, what, day_of(at));
    }

    /// Counts a user among those who did something today. Nothing is written now.
    pub fn count_active(&self, user: UserId, at: Timestamp) {
        lock(&self.0.usage.active).note(user, day_of(at));
    }

    /// Writes down what was counted. What cannot be written is kept for the next time.
    pub async fn write_usage(&self) -> Result<(), StoreError> {
        let counts = self.0.usage.take();
        let mut rest = counts.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(AT_ONCE));
            let add = |batch: Batch, ((day, of, what), count): &((i64, AppId, Use), i64)| {
                batch.then(&ADD, args![self.pool_id(), *day, *of, what.as_str(), *count])
            };
            if let Err(error) = self.write(some.iter().fold(Batch::new(), add)).await {
                self.0.usage.put_back(rest);
                return Err(error);
            }
            rest = others;
        }
        self.write_active().await
    }

    async fn write_active(&self) -> Result<(), StoreError> {
        let mut new: Vec<_> = lock(&self.0.usage.active).new.drain().collect();
        // In one order for all nodes, so that no two lock each other out.
        new.sort_unstable();
        let mut rest = new.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(AT_ONCE));
            let now = self.0.clock.now();
            let mark = self.change_id(now);
            let each = some.iter().fold(Batch::new(), |batch, (user, day)| {
                batch.then(&MARK, args![self.pool_id(), *user, *day, mark])
            });
            let batch = some.iter().fold(each, |batch, (user, day)| {
                batch.then(&COUNT_MARKED, args![self.pool_id(), *user, *day, mark])
            });
            let written = self.write(batch).await;
            let mut active = lock(&self.0.usage.active);
            if let Err(error) = written {
                active.new.extend(rest);
                return Err(error);
            }
            active.written(some);
            rest = others;
        }
        Ok(())
    }

    /// The sums of each day since `day`, over all applications, by day and kind.
    pub async fn usage_since(&self, day: i64) -> Result<Vec<Count>, StoreError> {
        let read = |row: &mut RowReader| {
            Ok(Count { day: row.int()?, application: None, kind: row.text()?, count: row.int()? })
        };
        self.engine().list(&SINCE, args![self.pool_id(), day], read).await
    }

    /// The sums of each application since `day`.
    pub async fn usage_of_applications(&self, day: i64) -> Result<Vec<Count>, StoreError> {
        let read = |row: &mut RowReader| {
            let application = Some(row.parsed(AppId::parse)?);
            Ok(Count { day: 0, application, kind: row.text()?, count: row.int()? })
        };
        self.engine().list(&OF_APPLICATIONS, args![self.pool_id(), day], read).await
    }

    /// How many users did something on or after `day`.
    pub async fn active_users_since(&self, day: i64) -> Result<i64, StoreError> {
        let found = self.engine().find(&ACTIVE, args![self.pool_id(), day], RowReader::int).await?;
        Ok(found.unwrap_or_default())
    }

    /// How many users there are. They are counted one by one: tens of milliseconds for a million.
    pub async fn count_users(&self) -> Result<i64, StoreError> {
        let found = self.engine().find(&USERS, args![self.pool_id()], RowReader::int).await?;
        Ok(found.unwrap_or_default())
    }
}

/// Writes down what was counted, until the store is gone.
pub(crate) fn keep(store: &Store) {
    let store: Weak<Inner> = Arc::downgrade(&store.0);
    tokio::spawn(async move {
        let mut failing = false;
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(inner) = store.upgrade() else { return };
            let written = Store(inner).write_usage().await;
            if let (Err(error), false) = (&written, failing) {
                tracing::warn!(%error, "counters of use are not written down; they are kept for the next time");
            }
            failing = written.is_err();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use signet_protocol::time::Now;
    use signet_testkit::seed::Seeded;

    fn user(number: u64) -> UserId {
        UserId::generate(Now::from_millis(0), &mut Seeded(number))
    }

    #[test]
    fn threads_count_apart_and_are_summed_up() {
        let usage = Arc::new(Usage::default());
        let of = AppId::generate(Now::from_millis(0), &mut Seeded(1));
        let threads: Vec<_> = (0..20)
            .map(|_| {
                let usage = Arc::clone(&usage);
                std::thread::spawn(move || (0..1000).for_each(|_| usage.count(of, Use::SignIn, 0)))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let taken = usage.take();
        assert_eq!(taken, [((0, of, Use::SignIn), 20_000)]);
        usage.put_back(&taken);
        assert_eq!(usage.take(), taken);
        assert_eq!(usage.take(), []);
    }

    #[test]
    fn a_user_is_written_once_a_day() {
        let mut active = Active::default();
        let taken = |active: &mut Active| -> Vec<_> { active.new.drain().collect() };
        active.note(user(1), DAY);
        active.note(user(1), DAY);
        let first = taken(&mut active);
        assert_eq!(first, [(user(1), DAY)]);
        active.written(&first);
        active.note(user(1), DAY);
        assert_eq!(taken(&mut active), []);
        active.note(user(1), 2 * DAY);
        assert_eq!(taken(&mut active), [(user(1), 2 * DAY)]);
    }

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!([0, 86_399, 86_400, -1].map(|at| day_of(Timestamp(at))), [0, 0, DAY, -DAY]);
    }
}
